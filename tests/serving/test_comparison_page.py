"""The page of `s2s compare` in Chromium: from disk, by keyboard, on a narrow screen, in light and dark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from s2s.views.web_page import write_page
from translation.comparison import Comparison
from translation.comparison_page import comparison_page

if TYPE_CHECKING:
    from playwright.sync_api import Page

REFERENCE = [
    "Zwei Hunde spielen im Park.",
    "Eine Frau liest ein Buch.",
    "Ein Kind schläft.",
    "Ein Mann singt ein Lied.",
]
BASE = ["Zwei Hunde.", "Eine Frau liest ein Buch.", "Ein Kind ist wach.", "Ein Mann singt laut ein Lied."]
BETTER = ["Zwei Hunde spielen im Park.", "Die Leute lesen.", "Ein Kind schläft.", "Ein Mann singt ein Lied."]


@pytest.fixture
def address(tmp_path: Path) -> str:
    comparison = Comparison(["base.de", "x" * 200], [BASE, BETTER], [REFERENCE], [f"line {i}" for i in range(4)], "de")
    write_page(tmp_path / "report.html", comparison_page(comparison, "Comparison", 10))
    return (tmp_path / "report.html").as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_screen(
    width: int, scheme: Literal["light", "dark"], address: str, open_page: Callable[..., Page]
) -> None:
    page = open_page(address, (width, 800), scheme)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator("article").count() == 4


def test_sentences_are_ordered_searched_and_reached_by_keyboard(address: str, open_page: Callable[..., Page]) -> None:
    page = open_page(address)

    def lines() -> list[str]:
        return [text.partition(" ·")[0] for text in page.locator("article h3").all_text_contents()]

    assert lines()[-1] == "line 4"
    page.keyboard.press("n")
    page.keyboard.press("n")
    assert page.evaluate("document.activeElement.querySelector('b').textContent") == lines()[1]
    page.keyboard.press("p")
    assert page.evaluate("document.activeElement.querySelector('b').textContent") == lines()[0]
    page.select_option("#order", "lossB")
    assert lines()[0] == "line 2"
    page.select_option("#order", "before")
    assert lines() == ["line 1", "line 2", "line 3", "line 4"]
    page.fill("#words", "KIND")
    assert lines() == ["line 3"]
    assert page.inner_text("#shown") == "1 of 4 sentences"
