"""Batches of token id sequences, padded to the same length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from s2s.arrays import Array, namespace
from s2s.text.tokens import PAD


@dataclass(frozen=True, eq=False)
class Padded:
    """Sequences of token ids as one array, of NumPy or of another library that follows the array API standard.

    Attributes:
        ids: (rows, longest) int64, PAD after the end of each sequence.
        lengths: (rows,) int64.
    """

    ids: Array
    lengths: Array

    @property
    def mask(self) -> Array:
        """(rows, longest) bool, True at real tokens, False at padding."""
        return namespace(self.ids).arange(self.ids.shape[1], device=self.ids.device) < self.lengths[:, None]

    def moved(self, move: Callable[[Any], Any]) -> Padded:
        """The same sequences with `move` applied to both arrays, such as `torch.from_numpy`."""
        return Padded(move(self.ids), move(self.lengths))


def pad(sequences: Sequence[Sequence[int]]) -> Padded:
    """Return `sequences` as the rows of a NumPy array, filled up with PAD to the length of the longest."""
    lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
    longest = int(lengths.max()) if len(sequences) else 0
    padded = Padded(np.full((len(sequences), longest), PAD, dtype=np.int64), lengths)
    padded.ids[padded.mask] = np.fromiter(chain.from_iterable(sequences), dtype=np.int64, count=int(lengths.sum()))
    return padded
