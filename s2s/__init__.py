"""The shared encoder-decoder core: tensors, tokens and sentences."""
