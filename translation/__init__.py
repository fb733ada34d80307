"""Sentences to sentences."""
