"""The gallery of captions and the page of attention in Chromium: 2,000 pictures, from disk, by keyboard and touch."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytest
from browser_fixtures import NARROW, WIDE, check_accessible, check_fits
from PIL import Image

from captioning.pages.gallery import SCRIPT, GalleryFolder
from captioning.result_files import CsvTable, GalleryScript
from s2s.decoding.results import Caption, Sentence

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Open = Callable[..., "Page"]
COUNT = 2000


def record(number: int) -> dict[str, Any]:
    """Of one of many pictures: every tenth is doubtful, every hundredth failed."""
    path = f"day {number // 500}/IMG_{number:04}.jpg"
    found: dict[str, Any] = {"path": path, "image_id": number, "side": path.replace(".jpg", ".txt")}
    if number % 100 == 99:
        return found | {"caption": None, "problem": "is <b>empty</b> (0 bytes)"}
    sure = {"confidence": 0.1 if number % 10 == 0 else 0.9, "doubtful": number % 10 == 0, "reasons": ["repeats itself"]}
    others = [{"caption": text, "score": -1.0} for text in (f"a dog, number {number}", "a <cat>")]
    shown = {"thumbnail": "dog.webp", "page": "dog.html", "file": "../dog.jpg"}
    return found | {"caption": f"a dog, number {number}", "n_best": others} | sure | shown


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gallery of many pictures, which share a thumbnail and a page."""
    folder = tmp_path_factory.mktemp("gallery")
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((900, 600)).save(folder / "dog.jpg")
    weights = np.random.default_rng(1).dirichlet(np.full(12, 0.3), 4).astype(np.float32).reshape(4, 3, 4)
    found = Caption((Sentence("a dog runs", -0.5, ("a", "dog", "runs", "</s>"), weights),), str(folder / "dog.jpg"))
    (folder / "pages").mkdir()
    with closing(GalleryFolder(folder / "pages", "Captions of day", "day", kept=[], language="de")) as gallery:
        gallery.draw(found.name, folder / "dog.jpg", found)
    form = GalleryScript()
    (folder / "pages" / SCRIPT).write_bytes(b"".join(form.encode(record(number)) for number in range(COUNT)))
    return folder / "pages"


@pytest.fixture
def page(folder: Path, open_page: Open) -> Page:
    """The gallery."""
    return open_page((folder / "index.html").as_uri())


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_the_gallery_fits_and_can_be_read(
    size: tuple[int, int], scheme: Literal["light", "dark"], folder: Path, open_page: Open
) -> None:
    page = open_page((folder / "index.html").as_uri(), size, scheme)
    check_fits(page)
    check_accessible(page)
    page.click("#save summary")
    box = page.locator("#save > div").bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= size[0]
    page.click("#save summary")
    page.click(".caption >> nth=1")
    check_fits(page)
    check_accessible(page)


def test_pictures_come_onto_the_page_as_it_is_scrolled(page: Page) -> None:
    """At first the page holds few of 2,000 pictures, and reads even fewer from the disk."""
    assert page.locator(".card").count() <= 240
    assert page.locator(".folder").all_inner_texts() == ["day 0"]
    assert page.evaluate("performance.getEntriesByType('resource').length") < 10
    while page.locator(".card").count() <= 480:
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        page.wait_for_timeout(50)
    while "day 1" not in page.locator(".folder").all_text_contents():
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        page.wait_for_timeout(50)


