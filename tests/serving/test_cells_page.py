"""The page of `s2s view cells` in Chromium: from disk, by keyboard, by search, narrow, in light and dark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest
from browser_fixtures import NARROW, WIDE, check_accessible, check_fits

from s2s.views.cell_page import cell_page
from s2s.views.text_states import LayerStates, TextStates
from s2s.views.web_page import write_page

if TYPE_CHECKING:
    from playwright.sync_api import Page

SENTENCE = 'He said "yes" and (no) 17\n'
PIECES = list(SENTENCE * 5)


@pytest.fixture
def address(tmp_path: Path) -> str:
    """Of a page whose cell 1.2 is 1 inside quotes and -1 outside; the text has a second side."""
    values = np.random.default_rng(1).uniform(-0.5, 0.5, (len(PIECES), 4)).astype(np.float32)
    values[:, 1] = [1.0 if 7 < i % len(SENTENCE) < 12 else -1.0 for i in range(len(PIECES))]
    layers = [LayerStates("layer 1", values, None), LayerStates("layer 2", -values[:, ::-1], None)]
    texts = [
        TextStates(PIECES, layers, "encoder: the source", unknown=[0]),
        TextStates(["", "a", " b", "", "c"], [LayerStates("layer 1", values[:5], None)], "decoder", starts=[0, 3]),
    ]
    write_page(tmp_path / "cells.html", cell_page(texts, "Cells " + "x" * 60, notes=["a note"]))
    return (tmp_path / "cells.html").as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_the_page_fits_and_can_be_read(
    size: tuple[int, int], scheme: Literal["light", "dark"], address: str, open_page: Callable[..., Page]
) -> None:
    page = open_page(address, size, scheme)
    check_fits(page)
    check_accessible(page)
    assert page.inner_text("#cell") == "cell 1.2"
    assert page.inner_text("#notes") == "a note"


def test_cells_are_reached_by_keyboard_and_read_by_pointing(address: str, open_page: Callable[..., Page]) -> None:
    page = open_page(address)
    caption = "number 1 in telling “inside quotes”: AUC 1.000, high where it is so"
    assert caption in page.inner_text("#caption")
    page.hover("#text span >> nth=9")
    assert page.inner_text("#reading") == "1.00 · after “y” · token 10 · inside quotes: yes"
    assert page.locator("#text span.has").count() == 5 * len('"yes')
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#cell") == "cell 2.3"  # the same values with the other sign
    assert page.inner_text("#reading").startswith("−1.00")
    page.keyboard.press("Shift+ArrowLeft")
    assert page.input_value("#order") == "-1"
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#cell") == "cell 2.4"
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#cell") == "cell 2.4"
    page.select_option("#texts", label="decoder")
    assert page.inner_text("#text") == "<s>a b\n<s>c"


def test_search_finds_text_and_cells(address: str, open_page: Callable[..., Page]) -> None:
    page = open_page(address)
    page.keyboard.press("/")
    page.keyboard.type("YES")
    page.keyboard.press("Enter")
    assert page.inner_text("#matches") == "1 of 5"
    page.keyboard.press("Enter")
    assert page.inner_text("#matches") == "2 of 5"
    assert page.locator("#text span.found").all_text_contents() == ["y", "e", "s"]
    page.keyboard.press("Shift+Enter")
    assert page.inner_text("#matches") == "1 of 5"
    page.fill("#search", "2.1")
    page.keyboard.press("Enter")
    assert page.inner_text("#cell") == "cell 2.1"
    page.fill("#search", "nowhere")
    page.keyboard.press("Enter")
    assert page.inner_text("#matches") == "not found"
    page.fill("#search", "17")  # there is no such cell
    page.keyboard.press("Enter")
    assert page.inner_text("#matches") == "1 of 5"
