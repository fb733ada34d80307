"""Layers, losses and numeric precision: the parts that networks are built from."""
