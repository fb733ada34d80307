"""The page of cells: the values that it holds, and that texts in it are text."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import numpy as np

from s2s.views.cell_page import cell_page
from s2s.views.text_states import LayerStates, TextStates

RANDOM = np.random.default_rng(3)
PIECES = list('A "man" in </script><b>;\n') * 4


def states(pieces: list[str], *, cell: bool = True) -> TextStates:
    hidden, inner = (RANDOM.normal(size=(len(pieces), 3)).astype(np.float32) for _ in range(2))
    return TextStates(pieces, [LayerStates("layer 1", np.tanh(hidden), inner * 2 if cell else None)], unknown=[2])


def data_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


def values_of(layer: dict[str, Any]) -> np.ndarray:
    stored = np.frombuffer(base64.b64decode(layer["values"]), np.uint8).reshape(layer["dim"], -1)
    return (stored.T.astype(float) - 128) / 127


def test_the_values_are_those_of_the_states_within_half_a_step() -> None:
    text = states(PIECES)
    (layer,) = text.layers
    assert layer.cell is not None
    for state, expected, name in [
        (None, np.tanh(layer.cell), "tanh of the cell state"),
        ("hidden", layer.hidden, "hidden state"),
    ]:
        (stored,) = data_of(cell_page([text], "a", state=state))["texts"]  # type: ignore[arg-type]
        assert stored["layers"][0]["state"] == name
        np.testing.assert_allclose(values_of(stored["layers"][0]), expected, atol=0.5 / 127 + 1e-6)
    bare = states(PIECES, cell=False)
    (stored,) = data_of(cell_page([bare], "a", state="cell"))["texts"]
    assert stored["layers"][0]["state"] == "hidden state"


def test_extreme_values_and_zero_are_exact() -> None:
    text = TextStates(list("abc"), [LayerStates("layer 1", np.array([[-1], [0], [1]], np.float32), None)])
    np.testing.assert_array_equal(values_of(data_of(cell_page([text], "a"))["texts"][0]["layers"][0])[:, 0], [-1, 0, 1])


def test_rankings_and_what_is_left_out_are_those_of_the_text() -> None:
    (stored,) = data_of(cell_page([states(PIECES)], "a", notes=["one note"]))["texts"]
    assert stored["pieces"] == PIECES
    assert stored["unknown"] == [2]
    names = [ranking["name"] for ranking in stored["rankings"]]
    assert "inside quotes" in names
    assert "bracket depth" in stored["leftOut"]
    quotes = stored["rankings"][names.index("inside quotes")]
    assert quotes["tokens"] == 4 * len('"man')
    assert len(quotes["best"]) == 3
    assert list(base64.b64decode(quotes["values"]))[:9] == [0, 0, 1, 1, 1, 1, 0, 0, 0]


def test_texts_are_text() -> None:
    page = cell_page([states(PIECES)], "<b>title</b>", notes=["</script><i>"])
    assert page.count("</script>") == 2
    assert "<b>title" not in page
    assert data_of(page)["notes"] == ["</script><i>"]
    assert not re.search(r"(?:src|href)=", page)
