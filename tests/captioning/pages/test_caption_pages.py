"""Pages of captioned photographs: light where the weights are, safe names, escaped text, nothing lost."""

from __future__ import annotations

import html
import json
import os
import re
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from captioning.pages.caption_page import caption_page
from captioning.pages.caption_view import caption_view
from captioning.pages.gallery import Names, attention_folder, check_folder
from s2s.errors import Terminated, UserError
from s2s.views.attention_view import AttentionView, Grid, Photograph, read
from s2s.views.light import heat, lit, peak
from s2s.views.strip import caption_strip, shape
from s2s.vision.images import read_image

EVIL = """</script><script>alert("x")</script><img src=x onerror='alert(1)'>&amp;{{data}}"""
PADDED = Grid("photograph", 4, 4, Photograph("wide.jpg", 200, 100, (0.0, 0.0, 200.0, 200.0)))


@dataclass
class Caption:
    """As in captioning.captioner."""

    text: str
    score: float
    tokens: list[str]
    attention: Tensor | None


@dataclass
class Captioned:
    """As in captioning.captioner."""

    path: Path
    captions: Sequence[Caption] = ()
    problem: str = ""
    extent: tuple[float, float] = (1.0, 1.0)


@dataclass
class Pictures:
    """A folder of pictures, and what a captioner would say of them."""

    folder: Path
    made: list[Path] = field(default_factory=list)

    def captioned(self, name: str, text: str = "a dog", *, size: tuple[int, int] = (60, 40), **options: Any) -> Any:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", size, (200, 40, 40)).save(path, "PNG")
        tokens = [*text.split(), "</s>"]
        attention = torch.rand(len(tokens), 9).softmax(-1).view(-1, 3, 3)
        return Captioned(path, [Caption(text, -0.5, tokens, attention)], **options)


@pytest.fixture
def pictures(tmp_path: Path) -> Pictures:
    folder = tmp_path / "pictures"
    folder.mkdir()
    return Pictures(folder)


def on_one_cell(grid: Grid, row: int, column: int) -> tuple[float, ...]:
    weights = [0.0] * grid.positions
    weights[row * grid.columns + column] = 1.0
    return tuple(weights)


@pytest.mark.parametrize(("row", "column"), [(0, 0), (1, 2), (2, 1), (1, 0)])
def test_light_falls_where_the_cell_lies_on_the_photograph(row: int, column: int) -> None:
    """A stretched photograph is covered by the grid whole."""
    grid = Grid("photograph", 3, 4, Photograph("x.jpg", 800, 300, (0, 0, 800, 300)))
    light = heat(on_one_cell(grid, row, column), grid, 80, 30)
    assert light.shape == (30, 80)
    x, y = peak(on_one_cell(grid, row, column), grid)
    assert (x, y) == ((column + 0.5) / 4, (row + 0.5) / 3)
    assert light.max() == 1
    assert light[int(y * 30), int(x * 80)] > 0.95
    inside = light > 0.4
    rows, columns = np.nonzero(inside)
    assert rows.min() >= (row - 0.3) * 10
    assert rows.max() <= (row + 1.3) * 10
    assert columns.min() >= (column - 0.3) * 20
    assert columns.max() <= (column + 1.3) * 20


def test_a_padded_photograph_has_its_part_of_the_grid() -> None:
    """Of a picture twice as wide as high the upper half of the square is the photograph."""
    light = heat(on_one_cell(PADDED, 1, 3), PADDED, 40, 20)
    assert peak(on_one_cell(PADDED, 1, 3), PADDED) == (0.875, 0.75)
    assert light[15, 35] > 0.97
    assert light[4:, :20].max() == 0
    assert heat(on_one_cell(PADDED, 3, 0), PADDED, 40, 20).max() == 0  # in the padding, out of the photograph


def test_weights_that_are_alike_are_not_made_to_look_like_a_peak() -> None:
    grid = Grid("photograph", 7, 7)
    light = heat((1 / 49,) * 49, grid, 50, 50)
    assert light == pytest.approx(np.full((50, 50), 0.25), abs=1e-5)
    assert heat((0.0,) * 49, grid, 5, 5).max() == 0


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=12, max_size=12), st.integers(1, 40), st.integers(1, 40))
def test_light_is_a_share(weights: list[float], width: int, height: int) -> None:
    light = heat(tuple(weights), Grid("photograph", 3, 4), width, height)
    assert light.shape == (height, width)
    assert light.min() >= 0
    assert light.max() <= 1 + 1e-5


