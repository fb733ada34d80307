"""A small CNN without ImageNet weights, for drawings and other small pictures: it is trained with its model."""

from __future__ import annotations

from itertools import pairwise

from torch import nn

NAME = "small"
DIM = 128  # channels of the last layer
MEAN, STD = 127.0, 128.0  # of pixels from 0 to 255
_CHANNELS = (3, 32, 64, 64, DIM)


def stages() -> nn.Sequential:
    """Return four stages, randomly initialised: each a convolution that halves the picture, and ReLU.

    Together they map (batch, 3, height, width) -> (batch, DIM, height/16, width/16).
    """
    return nn.Sequential(
        *(
            nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.ReLU())
            for inputs, outputs in pairwise(_CHANNELS)
        )
    )
