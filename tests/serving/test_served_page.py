"""The page that a server shows: the same page, with the server as its engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import captioning_fixtures
import pytest
from browser_fixtures import NARROW, check_accessible, check_fits
from PIL import Image
from serving_fixtures import Server, running

from serving.loading import Models

if TYPE_CHECKING:
    from playwright.sync_api import Page

Open = Callable[..., "Page"]

LINES = ["a man sleeps", "", "two dogs play 3.5 times"]


def translated(page: Page) -> list[str]:
    """The translations that are shown, once none of them is that of an earlier text."""
    page.locator("#target p.old").wait_for(state="detached")
    without_notes = """lines => lines.map(line =>
      [...line.childNodes].filter(node => node.tagName !== "SMALL").map(node => node.textContent).join(""))"""
    return page.locator("#target p").evaluate_all(without_notes)


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Coloured squares."""
    paths = []
    for colour in captioning_fixtures.COLOURS:
        Image.new("RGB", (40, 30), colour).save(path := tmp_path / f"{colour}.png")
        paths.append(path)
    return sorted(paths)


def test_lines_are_translated_by_the_server(open_page: Open, server: Server, models: Models) -> None:
    page = open_page(server.url)
    page.locator("#source").fill("\n".join(LINES))
    expected = models.translating[0].translator.translate(LINES)
    page.locator("#target .word").first.wait_for()
    assert translated(page) == [each.text for each in expected]
    page.locator("#target .word").first.hover()
    page.locator("#reading", has_text="←").wait_for()
    assert page.locator("#others button").count() == len(expected[0].n_best)


def test_photographs_are_captioned_by_the_server(
    open_page: Open, server: Server, models: Models, pictures: list[Path], tmp_path: Path
) -> None:
    assert models.captioning
    expected = [each.text for each in models.captioning.captioner.caption(pictures)]
    page = open_page(server.url)
    page.locator("#photograph-tab").click()
    page.locator("#photo-file").set_input_files(pictures[0])
    page.locator("#photo-result").wait_for()
    assert page.locator("#caption").inner_text().split() == expected[0].split()
    (broken := tmp_path / "broken.png").write_bytes(b"\x89PNG")
    page.locator("#photographs-tab").click()
    page.locator("#photos-file").set_input_files([*pictures, broken])
    count = len(pictures) + 1
    page.get_by_text(f"{count} of {count}").wait_for()
    with page.expect_download() as download:
        page.locator("#photos-json").click()
    records = [json.loads(line) for line in download.value.path().read_text(encoding="utf-8").splitlines()]
    found = {record["path"]: record for record in records}
    assert [found[path.name]["caption"] for path in pictures] == expected
    assert found["broken.png"]["caption"] is None
    assert "broken" in found["broken.png"]["problem"]


def test_a_broken_photograph_alone_is_reported(open_page: Open, server: Server, tmp_path: Path) -> None:
    (broken := tmp_path / "broken.png").write_bytes(b"\x89PNG")
    page = open_page(server.url, quiet=False)
    page.locator("#photograph-tab").click()
    page.locator("#photo-file").set_input_files(broken)
    page.get_by_text("broken.png: is a PNG with a broken header").wait_for()


def test_a_server_that_asks_for_a_key_gets_it(open_page: Open, models: Models) -> None:
    with running(models, keys=frozenset(["secret"])) as server:
        page = open_page(server.url, quiet=False)
        page.locator("#source").fill(LINES[0])
        page.get_by_text("this server asks for a key").wait_for()
        page.get_by_label("API key").fill("secret")
        page.locator("#source").fill(LINES[2])
        page.locator("#target p:not(.old) .word").first.wait_for()
        expected = models.translating[0].translator.translate(LINES[2:])
        assert translated(page) == [expected[0].text]


def test_it_fits_a_telephone(open_page: Open, server: Server, pictures: list[Path]) -> None:
    page = open_page(server.url, NARROW)
    page.locator("#source").fill("\n".join(LINES))
    page.locator("#target .word").first.wait_for()
    for tab in ("text", "lines", "photograph", "photographs"):
        page.locator(f"#{tab}-tab").click()
        check_fits(page)
        check_accessible(page)
    page.locator("#photos-file").set_input_files(pictures)
    page.get_by_text(f"{len(pictures)} of {len(pictures)}").wait_for()
    check_fits(page)
    check_accessible(page)
