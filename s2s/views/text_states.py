"""The states of recurrent layers over a text: what each unit holds after each token, for pages that show them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class LayerStates:
    """The states of one recurrent layer.

    Attributes:
        name: for the reader, such as "layer 1"
        hidden: (tokens, dim) float32
        cell: (tokens, dim) float32, of an LSTM; None for other cells
    """

    name: str
    hidden: NDArray[np.float32]
    cell: NDArray[np.float32] | None


@dataclass(frozen=True)
class TextStates:
    """The states after each token of a text.

    Attributes:
        pieces: the part of the text that each token is; a line end is a piece of its own
        layers: from the bottom
    """

    pieces: list[str]
    layers: list[LayerStates]
