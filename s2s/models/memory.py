"""The memory that an encoder hands to the decoder: a grid of vectors to attend to, and a summary to start from.

The decoder does not know whether the grid came from words or from the cells of a photograph.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import torch
from torch import Tensor


class Segment(NamedTuple):
    """Neighbouring positions of one kind: the words of a sentence, or the cells of an image in reading order."""

    name: str
    length: int
    shape: tuple[int, int] | None = None  # (rows, columns) of the grid of an image, else None


@dataclass(frozen=True)
class Memory:
    """The encoded inputs of a batch.

    Attributes:
        grid: (batch, positions, dim)
        mask: (batch, positions), True at real positions; None if all positions are real.
        summary: (batch, dim), from which the decoder computes h_0; None if the decoder starts from zeros.
        segments: what the positions stand for; views of attention use it. The lengths add up to `positions`.
    """

    grid: Tensor
    mask: Tensor | None = None
    summary: Tensor | None = None
    segments: tuple[Segment, ...] = field(default=())

    def pick(self, rows: list[int]) -> Memory:
        """Return the memory of the inputs `rows`, in this order."""
        mask = None if self.mask is None else self.mask[rows]
        summary = None if self.summary is None else self.summary[rows]
        return replace(self, grid=self.grid[rows], mask=mask, summary=summary)


def join(memories: Sequence[Memory]) -> Memory:
    """One memory of several inputs, such as a sentence and its picture: their grids along the positions.

    The summaries are joined along their features, so that h_0 = tanh(W [s_1; s_2]) can weigh each of them. A memory
    without a summary adds no features; the result has none if no memory has one.

    Args:
        memories: at least one, of the same batch size and grid dimension. Where some have a mask, all positions of
            those without one are real.
    """
    grid = torch.cat([memory.grid for memory in memories], 1)  # (batch, positions, dim)
    mask = None
    if any(memory.mask is not None for memory in memories):
        mask = torch.cat([_filled_mask(memory) for memory in memories], 1)  # (batch, positions)
    summaries = [memory.summary for memory in memories if memory.summary is not None]
    summary = torch.cat(summaries, -1) if summaries else None  # (batch, dim_1 + dim_2 + ...)
    return Memory(grid, mask, summary, tuple(segment for memory in memories for segment in memory.segments))


def _filled_mask(memory: Memory) -> Tensor:
    """The memory's mask (batch, positions), all True if it has none."""
    return memory.grid.new_ones(memory.grid.shape[:2], dtype=torch.bool) if memory.mask is None else memory.mask


def summary_of(memory: Memory) -> Tensor:
    """The summary (batch, dim), or the mean of the grid where there is none."""
    return masked_mean(memory.grid, memory.mask) if memory.summary is None else memory.summary


def masked_mean(grid: Tensor, mask: Tensor | None) -> Tensor:
    """Return the mean over the real positions: (batch, positions, dim) -> (batch, dim)."""
    if mask is None:
        return grid.mean(1)
    total = torch.einsum("bpd,bp->bd", grid, mask.to(grid.dtype))
    return total / mask.sum(1, keepdim=True).clamp_min(1)
