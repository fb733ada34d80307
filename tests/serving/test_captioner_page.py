"""The page of a captioner, opened from disk in a browser without a network."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser_fixtures import NARROW, WIDE, check_accessible, check_fits, light_model
from PIL import Image

from captioning.captioner import Captioner

if TYPE_CHECKING:
    from playwright.sync_api import Page

Open = Callable[..., "Page"]

EXAMPLES = Path(__file__).resolve().parents[2] / "captioning" / "examples"
PHOTOGRAPHS = [EXAMPLES / name for name in ("chelsea.jpg", "coffee.jpg", "photographer.jpg")]


@pytest.fixture
def page(open_page: Open, captioner_page: str) -> Page:
    """The page, its model ready."""
    page = open_page(captioner_page)
    page.locator("body.ready").wait_for()
    return page


@pytest.fixture(scope="module")
def captions() -> list[str]:
    """What Python says of the photographs."""
    return [caption.text for caption in Captioner.load(light_model("captioning")).caption(PHOTOGRAPHS)]


def show(page: Page, path: Path) -> None:
    """Choose a photograph, and wait for its caption."""
    page.locator("#photo-file").set_input_files(path)
    page.locator("#photo-result").wait_for()


def best(page: Page) -> str:
    """The best caption."""
    return page.locator("#photo-others button > span:first-child").first.inner_text()


def brightness(page: Page) -> list[float]:
    """How dark the light leaves the photograph, 0 to 255, at the place of the ring and on average."""
    return page.evaluate("""() => {
      const canvas = document.getElementById("light"), ring = document.getElementById("ring").style;
      const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      const alpha = data.filter((_, i) => i % 4 === 3);
      const at = side => Math.min(.999, parseFloat(ring[side]) / 100);
      const place = Math.floor(at("top") * canvas.height) * canvas.width + Math.floor(at("left") * canvas.width);
      return [alpha[place], alpha.reduce((sum, each) => sum + each, 0) / alpha.length];
    }""")


def test_the_captions_are_those_of_python(page: Page, captions: list[str]) -> None:
    for path, caption in zip(PHOTOGRAPHS, captions):
        show(page, path)
        assert best(page) == caption
        assert page.locator("#caption").inner_text().split() == caption.split()
        page.locator("#photo-another").click()


def test_light_moves_over_the_photograph_word_by_word(page: Page) -> None:
    show(page, PHOTOGRAPHS[2])
    page.locator("#caption .word:nth-child(n+2).chosen").wait_for()  # it plays by itself
    page.keyboard.press("Space")
    assert page.locator("#photo-play").inner_text() == "Play"
    page.wait_for_timeout(600)  # the light has come to rest
    ring, mean = brightness(page)
    assert ring < mean
    assert "on the brightest cell" in page.locator("#photo-reading").inner_text()


def test_the_keyboard_moves_the_light(page: Page) -> None:
    show(page, PHOTOGRAPHS[2])
    page.keyboard.press("Space")
    chosen = page.locator("#caption .word.chosen")
    for _ in range(20):
        page.keyboard.press("ArrowLeft")
    assert chosen.inner_text() == page.locator("#caption .word").first.inner_text()
    page.keyboard.press("ArrowRight")
    assert chosen.inner_text() == page.locator("#caption .word").nth(1).inner_text()
    assert page.locator("#caption .unseen").count() == 0
    page.keyboard.press("Escape")
    assert chosen.count() == 0
    page.wait_for_timeout(600)
    assert brightness(page)[1] == 0
    page.locator("#photo-others button").nth(1).focus()
    page.keyboard.press("Enter")
    text = page.locator("#photo-others button > span:first-child").nth(1).inner_text()
    assert page.locator("#caption").inner_text().split() == text.split()


def test_a_broken_photograph_is_reported_and_the_next_one_captioned(
    page: Page, tmp_path: Path, captions: list[str]
) -> None:
    (path := tmp_path / "broken.jpg").write_bytes(PHOTOGRAPHS[0].read_bytes()[:40])
    page.locator("#photo-file").set_input_files(path)
    page.get_by_text("broken.jpg: is no picture that this browser can read").wait_for()
    show(page, PHOTOGRAPHS[0])
    assert best(page) == captions[0]


def test_a_photograph_that_lies_on_its_side_is_turned(page: Page, tmp_path: Path) -> None:
    with Image.open(PHOTOGRAPHS[1]) as image:
        exif = Image.Exif()
        exif[0x0112] = 6
        image.transpose(Image.Transpose.ROTATE_90).save(path := tmp_path / "turned.jpg", exif=exif, quality=98)
    show(page, path)
    assert best(page) == Captioner.load(light_model("captioning")).caption([path])[0].text


def test_a_folder_becomes_a_table_that_can_be_saved(page: Page, tmp_path: Path, captions: list[str]) -> None:
    (folder := tmp_path / "holiday").mkdir()
    for path in PHOTOGRAPHS:
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "broken.png").write_bytes(b"\x89PNG")
    (folder / "notes.txt").write_text("no picture", encoding="utf-8")
    page.locator("#photographs-tab").click()
    page.locator("#photos-folder").set_input_files(folder)
    page.get_by_text("4 of 4").wait_for()
    page.get_by_text("1 file is no picture and left out").wait_for()
    with page.expect_download() as download:
        page.locator("#photos-json").click()
    records = [json.loads(line) for line in download.value.path().read_text(encoding="utf-8").splitlines()]
    assert [record["path"] for record in records] == [
        f"holiday/{name}" for name in ("broken.png", "chelsea.jpg", "coffee.jpg", "photographer.jpg")
    ]
    assert [record["caption"] for record in records] == [None, *captions]
    assert "no picture" in records[0]["problem"]
    assert 0 < records[3]["confidence"] < 1
    page.locator("#photos-body .thumb button").last.click()
    page.locator("#photo-result").wait_for()
    assert best(page) == captions[2]


@pytest.mark.parametrize("size", [WIDE, NARROW])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_all_of_it_has_a_name(
    open_page: Open, captioner_page: str, size: tuple[int, int], scheme: str
) -> None:
    page = open_page(captioner_page, size, scheme)
    check_fits(page)
    check_accessible(page)
    show(page, PHOTOGRAPHS[1])
    page.keyboard.press("Space")
    page.wait_for_timeout(600)
    check_fits(page)
    check_accessible(page)
    page.locator("#photographs-tab").click()
    page.locator("#photos-file").set_input_files(PHOTOGRAPHS)
    page.get_by_text("3 of 3").wait_for()
    check_fits(page)
    check_accessible(page)
