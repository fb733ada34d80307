"""Attention as data: a sentence that a model wrote, and the weights that each of its tokens gave to each position.

The positions come in segments: the words of a source sentence, the cells of a photograph, or several of either. The
weights of a token run over the positions of all segments, one segment after the other, a grid's cells row by row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import log2

import numpy as np
from numpy.typing import ArrayLike

_UNITS = 10_000  # weights are kept to 1 / _UNITS


@dataclass(frozen=True)
class Words:
    """A segment of words: the tokens of a sentence.

    Attributes:
        name: what the page calls the segment, such as "source"
        tokens: their surfaces. Where any token begins with a space, a token without one continues the word before it.
    """

    name: str
    tokens: tuple[str, ...]

    @property
    def positions(self) -> int:
        """The number of positions of the segment."""
        return len(self.tokens)


@dataclass(frozen=True)
class Photograph:
    """The photograph below a grid.

    Attributes:
        path: of its file
        width, height: in pixels, upright
        box: left, top, right and bottom of the grid, in pixels of the photograph. The grid reaches beyond the edges of
            a photograph that was padded to the shape of the grid.
    """

    path: str
    width: int
    height: int
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class Grid:
    """A segment of cells: the feature map of a picture.

    Attributes:
        name: what the page calls the segment, such as "photograph"
        rows, columns: the shape of the feature map
        photograph: None where the cells do not belong to a photograph
    """

    name: str
    rows: int
    columns: int
    photograph: Photograph | None = None

    @property
    def positions(self) -> int:
        """The number of positions of the segment."""
        return self.rows * self.columns


Segment = Words | Grid


@dataclass(frozen=True)
class AttentionView:
    """A sentence that a model wrote, and the attention of each of its tokens.

    Attributes:
        name: of the input that the sentence belongs to: a line of a file, a picture
        segments: the inputs that the model attended to
        tokens: of the sentence, special ones included
        weights: (tokens, positions); None if the sentence was made without attention, or in several pieces
        text: the sentence
        score: its length-normalised log-probability
    """

    name: str
    segments: tuple[Segment, ...]
    tokens: tuple[str, ...]
    weights: tuple[tuple[float, ...], ...] | None
    text: str
    score: float

    def segment_weights(self) -> list[tuple[tuple[float, ...], ...]]:
        """The weights of each segment, each (tokens, positions of the segment); no tokens if there are no weights."""
        ends = accumulate((segment.positions for segment in self.segments), initial=0)
        return [tuple(row[start:end] for row in self.weights or ()) for start, end in pairwise(ends)]


def round_weights(weights: ArrayLike) -> tuple[tuple[float, ...], ...]:
    """Round (tokens, positions) weights to four decimals.

    Running sums are rounded rather than weights, so that a thousand cells of 0.00004 keep their sum. No weight changes
    by more than 0.0001, and the sum of a row by at most half of that.
    """
    sums = np.rint(np.cumsum(np.asarray(weights, np.float64), axis=-1) * _UNITS)
    return tuple(map(tuple, (np.diff(sums, axis=-1, prepend=0) / _UNITS).tolist()))


def entropy(weights: Sequence[float]) -> float:
    """The entropy of weights in bits: 0 if one position has all the weight, log2(positions) if all are equal."""
    total = sum(weights)
    return -sum(weight / total * log2(weight / total) for weight in weights if weight > 0) if total else 0.0
