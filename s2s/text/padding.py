"""Batches of token id sequences, padded to the same length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor

from s2s.text.tokens import PAD


@dataclass(frozen=True, eq=False)
class Padded:
    """Sequences of token ids as one tensor.

    Attributes:
        ids: (rows, longest) int64, PAD after the end of each sequence.
        lengths: (rows,) int64.
    """

    ids: Tensor
    lengths: Tensor

    @property
    def mask(self) -> Tensor:
        """(rows, longest) bool, True at real tokens, False at padding."""
        return torch.arange(self.ids.shape[1], device=self.ids.device) < self.lengths[:, None]

    def to(self, device: torch.device | str) -> Padded:
        """Return a copy on `device`."""
        return Padded(self.ids.to(device), self.lengths.to(device))


def pad(sequences: Sequence[Sequence[int]]) -> Padded:
    """Return `sequences` as the rows of a tensor, filled up with PAD to the length of the longest."""
    lengths = torch.tensor([len(sequence) for sequence in sequences], dtype=torch.int64)
    longest = int(lengths.max()) if len(sequences) else 0
    padded = Padded(torch.full((len(sequences), longest), PAD, dtype=torch.int64), lengths)
    padded.ids[padded.mask] = torch.tensor(list(chain.from_iterable(sequences)), dtype=torch.int64)
    return padded
