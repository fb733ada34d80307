"""Batches of pictures for the encoder: pixels, or the feature maps of a CNN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from s2s.vision.batches import PixelBatch


@dataclass(frozen=True, eq=False)
class Features:
    """A batch of feature maps.

    Attributes:
        cells: (pictures, rows, columns, dim)
        mask: (pictures, rows, columns), True at the photograph, False at padding; None if there is no padding
    """

    cells: Tensor
    mask: Tensor | None = None

    def to(self, device: torch.device | str) -> Features:
        """Return a copy on `device`."""
        return Features(self.cells.to(device), None if self.mask is None else self.mask.to(device))


@dataclass(frozen=True, eq=False)
class Pixels:
    """A batch of pixels.

    Attributes:
        values: (pictures, 3, height, width) uint8
        extent: (pictures, 2), height and width of the photograph in the top left corner; None if there is no padding
    """

    values: Tensor
    extent: Tensor | None = None

    @classmethod
    def of(cls, batch: PixelBatch) -> Pixels:
        """Return the same pixels as tensors on the CPU, which share the memory of the arrays."""
        return cls(torch.from_numpy(batch.values), None if batch.extent is None else torch.from_numpy(batch.extent))

    def to(self, device: torch.device | str) -> Pixels:
        """Return a copy on `device`."""
        return Pixels(self.values.to(device), None if self.extent is None else self.extent.to(device))


def photograph_mask(extent: Tensor, size: torch.Size, grid: torch.Size) -> Tensor:
    """Return the cells that show a part of the photograph.

    Args:
        extent: (pictures, 2), height and width of each photograph in pixels.
        size: (height, width) of the padded pictures in pixels.
        grid: (rows, columns) of the feature map.

    Returns:
        (pictures, rows, columns) bool.
    """
    along = [
        torch.arange(cells, device=extent.device) * pixels < extent[:, axis, None] * cells
        for axis, (pixels, cells) in enumerate(zip(size, grid))
    ]
    return along[0][:, :, None] & along[1][:, None, :]
