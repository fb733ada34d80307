"""Words against words as a web page: one file that needs no other, and no network.

Point at a word that was written, or walk there with the arrow keys, and the words that were read are shaded by the
weight that they had.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from s2s.views.attention_view import AttentionView, Words, entropy
from s2s.views.web_page import as_script, filled

_TEMPLATE = Path(__file__).parent / "data" / "words.html"


def words_page(views: Sequence[AttentionView], title: str) -> str:
    """The HTML of a page through which one walks sentence by sentence; each view has one segment, which is `Words`."""
    return filled(_TEMPLATE, title, data=as_script([_shown(view) for view in views]))


def _shown(view: AttentionView) -> dict[str, object]:
    """What the page's script reads."""
    [source] = view.segments
    if not isinstance(source, Words):
        raise TypeError("a page of words has no place for a grid: draw it on its photograph")
    return {
        "name": view.name,
        "segment": source.name,
        "source": source.tokens,
        "tokens": view.tokens,
        "weights": view.weights,
        "entropies": [round(entropy(row), 3) for row in view.weights or ()],
        "text": view.text,
        "score": view.score,
    }
