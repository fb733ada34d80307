"""Whole models: the contracts, encoders, decoders, and ensembles of them."""
