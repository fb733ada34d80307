"""The pictures of a training: those that cannot be read are reported and left out, the others become inputs."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from s2s.errors import UserError, check, warn
from s2s.nn.configuration import Precision
from s2s.vision.backbones import Backbone
from s2s.vision.crops import WHOLE, Augmentation
from s2s.vision.extract import Extraction, extract, warn_of_flat
from s2s.vision.images import ImageError, Preprocessing, read_image
from s2s.vision.inputs import DecodedPixels, PictureInputs, StoredFeatures
from s2s.vision.rgb import is_flat


class Readable(NamedTuple):
    """The pictures that can be read.

    Attributes:
        kept: their numbers among all
        inputs: batches of them, numbered from 0
    """

    kept: Sequence[int]
    inputs: PictureInputs


def readable_features(
    paths: Sequence[Path],
    backbone: Backbone,
    preprocessing: Preprocessing,
    views: Sequence[Augmentation],
    precision: Precision,
) -> Readable:
    """Extract the features of pictures, of the whole and of other views, or read them from the cache.

    Args:
        paths: of all pictures
        backbone: the frozen part of the CNN
        preprocessing: of the pictures
        views: further ones than the whole
        precision: of matrix products

    Raises:
        UserError: no picture can be read.
    """

    def features(chosen: Sequence[Path], view: Augmentation) -> Extraction:
        return extract(chosen, backbone, preprocessing, view=view, precision=precision)

    whole = features(paths, WHOLE)
    for error in whole.failed:
        warn(f"left out: {error}")
    check(whole.kept, "no picture could be read; see the warnings above")
    kept, files = [paths[i] for i in whole.kept], {WHOLE: whole.features}
    for view in views:
        seen = features(kept, view)
        for error in seen.failed:  # else a row would be another picture in this view than in the whole one
            raise UserError(f"{error} (it could be read a moment ago; try again)")
        files[view] = seen.features
    return Readable(whole.kept, StoredFeatures(files))


def readable_pixels(paths: Sequence[Path], preprocessing: Preprocessing) -> Readable:
    """Read every picture once; in training they are decoded again.

    Raises:
        UserError: no picture can be read.
    """

    def flatness(path: Path) -> bool | None:
        """Whether a picture is one colour; None if it cannot be read."""
        try:
            return is_flat(read_image(path))
        except ImageError as error:
            warn(f"left out: {error}")
            return None

    with ThreadPoolExecutor() as pool:
        found = list(pool.map(flatness, paths))
    kept = [number for number, flat in enumerate(found) if flat is not None]
    check(kept, "no picture could be read; see the warnings above")
    warn_of_flat([path for path, flat in zip(paths, found) if flat])
    return Readable(kept, DecodedPixels([paths[i] for i in kept], preprocessing))