def test_captions_are_searched_and_filtered(page: Page) -> None:
    assert page.locator("[data-filter]").all_inner_texts() == ["All 2,000", "Doubtful 200", "Edited 0", "Failed 20"]
    page.keyboard.press("/")
    page.keyboard.type("NUMBER 199")
    page.get_by_text("9 of 2,000 pictures", exact=True).wait_for()  # 199 and 1999 have no captions
    page.fill("#search", "img_0042")
    page.get_by_text("1 of 2,000 pictures", exact=True).wait_for()
    assert page.text_content(".caption") == "a dog, number 42"  # whether it is drawn already or not
    assert page.get_attribute(".caption", "lang") == "de"
    page.fill("#search", "")
    page.click("[data-filter=failed]")
    page.get_by_text("20 of 2,000 pictures", exact=True).wait_for()
    assert page.locator(".none").first.text_content() == "is <b>empty</b> (0 bytes)"
    page.click("[data-filter=doubtful]")
    assert "doubtful, 10 % sure: repeats itself" in (page.locator(".file").first.text_content() or "")
    page.click("[data-filter=all]")
    page.select_option("#order", "doubt")
    assert page.locator(".caption").nth(1).text_content() == "a dog, number 10"  # whether it is drawn already or not


def test_captions_are_corrected_by_keyboard_and_kept_by_the_browser(page: Page) -> None:
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.keyboard.type('two dogs,\tin a "row" ')
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.textContent") == 'two dogs, in a "row"'
    page.keyboard.press("Enter")
    page.keyboard.type("not kept")
    page.evaluate(
        """document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", isComposing: true}))"""
    )
    assert page.evaluate("document.activeElement.value") == "not kept"
    page.keyboard.press("Escape")
    page.click(".caption >> nth=3")
    page.click(".others button")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.reload()
    assert page.locator("[data-filter=edited]").inner_text() == "Edited 2"
    page.click("[data-filter=edited]")
    assert page.locator(".caption").all_text_contents() == ['two dogs, in a "row"', "a <cat>"]
    assert page.locator(".mark").all_text_contents() == ["edited", "edited"]


def correct(page: Page) -> None:
    page.click(".caption >> nth=1")
    page.keyboard.type('two "dogs", é')
    page.keyboard.press("Enter")
    page.click("#save summary")


def test_corrections_are_exported(page: Page, tmp_path: Path) -> None:
    correct(page)
    with page.expect_download() as download:
        page.click("#zip")
    download.value.save_as(tmp_path / "captions.zip")
    with zipfile.ZipFile(tmp_path / "captions.zip") as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["day 0/IMG_0001.txt"]
        assert archive.read("day 0/IMG_0001.txt").decode() == 'two "dogs", é\n'
    assert page.locator(".mark", has_text="edited, saved").count() == 1
    with page.expect_download() as download:
        page.click("#csv")
    lines = download.value.path().read_text(encoding="utf-8").splitlines()
    assert lines[:3] == [
        "image,caption",
        'day 0/IMG_0000.jpg,"a dog, number 0"',
        'day 0/IMG_0001.jpg,"two ""dogs"", é"',
    ]
    with page.expect_download() as download:
        page.click("#json")
    entries = json.loads(download.value.path().read_text(encoding="utf-8"))
    assert entries[1] == {"image_id": 1, "caption": 'two "dogs", é', "path": "day 0/IMG_0001.jpg"}
    assert len(entries) == COUNT - 20


def test_names_that_are_not_utf8_keep_their_bytes(folder: Path, open_page: Open, tmp_path: Path) -> None:
    for file in ("index.html", "dog.webp"):
        (tmp_path / file).write_bytes((folder / file).read_bytes())
    path = "d\udcfc/caf\udce9.jpg"
    found = record(1) | {"path": path, "side": path.replace(".jpg", ".txt"), "image_id": path}
    (tmp_path / SCRIPT).write_bytes(GalleryScript().encode(found))
    page = open_page((tmp_path / "index.html").as_uri())
    page.click("#save summary")
    page.check("#every")
    with page.expect_download() as download:
        page.click("#zip")
    with zipfile.ZipFile(download.value.path()) as archive:  # which reads such names as those of old archives
        assert [name.encode("cp437") for name in archive.namelist()] == [b"d\xfc/caf\xe9.txt"]
    with page.expect_download() as download:
        page.click("#csv")
    row = download.value.path().read_text(encoding="utf-8").splitlines()[1]
    assert row.startswith(f"{CsvTable().escaped(path)},")
    with page.expect_download() as download:
        page.click("#json")
    assert json.loads(download.value.path().read_text(encoding="utf-8"))[0]["path"] == path


