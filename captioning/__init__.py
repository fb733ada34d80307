"""Captioning: photographs to sentences."""
