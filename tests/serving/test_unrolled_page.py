"""The page of `s2s view unrolled` in Chromium: by keyboard and by click, narrow, in light and dark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
from browser_fixtures import NARROW, WIDE, check_accessible, check_fits

from s2s.views.unrolled import Unrolled, UnrolledLayer, UnrolledStep
from s2s.views.unrolled_page import unrolled_page
from s2s.views.web_page import write_page

if TYPE_CHECKING:
    from playwright.sync_api import Page

VALUES = [(i - 20) / 20 for i in range(40)]
LSTM = {"i": [0.5] * 40, "f": [0.25] * 40, "g": VALUES, "o": [1.0] * 40}


def layer(name: str) -> UnrolledLayer:
    return UnrolledLayer(name, 64, LSTM, [VALUES, VALUES], [VALUES, VALUES])


@pytest.fixture
def address(tmp_path: Path) -> str:
    ahead, back = "encoder, layer 1, left to right", "encoder, layer 1, right to left"
    gru = UnrolledLayer("layer 2", 2, {"r": [0.0, 1.0], "z": [0.5, 0.5], "n": [-1.0, 1.0]}, [[0.0, 0.0]], [[0.5, 0.0]])
    steps = [UnrolledStep(ahead, token, t, VALUES, [layer("layer 1, left to right")]) for t, token in enumerate("ab")]
    steps += [UnrolledStep(back, token, 1 - t, None, [layer("layer 1, right to left")]) for t, token in enumerate("ba")]
    likeliest = [("x", 0.75), ("<b>", 0.25)]
    steps += [
        UnrolledStep("decoder", "<s>", 0, VALUES, [layer("layer 1"), gru], [0.25, 0.75], likeliest, "x"),
        UnrolledStep("decoder", "x", 1, VALUES, [layer("layer 1"), gru], [1.0, 0.0], likeliest, "</s>"),
    ]
    page = unrolled_page(Unrolled(steps, ["a", "b"], 64), "a " * 40, ["a note"])
    write_page(tmp_path / "unrolled.html", page)
    return (tmp_path / "unrolled.html").as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_every_step_fits_and_can_be_read(
    size: tuple[int, int], scheme: Literal["light", "dark"], address: str, open_page: Callable[..., Page]
) -> None:
    page = open_page(address, size, scheme)
    for key in ("Home", "End"):
        page.keyboard.press(key)
        check_fits(page)
        check_accessible(page)
    assert page.inner_text("#notes") == "a note"


def test_steps_are_made_by_keyboard_and_by_click(address: str, open_page: Callable[..., Page]) -> None:
    page = open_page(address)
    assert page.inner_text("#count") == "step 1 of 6"
    assert "the first 40 of 64 units" in page.inner_text("#step")
    assert page.locator(".units").nth(0).inner_text().split()[0] == "−1.00"
    page.keyboard.press("ArrowRight")
    page.click("#after")
    assert page.inner_text("#count") == "step 3 of 6"
    assert "reads “b”, position 2" in page.inner_text("#step h2")
    assert page.locator("#track button[aria-pressed=true]").inner_text() == "b"
    page.keyboard.press("End")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#count") == "step 6 of 6"
    assert page.locator(".weights li").all_inner_texts() == ["a\n100 %", "b\n0 %"]
    page.locator("#track button", has_text="<s>").click()
    assert page.locator(".next b").all_inner_texts() == ["x", "<b>"]
    assert page.locator(".next b.follows").inner_text() == "x"
    assert "update gate z" in page.inner_text("#step")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("#count") == "step 1 of 6"
