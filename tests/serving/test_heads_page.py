"""The page of `s2s view heads` in Chromium: by keyboard and by click, narrow, in light and dark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest
from browser_fixtures import NARROW, WIDE, check_accessible, check_fits
from PIL import Image

from s2s.views.heads import Heads, LookingHeads
from s2s.views.heads_page import heads_page
from s2s.views.web_page import write_page

if TYPE_CHECKING:
    from playwright.sync_api import Page

WORDS = [f" word{i}" for i in range(30)]


@pytest.fixture
def address(tmp_path: Path) -> str:
    draw = np.random.default_rng(1)
    words = draw.dirichlet(np.ones(30), (2, 4, 30)).astype(np.float32)
    words[1, 2, 0] = np.eye(30)[5]
    cells = draw.dirichlet(np.ones(6), (3, 2, 4)).astype(np.float32)
    attentions = [
        LookingHeads("decoder: the words", WORDS, WORDS, words),
        LookingHeads("decoder: the photograph", ["a", "<b>", "dog", "</s>"], [], cells, (2, 3)),
    ]
    page = heads_page(Heads(attentions, Image.new("RGB", (90, 60), "green")), "a " * 40)
    write_page(tmp_path / "heads.html", page)
    return (tmp_path / "heads.html").as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_both_kinds_fit_and_can_be_read(
    size: tuple[int, int], scheme: Literal["light", "dark"], address: str, open_page: Callable[..., Page]
) -> None:
    page = open_page(address, size, scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]  # a wide matrix scrolls by itself
    check_accessible(page)
    page.select_option("#attention", label="decoder: the photograph")
    check_fits(page)
    check_accessible(page)


def test_layers_and_heads_are_chosen_by_keyboard_and_by_click(address: str, open_page: Callable[..., Page]) -> None:
    page = open_page(address)
    pressed = "#heads [aria-pressed=true]"
    assert page.inner_text(pressed) == "mean"
    page.keyboard.press("PageDown")
    assert page.inner_text("#layers [aria-pressed=true]") == "2"
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert page.inner_text(pressed) == "3"
    assert page.locator("#matrix tbody tr").nth(0).locator("td").nth(5).inner_text() == "100"
    page.locator("#heads button").nth(0).click()
    assert page.inner_text(pressed) == "mean"
    assert 20 < int(page.locator("#matrix tbody tr").nth(0).locator("td").nth(5).inner_text()) < 40
    page.keyboard.press("PageDown")
    assert page.inner_text("#layers [aria-pressed=true]") == "2"  # the last one


def test_a_word_lights_its_cells(address: str, open_page: Callable[..., Page]) -> None:
    page = open_page(address)
    page.select_option("#attention", label="decoder: the photograph")
    assert page.locator("#cells i").count() == 6
    assert page.evaluate("document.querySelector('#photograph').naturalWidth") == 90
    before = page.evaluate("[...document.querySelectorAll('#cells i')].map(cell => Number(cell.style.opacity))")
    page.locator("#words button").nth(2).click()
    after = page.evaluate("[...document.querySelectorAll('#cells i')].map(cell => Number(cell.style.opacity))")
    assert before != after
    assert min(after) == 0
    assert page.inner_text("#words [aria-pressed=true]") == "dog"
