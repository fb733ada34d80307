"""Batches of decoded pictures, as NumPy arrays: what every engine takes. Nothing here needs torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from s2s.vision.images import Picture, Preprocessing


@dataclass(frozen=True, eq=False)
class PixelBatch:
    """Pixels of several pictures.

    Attributes:
        values: (pictures, 3, height, width) uint8
        extent: (pictures, 2) int64, height and width of the photograph in the top left corner; None if there is no
            padding
    """

    values: NDArray[np.uint8]
    extent: NDArray[np.int64] | None = None


def stack_pictures(pictures: Sequence[Picture], preprocessing: Preprocessing) -> PixelBatch:
    """Make one batch of several pictures, of which there is at least one."""
    values = np.stack([picture.pixels for picture in pictures])
    if preprocessing.fit == "stretch":
        return PixelBatch(values)
    return PixelBatch(values, np.array([(picture.height, picture.width) for picture in pictures], dtype=np.int64))
