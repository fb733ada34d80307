"""An encoder for tests of what comes after it."""

from __future__ import annotations

from torch import Tensor, nn

from s2s.models.memory import Memory


class Plain(nn.Module):
    """The inputs are the grid, which has no summary."""

    def forward(self, grid: Tensor) -> Memory:
        return Memory(grid)
