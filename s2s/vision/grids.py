"""Batches of pictures as an encoder takes them: pixels, or the feature maps of a CNN."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Features:
    """Feature maps of pictures.

    Attributes:
        cells: (pictures, rows, columns, dim)
        mask: (pictures, rows, columns), True where the photograph is, False where it was padded; None without padding
    """

    cells: Tensor
    mask: Tensor | None = None

    def to(self, device: torch.device | str) -> Features:
        """The same on `device`."""
        return Features(self.cells.to(device), None if self.mask is None else self.mask.to(device))


@dataclass(frozen=True, eq=False)
class Pixels:
    """Pictures as they are.

    Attributes:
        values: (pictures, 3, height, width) uint8
        extent: (pictures, 2), height and width that the photograph fills, from the top left; None where it fills all
    """

    values: Tensor
    extent: Tensor | None = None

    def to(self, device: torch.device | str) -> Pixels:
        """The same on `device`."""
        return Pixels(self.values.to(device), None if self.extent is None else self.extent.to(device))


def photograph_mask(extent: Tensor, size: torch.Size, grid: torch.Size) -> Tensor:
    """Which cells have a part of the photograph: extent (pictures, 2) in pixels -> (pictures, rows, columns) bool."""
    along = [
        torch.arange(cells, device=extent.device) * pixels < extent[:, axis, None] * cells
        for axis, (pixels, cells) in enumerate(zip(size, grid))
    ]
    return along[0][:, :, None] & along[1][:, None, :]
