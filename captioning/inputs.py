"""What the encoder is given of a picture: its features, read from a file, or its pixels, decoded at need."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import torch

from captioning.encoder import Features, Pixels
from captioning.images import Picture, Preprocessing, read_image

if TYPE_CHECKING:
    from captioning.features import FeatureFile


class Inputs(Protocol):
    """Pictures by their numbers."""

    def __call__(self, pictures: Sequence[int], mirrored: Sequence[bool]) -> Features | Pixels:
        """The encoder's input for some pictures, those mirrored that should be, on the CPU."""
        ...


class StoredFeatures:
    """Of a frozen CNN.

    Args:
        plain: of the pictures, row by row
        mirrored: of the mirrored pictures; None where none will be asked for
    """

    def __init__(self, plain: FeatureFile, mirrored: FeatureFile | None = None) -> None:
        self.plain, self.turned = plain, mirrored

    def __call__(self, pictures: Sequence[int], mirrored: Sequence[bool]) -> Features:
        """See `Inputs`."""
        cells = self.plain.gather(pictures)
        rows = [row for row, turn in enumerate(mirrored) if turn]
        if rows:
            assert self.turned is not None
            cells[rows] = self.turned.gather([pictures[row] for row in rows])
        real = self.plain.real(pictures)
        return Features(cells, real)


class DecodedPixels:
    """Of pictures on the disk, for a CNN that is trained.

    Args:
        paths: the pictures, which can be read
        preprocessing: as the model's
    """

    def __init__(self, paths: Sequence[Path], preprocessing: Preprocessing) -> None:
        self.paths, self.preprocessing = paths, preprocessing
        self._pool = ThreadPoolExecutor(thread_name_prefix="pictures")

    def __call__(self, pictures: Sequence[int], mirrored: Sequence[bool]) -> Pixels:
        """See `Inputs`."""
        decoded = list(self._pool.map(self._decode, pictures, mirrored))
        return stacked(decoded, self.preprocessing)

    def _decode(self, picture: int, mirror: bool) -> Picture:
        from PIL import ImageOps

        image = read_image(self.paths[picture])
        return self.preprocessing.apply(ImageOps.mirror(image) if mirror else image)


def stacked(pictures: Sequence[Picture], preprocessing: Preprocessing) -> Pixels:
    """One batch of several pictures."""
    values = torch.stack([picture.pixels for picture in pictures])
    if preprocessing.fit == "stretch":
        return Pixels(values)
    return Pixels(values, torch.tensor([(picture.height, picture.width) for picture in pictures]))