def test_what_was_looked_at_is_bright() -> None:
    photograph = Image.new("RGB", (40, 20), (120, 120, 120))
    image = np.asarray(lit(photograph, heat(on_one_cell(PADDED, 1, 3), PADDED, 40, 20))).sum(2)
    assert image[15, 35] > 3 * image[2, 2]


def test_the_view_tells_the_photograph_s_true_size(pictures: Pictures) -> None:
    """EXIF may turn the picture, and a large one is decoded smaller."""
    path = pictures.folder / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    Image.new("RGB", (2400, 1600), "red").save(path, exif=exif)
    found: Any = Captioned(path, [Caption("a", -1.0, ["a"], torch.full((1, 2, 2), 0.25))], extent=(1.0, 0.5))
    view = caption_view(found, read_image(path))
    assert view is not None
    assert view.segments == (Grid("photograph", 2, 2, Photograph(str(path), 1600, 2400, (0, 0, 3200, 2400))),)
    assert view.weights == ((0.25,) * 4,)
    found.captions[0].attention = None
    assert caption_view(found, read_image(path)) is None


def view_of(found: Any) -> tuple[AttentionView, Image.Image]:
    image = read_image(found.path)
    view = caption_view(found, image)
    assert view is not None
    return view, image


def test_the_page_holds_photograph_and_light_of_each_word(pictures: Pictures) -> None:
    page = caption_page(*view_of(pictures.captioned("a.png", "a dog", size=(60, 40))))
    [data] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    words = json.loads(data)
    assert [word["token"] for word in words] == ["a", "dog", "</s>"]
    for word in words:
        assert Image.open(BytesIO(b64decode(word["veil"].partition(",")[2]))).mode == "RGBA"
        assert 0 < word["entropy"] < 3.2
        assert all(0 <= share <= 100 for share in word["peak"])
    [photograph] = re.findall(r'src="data:image/webp;base64,([^"]+)" width="60" height="40"', page)
    assert Image.open(BytesIO(b64decode(photograph))).size == (60, 40)
    assert not re.search(r"https?:|url\(|innerHTML|{{|src=\"[^d]", page)


def test_a_stranger_s_caption_and_file_name_are_text(pictures: Pictures) -> None:
    plain = caption_page(*view_of(pictures.captioned("a.png")))
    view, image = view_of(pictures.captioned("""x"'><script>&.png""", EVIL))
    page = caption_page(view, image, gallery='"><script>')
    assert page.count("<script") == plain.count("<script")
    assert "<img src=x" not in page
    assert html.escape(EVIL) in page


def test_the_strip_has_a_panel_for_the_photograph_and_each_word(pictures: Pictures) -> None:
    assert [shape(panels) for panels in (1, 5, 6, 11, 12)] == [(1, 1), (1, 5), (2, 3), (3, 4), (3, 4)]
    strip = caption_strip(*view_of(pictures.captioned("a.png", "a dog", size=(60, 40))))
    panel_width, panel_height = 320, 213
    assert strip.size == (20 + 4 * (panel_width + 20), 20 + panel_height + 60 + 20)
    assert strip.getpixel((25, 25)) == (200, 40, 40)
    long = caption_strip(*view_of(pictures.captioned("b.png", "word " * 500)))
    assert long.height < 20 + 13 * (panel_height + 60 + 20) + 1


def test_names_are_safe_and_differ() -> None:
    names = Names()
    given = [
        "a/dog.jpg",
        "b/dog.jpg",
        "c/DOG.png",
        "index.jpg",
        "con.jpg",
        "..",
        "x/Ä b\"'<>?\n.jpg",
        "dog-2.jpg",
        "-x.gif",
    ]
    found = [names(Path(path)) for path in given]
    assert found[:5] == ["dog", "dog-2", "DOG-3", "index-2", "con-2"]
    assert found[5:] == ["picture", "Ä_b_", "dog-2-2", "x"]
    assert len(names(Path("é" * 120)).encode()) == 100


