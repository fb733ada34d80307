"""The attention of a translation, as `translate --attention` shows it."""

from __future__ import annotations

from s2s.decoding.results import Translation
from s2s.views.attention_view import AttentionView, Words, round_weights


def translation_view(translation: Translation, name: str) -> AttentionView:
    """The attention view of the best translation of a line, which is called `name`."""
    attention = translation.attention
    return AttentionView(
        name,
        segments=(Words("source", translation.source_tokens),),
        tokens=translation.tokens,
        weights=None if attention is None else round_weights(attention),
        text=translation.text,
        score=translation.score,
    )