_PICKER = """() => {
  window.written = {};
  const folder = path => ({
    getDirectoryHandle: async name => folder(`${path}${name}/`),
    getFileHandle: async (name, options) => {
      if (path === "day 1/" && !options) throw new DOMException("gone", "NotFoundError");
      let text = "";
      return {createWritable: async () => ({write: async part => { text += part; },
        close: async () => { written[path + name] = text; }})};
    },
  });
  window.showDirectoryPicker = async () => folder("");
}"""


def test_corrections_are_saved_as_side_files(page: Page) -> None:
    page.evaluate(_PICKER)
    page.evaluate("document.getElementById('side').hidden = false")  # where the browser has no picker
    correct(page)
    page.click("#side")
    page.get_by_text("1 side file written.").wait_for()
    assert page.evaluate("written") == {"day 0/IMG_0001.txt": 'two "dogs", é\n'}
    page.check("#every")
    page.click("#side")
    page.get_by_text("day 1/IMG_0500.jpg is not in this folder; 495 side files written.").wait_for()


def test_a_page_of_attention_opens_with_the_whole_picture(folder: Path, open_page: Open) -> None:
    page = open_page((folder / "dog.html").as_uri())
    assert page.locator(".overlay.chosen").count() == 0
    assert page.inner_text("#reading") == "The whole picture, without light."
    page.locator("#panels button").nth(4).wait_for()
    while page.locator("#panels canvas").nth(4).get_attribute("height") == "1":  # it is not drawn yet
        page.wait_for_timeout(20)
    dark = page.evaluate("""() => [...document.querySelectorAll("#panels canvas")].map(canvas => {
      const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return data.filter((_, i) => i % 4 < 3).reduce((sum, each) => sum + each, 0) / data.length;
    })""")
    assert all(panel < 0.8 * dark[0] for panel in dark[1:])
    page.keyboard.press("ArrowRight")
    for words in ("#output", "#panels button >> nth=2"):  # the whole picture, the first of them, is no word
        assert page.get_attribute(words, "lang") == "de"
    assert page.get_attribute("#panels button >> nth=0", "lang") is None
    assert page.locator(".overlay.chosen").count() == 1
    assert page.locator('#panels [aria-pressed="true"]').get_attribute("data-index") == "0"
    page.locator("#panels button").nth(2).click()
    assert page.locator('#output [aria-pressed="true"]').inner_text() == "dog"
    page.keyboard.press("Escape")
    assert page.locator(".overlay.chosen").count() == 0
    with page.expect_download() as download:
        page.click("#save")
    assert download.value.suggested_filename == "dog-attention.png"
    with Image.open(download.value.path()) as strip:
        assert strip.width > 5 * 320


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_the_page_of_attention_fits(size: tuple[int, int], folder: Path, open_page: Open) -> None:
    page = open_page((folder / "dog.html").as_uri(), size)
    check_fits(page)
    check_accessible(page)
    page.click("#output button >> nth=1")
    check_fits(page)


def test_a_telephone_is_told_to_tap(folder: Path, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto((folder / "dog.html").as_uri())
    hint = page.inner_text("footer")
    assert "Tap a word" in hint
    assert "Point at" not in hint
    page.tap("#output button >> nth=1")
    assert page.locator(".overlay.chosen").count() == 1
    page.tap(".frame")
    assert page.locator(".overlay.chosen").count() == 0
    page.goto((folder / "index.html").as_uri())
    assert "Tap a caption" in page.inner_text("footer")
    page.tap(".caption >> nth=0")
    assert page.locator("textarea").count() == 1
    context.close()
