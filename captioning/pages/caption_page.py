"""The caption of a photograph as a web page: point at a word, and what it looked at is lit on the photograph.

One file that needs no other and no network: the photograph and the light of every word lie in it.
"""

from __future__ import annotations

import html
from base64 import b64encode
from math import log2
from pathlib import Path

from PIL import Image

from s2s.views.attention_view import AttentionView, Grid, entropy
from s2s.views.light import encoded, fitted, heat, peak, veil
from s2s.views.web_page import as_script, filled

_TEMPLATE = Path(__file__).parent / "data" / "caption.html"
_PHOTOGRAPH, _VEIL = 1280, 128  # pixels of their longer sides; a veil is smooth, and is so when enlarged


def caption_page(view: AttentionView, image: Image.Image, *, gallery: str = "") -> str:
    """The HTML; `image` is the photograph, upright, `gallery` the address of the page with all of them."""
    [grid] = view.segments
    if not isinstance(grid, Grid) or view.weights is None:
        raise TypeError("a photograph's page needs weights on a grid")
    photograph = fitted(image, _PHOTOGRAPH)
    small = fitted(image, _VEIL).size
    words = [
        {
            "token": token,
            "veil": _embedded(veil(heat(weights, grid, *small)), quality=60),
            "peak": [round(100 * share, 2) for share in peak(weights, grid)],
            "most": max(weights, default=0),
            "entropy": round(entropy(weights), 2),
        }
        for token, weights in zip(view.tokens, view.weights)
    ]
    return filled(
        _TEMPLATE,
        view.text or view.name,
        name=html.escape(view.name),
        caption=html.escape(view.text),
        score=f"{view.score:.2f}".replace("-", "−"),
        cells=f"{grid.rows} × {grid.columns}",
        bits=f"{log2(grid.positions):.1f}",
        photograph=_embedded(photograph),
        width=str(photograph.width),
        height=str(photograph.height),
        gallery=f'<a href="{html.escape(gallery)}">all pictures</a>' if gallery else "",
        data=as_script(words),
    )


def _embedded(image: Image.Image, quality: int = 82) -> str:
    return f"data:image/webp;base64,{b64encode(encoded(image, quality)).decode()}"
