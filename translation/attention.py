"""The attention of a translation, as `translate --attention` shows it."""

from __future__ import annotations

import numpy as np

from s2s.decoding.results import Translation
from s2s.views.attention_view import AttentionView, Grid, Photograph, Segment, Words, round_weights


def translation_view(translation: Translation, name: str, photograph: Photograph | None = None) -> AttentionView:
    """The attention view of the best translation of a line.

    Args:
        translation: of the line
        name: what the line is called
        photograph: beside the line
    """
    attention = translation.attention
    segments: list[Segment] = [Words("source", translation.source_tokens)]
    looked = translation.n_best[0].picture_attention if translation.n_best else None
    if attention is not None and looked is not None and photograph is not None:
        _, rows, columns = looked.shape
        segments.append(Grid("photograph", rows, columns, photograph))
        attention = np.concatenate([attention, looked.reshape(len(looked), -1)], 1)
    return AttentionView(
        name,
        segments=tuple(segments),
        tokens=translation.tokens,
        weights=None if attention is None else round_weights(attention),
        text=translation.text,
        score=translation.score,
    )
