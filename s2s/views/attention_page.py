"""A web page that shows the attention of sentences: one file, which needs no other file and no network.

On top stands the sentence that the model wrote, below it each of its inputs. Point at a token of the sentence, or move
there with the arrow keys: the words of the inputs are shaded and the photographs are lit by the weights of the token.
The page draws the light itself, from the photograph and the weights, and a strip with the light of all tokens.
"""

from __future__ import annotations

import html
from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from PIL import Image

from s2s.views.attention_view import AttentionView, Grid, Segment, Words, entropy
from s2s.views.light import grid_box, webp_within
from s2s.views.segment_picture import photograph_of
from s2s.views.token_label import SPECIAL_LABELS
from s2s.views.web_page import fill_template, json_for_script, script

_TEMPLATE = Path(__file__).parent / "data" / "attention.html"
_LIGHT = Path(__file__).parent / "data" / "light.js"
_PHOTOGRAPH, _BYTES = 1280, 130_000  # pixels of the longer side, and bytes, of a photograph in a page


def attention_page(
    views: Sequence[AttentionView],
    title: str,
    photographs: Mapping[str, Image.Image] = MappingProxyType({}),
    *,
    gallery: str = "",
    language: str = "",
) -> str:
    """The HTML of a page of one or more sentences.

    Args:
        views: any segments
        title: of the page
        photographs: upright, by the path that a view names; a grid whose photograph is missing is drawn as cells
        gallery: the address of a page with all pictures, for a link to it
        language: of the output, for browsers and what reads pages aloud; empty if it is not known
    """
    page = _Page(photographs)
    data = [page.view(view) for view in views]
    spoken = f' lang="{html.escape(language)}"' if language else ""
    texts = (f"<p>{html.escape(view.name)}: <bdi{spoken}>{html.escape(view.text)}</bdi></p>" for view in views)
    return fill_template(
        _TEMPLATE,
        title,
        photographs="\n".join(page.images),
        texts="\n".join(texts),
        gallery=f'<a href="{html.escape(gallery)}">all pictures</a>' if gallery else "",
        language=spoken,
        light=script(_LIGHT),
        special=json_for_script(SPECIAL_LABELS),
        data=json_for_script(data),
    )


class _Page:
    """The data that the page's script reads, and the photographs, each of which the page holds once."""

    def __init__(self, photographs: Mapping[str, Image.Image]) -> None:
        self.images: list[str] = []  # HTML
        self._photographs, self._numbers = photographs, dict[str, int]()

    def view(self, view: AttentionView) -> dict[str, object]:
        """Return the data of one view; its photographs are added to `images`."""
        return {
            "name": view.name,
            "text": view.text,
            "score": view.score,
            "tokens": view.tokens,
            "weights": view.weights,
            "entropies": [round(entropy(row), 3) for row in view.weights or ()],
            "segments": [self._segment(each) for each in view.segments],
        }

    def _segment(self, segment: Segment) -> dict[str, object]:
        if isinstance(segment, Words):
            return {"name": segment.name, "tokens": segment.tokens}
        cells = {"name": segment.name, "rows": segment.rows, "columns": segment.columns}
        image = photograph_of(segment, self._photographs)
        return cells if image is None else cells | self._photograph(segment, image)

    def _photograph(self, grid: Grid, image: Image.Image) -> dict[str, object]:
        """The number of the photograph below a grid, and where the grid lies on it, in shares of its sides."""
        assert grid.photograph
        path = grid.photograph.path
        if path not in self._numbers:
            self._numbers[path] = len(self._numbers)
            data, (width, height) = webp_within(image, _PHOTOGRAPH, _BYTES)
            address = f"data:image/webp;base64,{b64encode(data).decode()}"
            self.images.append(f'<img src="{address}" width="{width}" height="{height}" alt="">')
        return {"photograph": self._numbers[path], "box": [round(side, 5) for side in grid_box(grid)]}
