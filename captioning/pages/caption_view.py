"""A caption and its photograph as an attention view."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from s2s.decoding.results import Captioned
from s2s.views.attention_view import AttentionView, Grid, Photograph, round_weights


def caption_view(found: Captioned, image: Image.Image) -> AttentionView | None:
    """The best caption of a picture; None if the decoder has no attention.

    Args:
        image: the photograph, upright; it may be a smaller version of the file
    """
    best = found.captions[0]
    if best.attention is None:
        return None
    attention = np.asarray(best.attention)  # (tokens, rows, columns)
    tokens, rows, columns = attention.shape
    width, height = upright_size(found.path, image)
    tall, wide = found.extent
    photograph = Photograph(str(found.path), width, height, (0.0, 0.0, width / wide, height / tall))
    grid = Grid("photograph", rows, columns, photograph)
    weights = round_weights(attention.reshape(tokens, rows * columns))
    return AttentionView(found.path.name, (grid,), tuple(best.tokens), weights, best.text, best.score)


def upright_size(path: Path, image: Image.Image) -> tuple[int, int]:
    """Width and height of the photograph in the file; `image`, upright, may be a smaller version of it."""
    with Image.open(path) as whole:
        width, height = whole.size
    return (height, width) if (width > height) != (image.width > image.height) else (width, height)
