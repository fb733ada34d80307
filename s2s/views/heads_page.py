"""A web page that shows the heads of a Transformer: one file, which needs no other file and no network."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from s2s.views.attention_view import round_weights
from s2s.views.heads import Heads, LookingHeads
from s2s.views.web_page import fill_template, json_for_script

_TEMPLATE = Path(__file__).parent / "data" / "heads.html"
_SIDE = 720  # pixels of the photograph's longer side, at most


def heads_page(heads: Heads, title: str) -> str:
    """The HTML of a page."""
    data: dict[str, Any] = {"attentions": [_data(each) for each in heads.attentions], "box": heads.box}
    if heads.photograph is not None:
        data |= _photograph(heads.photograph)
    return fill_template(_TEMPLATE, title, data=json_for_script(data))


def _data(attention: LookingHeads) -> dict[str, Any]:
    weights = [[round_weights(head) for head in layer] for layer in attention.weights]
    shown = {"name": attention.name, "rows": attention.rows, "columns": attention.columns, "grid": attention.grid}
    return {**shown, "weights": weights}


def _photograph(image: Image.Image) -> dict[str, Any]:
    """The picture as an address that holds its content, and its size."""
    small, content = image.convert("RGB"), BytesIO()
    small.thumbnail((_SIDE, _SIDE))
    small.save(content, "WEBP", quality=80)
    address = f"data:image/webp;base64,{b64encode(content.getvalue()).decode()}"
    return {"photograph": address, "size": small.size}
