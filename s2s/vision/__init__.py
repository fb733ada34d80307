"""Photographs: image files to pixels, and pixels to the feature maps of a CNN."""
