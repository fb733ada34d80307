"""Photographs beside sentences: read from a file of names, and seen by the CNN of a model that takes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from s2s.errors import check, counted, warn
from s2s.models.image_encoder import ImageEncoder
from s2s.nn.configuration import Precision
from s2s.nn.precision import autocast
from s2s.text.lines import read_lines
from s2s.vision.backbones import Backbone, fold_batch_norm
from s2s.vision.batches import stack_pictures
from s2s.vision.crops import WHOLE
from s2s.vision.extract import extract
from s2s.vision.features import FeatureFile
from s2s.vision.grids import Features, Pixels
from s2s.vision.images import Preprocessing, convert_image, read_image
from translation.configuration import PictureConfig

_NAMED = 3  # pictures that cannot be read that are named; the others are counted

PictureSource: TypeAlias = str | Path | Image.Image | NDArray[np.uint8]


def preprocessing(config: PictureConfig) -> Preprocessing:
    """How photographs become what the CNN sees."""
    return Preprocessing(config.size, config.fit)


class PictureReader:
    """Photographs to the CNN's feature maps, one by one.

    Args:
        encoder: on its device, in evaluation mode; its CNN is copied
        preprocessing: of the model
        precision: of matrix products
    """

    def __init__(self, encoder: ImageEncoder, preprocessing: Preprocessing, precision: Precision = "auto") -> None:
        self._encoder, self._preprocessing = encoder, preprocessing
        self._precision: Precision = precision
        self._folded: ImageEncoder | None = None  # made with the first picture

    @torch.no_grad()
    def __call__(self, picture: PictureSource) -> Features:
        """See a picture; raises an `ImageError` if it cannot be read."""
        if self._folded is None:
            self._folded = ImageEncoder(fold_batch_norm(self._encoder.backbone), self._encoder.grid)
        if isinstance(picture, str | Path):
            image = read_image(Path(picture))
        else:
            image = convert_image(picture, "picture")
        device = self._encoder.backbone.mean.device
        pixels = Pixels.of(stack_pictures([self._preprocessing.apply(image)], self._preprocessing)).to(device)
        with autocast(self._precision, device):
            seen = self._folded.features(pixels)
        return Features(seen.cells.float(), seen.mask)


def read_names(path: Path, folder: Path | None = None) -> list[Path | None]:
    """The photograph of each line of a file of names; None for a blank line.

    Args:
        path: the file
        folder: what the names are relative to; None for the folder of the file
    """
    base = folder or path.parent
    return [base / name if (name := line.strip()) else None for line in read_lines(path)]


class SeenPictures:
    """The features of the photographs of a text, from the cache.

    Args:
        names: the photograph of each sentence; None where there is none
        features: of the photographs that could be read
        rows: the number of each photograph in `features`
    """

    def __init__(self, names: Sequence[Path | None], features: FeatureFile, rows: dict[Path, int]) -> None:
        self._features = features
        self._rows = [None if name is None else rows.get(name) for name in names]

    def __len__(self) -> int:
        return len(self._rows)

    def of(self, sentences: Iterable[int]) -> list[Features | None]:
        """The features of the photographs of sentences, by their numbers."""
        return [None if (row := self._rows[number]) is None else self._picture(row) for number in sentences]

    def _picture(self, row: int) -> Features:
        return Features(self._features.gather([row]), self._features.mask([row]))


def see_pictures(
    texts: Sequence[Sequence[Path | None]], backbone: Backbone, preprocessing: Preprocessing, precision: Precision
) -> list[SeenPictures]:
    """The features of the photographs of several texts. A sentence whose photograph cannot be read has none.

    Raises:
        UserError: none of the photographs can be read.
    """
    paths = sorted({name for names in texts for name in names if name is not None})
    seen = extract(paths, backbone, preprocessing, view=WHOLE, precision=precision)
    for error in seen.failed[:_NAMED]:
        warn(f"left out: {error}")
    if len(seen.failed) > _NAMED:
        warn(f"{len(seen.failed):,} pictures were left out in all; their sentences have none")
    check(seen.kept, "no picture could be read; see the warnings above")
    rows = {paths[number]: row for row, number in enumerate(seen.kept)}
    return [SeenPictures(names, seen.features, rows) for names in texts]


def check_counts(names: Sequence[object], path: Path, lines: int, text: Path | str) -> None:
    """Raise a UserError unless a file of pictures has a line for each line of its text."""
    check(
        len(names) == lines,
        f"{path} has {counted(len(names), 'line')} but {text} has {lines:,}: line n of one must name the picture of "
        "line n of the other; leave a line blank where there is none",
    )