@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=[]), max_size=6), max_size=20))
def test_no_two_files_share_a_name(stems: list[str]) -> None:
    names = Names()
    found = [names(Path(stem.replace("\0", "") or "x")) for stem in stems]
    assert len({name.casefold() for name in found}) == len(found)
    assert all(re.fullmatch(r"[\w.-]+", name) and name[0] not in ".-" for name in found)


def test_a_folder_holds_a_gallery_its_pages_and_the_data(pictures: Pictures, tmp_path: Path) -> None:
    directory = tmp_path / "pages"
    one, two = pictures.captioned("1/dog.png", "a dog"), pictures.captioned("2/dog.png", EVIL)
    blind = pictures.captioned("blind.png", "a cat")
    blind.captions[0].attention = None
    broken: Any = Captioned(pictures.folder / "<b>.jpg", problem="is text, <not> a picture")
    gone = pictures.captioned("gone.png")
    gone.path.unlink()
    with attention_folder(directory) as add:
        problems = [add(each) for each in (one, broken, two, blind, gone)]
        assert (directory / "dog.html").exists()
        assert not (directory / "index.html").exists()
    assert problems == ["", "", "", "", "does not exist; check the path"]
    assert sorted(path.name for path in directory.iterdir()) == sorted(
        ["attention.json", "index.html", "blind.webp"]
        + [f"{name}.{ending}" for name in ("dog", "dog-2") for ending in ("html", "png", "webp")]
    )
    index = (directory / "index.html").read_text()
    assert "3 captioned, 2 failed" in index
    assert 'href="dog-2.html"' in index
    assert "blind.html" not in index
    assert "&lt;b&gt;.jpg</th><td>is text, &lt;not&gt; a picture" in index
    assert not re.search(r"<script|onerror='|<b>\.|<not>", index)
    assert html.escape(EVIL) in index
    views = read(directory / "attention.json")
    assert [view.text for view in views] == ["a dog", EVIL]
    for view in views:
        assert view.weights
        assert all(sum(row) == pytest.approx(1, abs=1e-2) for row in view.weights)
    with Image.open(directory / "dog.png") as strip:
        assert strip.format == "PNG"


@pytest.mark.parametrize("failure", [KeyboardInterrupt, Terminated, UserError])
def test_an_interrupted_gallery_shows_what_was_done(
    failure: type[BaseException], pictures: Pictures, tmp_path: Path
) -> None:
    directory = tmp_path / "pages"

    def interrupted() -> None:
        with attention_folder(directory) as add:
            add(pictures.captioned("dog.png"))
            raise failure

    with pytest.raises(failure):
        interrupted()
    assert 'href="dog.html"' in (directory / "index.html").read_text()
    assert [view.text for view in read(directory / "attention.json")] == ["a dog"]


def test_a_gallery_that_never_began_leaves_its_folder_as_it_was(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), attention_folder(tmp_path):
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_a_name_that_is_not_utf8_is_shown_and_found_again(pictures: Pictures, tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff\xfe.png")
    try:
        found = pictures.captioned(name)
    except OSError:
        pytest.skip("this file system has no such names")
    with attention_folder(tmp_path / "pages") as add:
        assert add(found) == ""
    [view] = read(tmp_path / "pages" / "attention.json")
    assert view.segments[0].photograph.path == str(pictures.folder / name)  # type: ignore[union-attr]
    assert r"\udcff\udcfe.png" in (tmp_path / "pages" / "index.html").read_text(encoding="utf-8")


def test_pages_are_not_written_over_others(pictures: Pictures, tmp_path: Path) -> None:
    directory = tmp_path / "pages"
    directory.mkdir()
    found = pictures.captioned("dog.png")
    for _ in range(2):  # an empty folder may be filled; a full one with force
        with attention_folder(directory, force=(directory / "dog.html").exists()) as add:
            add(found)
        (directory / "mine.txt").write_text("precious")
    assert (directory / "mine.txt").read_text() == "precious"
    for path, complaint in [
        (directory, "is not empty; choose a new folder, or write into this one with --force"),
        (found.path, "is a file; name a folder for the pages"),
        (tmp_path / "no" / "such", "does not exist; create it first"),
    ]:
        with pytest.raises(UserError) as caught:
            check_folder(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert str(caught.value).endswith(complaint)
