"""Decoding: greedy search, beam search and sampling, from a step function to sentences."""
