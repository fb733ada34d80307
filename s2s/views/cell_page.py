"""A web page that colours a text by the value of one cell: one file, which needs no other file and no network.

It follows Karpathy, Johnson & Li (2015), "Visualizing and understanding recurrent networks": red where the cell is
positive, blue where it is negative. A cell is chosen by its number, or from the ranking of a property that cells may
tell (s2s/views/cell_ranking.py). Values are stored in eight bits.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from s2s.views.cell_properties import properties
from s2s.views.cell_ranking import Ranking, rank_cells
from s2s.views.code_text import Language
from s2s.views.text_states import LayerStates, TextStates
from s2s.views.web_page import fill_template, json_for_script

StateName = Literal["cell", "hidden"]
BEST = 12  # cells of a ranking
_TEMPLATE = Path(__file__).parent / "data" / "cells.html"
_NONE = 255  # the value of a property of a token that stands for no text


@dataclass(frozen=True)
class ShownLayer:
    """A layer of a page.

    Attributes:
        name: for the reader
        state: "tanh of the cell state" or "hidden state"
        values: (tokens, dim), from -1 to 1
    """

    name: str
    state: str
    values: NDArray[np.float32]


def shown_layer(layer: LayerStates, state: StateName | None) -> ShownLayer:
    """What is shown of a layer; None for the cell state where there is one, else the hidden state."""
    if layer.cell is None or state == "hidden":
        return ShownLayer(layer.name, "hidden state", layer.hidden)
    return ShownLayer(layer.name, "tanh of the cell state", np.tanh(layer.cell))


def cell_page(
    texts: Sequence[TextStates],
    title: str,
    *,
    state: StateName | None = None,
    language: Language | None = None,
    notes: Sequence[str] = (),
) -> str:
    """The HTML of a page.

    Args:
        texts: at least one, with at least one layer each
        title: of the page
        state: which state is shown; None for the cell state of an LSTM, and the hidden state of other cells
        language: of source code; None for prose
        notes: sentences for the foot of the page
    """
    data = [_text(text, [shown_layer(layer, state) for layer in text.layers], language) for text in texts]
    return fill_template(_TEMPLATE, title, data=json_for_script({"texts": data, "notes": list(notes)}))


def _text(text: TextStates, layers: Sequence[ShownLayer], language: Language | None) -> dict[str, object]:
    rankings, left_out = rank_cells([layer.values for layer in layers], properties(text, language), BEST)
    return {
        "name": text.name,
        "pieces": text.pieces,
        "starts": list(text.starts),
        "unknown": list(text.unknown),
        "layers": [
            {"name": layer.name, "state": layer.state, "dim": layer.values.shape[1], "values": in_eight_bits(layer)}
            for layer in layers
        ],
        "rankings": [_ranking(ranking) for ranking in rankings],
        "leftOut": [each.name for each in left_out],
    }


def in_eight_bits(layer: ShownLayer) -> str:
    """The values in base64, one byte each, cell by cell: 1 for -1, 128 for 0, 255 for 1."""
    steps = np.rint(layer.values.T.clip(-1, 1) * 127).astype(np.int16) + 128  # (dim, tokens)
    return b64encode(steps.astype(np.uint8).tobytes()).decode()


def _ranking(ranking: Ranking) -> dict[str, object]:
    values = np.nan_to_num(ranking.of.values.clip(0, _NONE - 1), nan=_NONE).astype(np.uint8)
    return {
        "name": ranking.of.name,
        "isNumber": ranking.of.is_number,
        "tokens": ranking.tokens,
        "values": b64encode(values.tobytes()).decode(),
        "best": [[each.layer, each.unit, round(each.score, 4), each.rises] for each in ranking.best],
    }
