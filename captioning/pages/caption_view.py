"""A caption and its photograph as an attention view."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from s2s.decoding.results import Captioned
from s2s.views.attention_view import AttentionView, Grid, Photograph, rounded


def caption_view(found: Captioned, image: Image.Image) -> AttentionView | None:
    """The best caption of a picture, `image` being its photograph; None where the decoder does not look."""
    best = found.captions[0]
    if best.attention is None:
        return None
    rows, columns = best.attention.shape[1:]
    width, height = upright_size(found.path, image)
    tall, wide = found.extent
    photograph = Photograph(str(found.path), width, height, (0.0, 0.0, width / wide, height / tall))
    grid = Grid("photograph", rows, columns, photograph)
    weights = rounded(best.attention.flatten(1))
    return AttentionView(found.path.name, (grid,), tuple(best.tokens), weights, best.text, best.score)


def upright_size(path: Path, image: Image.Image) -> tuple[int, int]:
    """Width and height of the whole photograph; `image`, upright, may be a smaller version of it."""
    with Image.open(path) as whole:
        width, height = whole.size
    return (height, width) if (width > height) != (image.width > image.height) else (width, height)
