"""Memory: what any encoder hands to the decoder.

A grid of vectors to look at and a summary to start from. Whether the grid came from words or from the cells of a
photograph is the encoder's business and nobody else's.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import torch
from torch import Tensor


class Segment(NamedTuple):
    """A run of neighbouring positions of one kind: a sentence's words, or an image's cells in reading order."""

    name: str
    length: int
    shape: tuple[int, int] | None = None  # (rows, columns) where the positions are the cells of a picture


@dataclass(frozen=True)
class Memory:
    """A batch of grids.

    Attributes:
        grid: (batch, positions, dim)
        mask: (batch, positions), True where a position is real; None where all are.
        summary: (batch, dim), what h_0 is made from; None where the decoder starts from zeros.
        segments: what the positions are, for pictures of attention. Their lengths add up to `positions`.
    """

    grid: Tensor
    mask: Tensor | None = None
    summary: Tensor | None = None
    segments: tuple[Segment, ...] = field(default=())

    def pick(self, rows: list[int]) -> Memory:
        """The grids at `rows`, in their order."""
        mask = None if self.mask is None else self.mask[rows]
        summary = None if self.summary is None else self.summary[rows]
        return replace(self, grid=self.grid[rows], mask=mask, summary=summary)


def masked_mean(grid: Tensor, mask: Tensor | None) -> Tensor:
    """Mean over the real positions: (batch, positions, dim) -> (batch, dim)."""
    if mask is None:
        return grid.mean(1)
    total = torch.einsum("bpd,bp->bd", grid, mask.to(grid.dtype))
    return total / mask.sum(1, keepdim=True).clamp_min(1)
