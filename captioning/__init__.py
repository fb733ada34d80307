"""Photographs to sentences."""
