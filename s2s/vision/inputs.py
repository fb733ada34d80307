"""Inputs of the image encoder: features read from a file, or pixels decoded on request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import torch

from s2s.files import sha256
from s2s.vision.batches import stack_pictures
from s2s.vision.crops import Augmentation
from s2s.vision.grids import Features, Pixels
from s2s.vision.images import Picture, Preprocessing, read_image

if TYPE_CHECKING:
    from s2s.vision.features import FeatureFile


class PictureInputs(Protocol):
    """A set of pictures, numbered from 0, from which batches for the encoder are made."""

    def __call__(self, pictures: Sequence[int], views: Sequence[Augmentation]) -> Features | Pixels:
        """Return the batch of these pictures, each with its augmentation, on the CPU."""
        ...


class StoredFeatures:
    """Features of a frozen CNN.

    Args:
        files: the features of all pictures, for each augmentation that will be requested.
    """

    def __init__(self, files: Mapping[Augmentation, FeatureFile]) -> None:
        self._files = files

    def __call__(self, pictures: Sequence[int], views: Sequence[Augmentation]) -> Features:
        """See `Inputs`."""
        rows: dict[Augmentation, list[int]] = {}
        for row, view in enumerate(views):
            rows.setdefault(view, []).append(row)
        order = torch.tensor([row for of_view in rows.values() for row in of_view]).argsort()
        found = [(self._files[view], [pictures[row] for row in of_view]) for view, of_view in rows.items()]
        cells = torch.cat([file.gather(numbers) for file, numbers in found])[order]
        real = [mask for file, numbers in found if (mask := file.mask(numbers)) is not None]
        return Features(cells, torch.cat(real)[order] if real else None)


class DecodedPixels:
    """Pixels of picture files, for a CNN that is trained.

    Args:
        paths: the pictures; all of them must be readable.
        preprocessing: that of the model.
    """

    def __init__(self, paths: Sequence[Path], preprocessing: Preprocessing) -> None:
        self.paths, self.preprocessing = paths, preprocessing
        self._content = cache(sha256)  # computed once per picture, not once per epoch
        self._pool = ThreadPoolExecutor(thread_name_prefix="pictures")

    def __call__(self, pictures: Sequence[int], views: Sequence[Augmentation]) -> Pixels:
        """See `Inputs`."""
        decoded = list(self._pool.map(self._decode, pictures, views))
        return Pixels.of(stack_pictures(decoded, self.preprocessing))

    def _decode(self, picture: int, view: Augmentation) -> Picture:
        path = self.paths[picture]
        image = read_image(path)  # before the hash: its errors say what is wrong with the file
        return self.preprocessing.apply(view.apply(image, self._content(path)))
