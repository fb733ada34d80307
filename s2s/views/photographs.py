"""The photographs below the grids of attention views: their sizes, and their pixels for pages and pictures."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from PIL import Image

from s2s.views.attention_view import AttentionView, Grid, Photograph
from s2s.vision.images import Preprocessing, read_image, upright_size


def photograph(path: Path, image: Image.Image, preprocessing: Preprocessing) -> Photograph:
    """The photograph of a file below a grid that covers what a CNN sees of it.

    Args:
        path: the file
        image: its picture, upright; it may be smaller than the one in the file
        preprocessing: of the CNN
    """
    width, height = upright_size(path, image)
    right, bottom = (width, height) if preprocessing.fit == "stretch" else (max(width, height),) * 2
    return Photograph(str(path), width, height, (0.0, 0.0, float(right), float(bottom)))


def load_photographs(views: Iterable[AttentionView]) -> dict[str, Image.Image]:
    """The photographs that views name, upright, by their paths."""
    grids = (segment for view in views for segment in view.segments if isinstance(segment, Grid))
    paths = {grid.photograph.path for grid in grids if grid.photograph}
    return {path: read_image(Path(path)) for path in sorted(paths)}
