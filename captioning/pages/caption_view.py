"""The attention view of a caption."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from s2s.decoding.results import Caption
from s2s.views.attention_view import AttentionView, Grid, Photograph, round_weights
from s2s.vision.images import upright_size


def caption_view(caption: Caption, image: Image.Image) -> AttentionView | None:
    """The attention view of the best caption of a picture; None if the decoder has no attention.

    Args:
        caption: of a picture that could be read
        image: the picture, upright; it may be smaller than the one in its file
    """
    attention = caption.attention  # (tokens, rows, columns)
    if attention is None:
        return None
    path = Path(caption.name)
    _, rows, columns = attention.shape
    width, height = upright_size(path, image) if path.is_file() else image.size  # it may be from standard input
    tall, wide = caption.extent
    photograph = Photograph(caption.name, width, height, (0.0, 0.0, width / wide, height / tall))
    grid = Grid("photograph", rows, columns, photograph)
    weights = round_weights(attention.reshape(-1, rows * columns))
    return AttentionView(path.name, (grid,), caption.tokens, weights, caption.text, caption.score)
