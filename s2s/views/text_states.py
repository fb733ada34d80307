"""The states of recurrent layers over a text: what each unit holds after each token, for pages that show them.

An application registers how the states of its models are read under the entry-point group "s2s.states", by the kind of
the models (see s2s/plugins.py): a function as `ReadStates` describes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Protocol

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
        pieces: the part of the text that each token is; a line end is a piece of its own. A token that stands for no
            text, as START and END of a sentence do, is empty.
        layers: from the bottom
        name: for the reader, such as "encoder: the source"
        starts: the tokens before which the layers began anew: the first one, and the first of each further sentence,
            which is on a line of its own
        unknown: the tokens that the model read as unknown ones
    """

    pieces: list[str]
    layers: list[LayerStates]
    name: str = "text"
    starts: Sequence[int] = (0,)
    unknown: Sequence[int] = ()

    def lines(self) -> list[range]:
        """The tokens of each sentence that was read by itself."""
        return [range(start, end) for start, end in pairwise([*self.starts, len(self.pieces)])]


@dataclass(frozen=True)
class TextToRead:
    r"""A text whose states are asked for.

    Attributes:
        text: with `\n` at line ends, at least one character
        targets: a given translation of each line; None for the model's own, or for a model that does not translate
        device, threads: what computes, as the options of the command line name it
    """

    text: str
    targets: Sequence[str] | None = None
    device: str = "auto"
    threads: int | None = None


class ReadStates(Protocol):
    """Reads a text with a model.

    Raises:
        UserError: the model is damaged, or cannot read such a text.
    """

    def __call__(self, directory: Path, text: TextToRead) -> list[TextStates]:
        """The states over the text, and over what else the model reads on the way, such as its own translation."""
        ...
