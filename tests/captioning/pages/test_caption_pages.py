"""Pages of captioned photographs: safe names, escaped text, and no picture lost."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from captioning.pages.caption_view import caption_view
from captioning.pages.gallery import GalleryFolder, Names, check_gallery_folder
from s2s.decoding.results import Caption, Sentence
from s2s.errors import UserError
from s2s.views.attention_file import read_attention_file, read_items
from s2s.views.attention_view import Grid, Photograph
from s2s.vision.images import read_image

Draw = Callable[[Caption], tuple[dict[str, Any], str]]
EVIL = """</script><script>alert("x")</script><img src=x onerror='alert(1)'>&amp;{{data}}"""


@dataclass
class Pictures:
    """A folder of pictures, and what a captioner would return for them."""

    folder: Path

    def captioned(self, name: str, text: str = "a dog", *, size: tuple[int, int] = (60, 40), **options: Any) -> Caption:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", size, (200, 40, 40)).save(path, "PNG")
        tokens = [*text.split(), "</s>"]
        attention = torch.rand(len(tokens), 9).softmax(-1).view(-1, 3, 3)
        return Caption((Sentence(text, -0.5, tuple(tokens), attention.numpy()),), str(path), **options)


@pytest.fixture
def pictures(tmp_path: Path) -> Pictures:
    folder = tmp_path / "pictures"
    folder.mkdir()
    return Pictures(folder)


def test_the_view_has_the_photograph_s_true_size(pictures: Pictures) -> None:
    """EXIF may turn the picture, and a large one is decoded smaller."""
    path = pictures.folder / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    Image.new("RGB", (2400, 1600), "red").save(path, exif=exif)
    sentence = Sentence("a", -1.0, ("a",), np.full((1, 2, 2), 0.25, np.float32))
    found = Caption((sentence,), str(path), extent=(1.0, 0.5))
    view = caption_view(found, read_image(path))
    assert view is not None
    assert view.segments == (Grid("photograph", 2, 2, Photograph(str(path), 1600, 2400, (0, 0, 3200, 2400))),)
    assert view.weights == ((0.25,) * 4,)
    assert caption_view(without_attention(found), read_image(path)) is None


def without_attention(caption: Caption) -> Caption:
    return replace(caption, n_best=tuple(replace(sentence, attention=None) for sentence in caption.n_best))


@contextmanager
def gallery(
    directory: Path, kept: list[bytes] | None = None
) -> Iterator[Callable[[Caption], tuple[dict[str, Any], str]]]:
    """Yield a function that draws a caption of a file."""
    directory.mkdir(exist_ok=True)
    with closing(GalleryFolder(directory, "Captions <of> it", "a&b", kept=[] if kept is None else kept)) as folder:
        yield lambda found: folder.draw(found.name, Path(found.name), found)


def test_a_stranger_s_caption_and_file_name_are_text(pictures: Pictures, tmp_path: Path) -> None:
    plain, evil = pictures.captioned("plain.png"), pictures.captioned("""x"'><script>&.png""", EVIL)
    with gallery(tmp_path / "pages") as draw:
        assert [draw(found)[1] for found in (plain, evil)] == ["", ""]
    [page] = (tmp_path / "pages").glob("x*.html")
    text = page.read_text()
    assert text.count("<script") == (tmp_path / "pages" / "plain.html").read_text().count("<script")
    assert "<img src=x" not in text
    assert html.escape(EVIL) in text
    assert '<img src="data:image/webp;base64,' in text
    assert '<a href="index.html">all pictures</a>' in text
    index = (tmp_path / "pages" / "index.html").read_text()
    assert "<title>Captions &lt;of&gt; it</title>" in index
    assert 'data-folder="a&amp;b"' in index
    assert not re.search(r"https?:|innerHTML|fetch\(|{{", index)


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
    blind = without_attention(pictures.captioned("blind.png", "a cat"))
    gone = pictures.captioned("gone.png")
    Path(gone.name).unlink()
    with gallery(directory) as draw:
        drawn = [draw(each) for each in (one, two, blind, gone)]
        assert [view.text for view in read_attention_file(directory / "attention.json")] == ["a dog", EVIL]
    assert [problem for _, problem in drawn] == ["", "", "", "does not exist; check the path"]
    assert [place.get("page") for place, _ in drawn] == ["dog.html", "dog-2.html", "", None]
    assert drawn[1][0]["file"] == "../pictures/2/dog.png"
    assert sorted(path.name for path in directory.iterdir()) == sorted(
        ["attention.json", "index.html", "blind.webp"]
        + [f"{name}.{ending}" for name in ("dog", "dog-2") for ending in ("html", "webp")]
    )
    for view in read_attention_file(directory / "attention.json"):
        assert view.weights
        assert all(sum(row) == pytest.approx(1, abs=1e-2) for row in view.weights)


def test_a_picture_takes_at_most_a_third_of_a_megabyte(pictures: Pictures, tmp_path: Path) -> None:
    """Also one of noise, with a long caption on many cells."""
    found = pictures.captioned("noise.png")
    noise = np.random.default_rng(0).integers(0, 256, (1500, 2000, 3), dtype=np.uint8)
    Image.fromarray(noise).save(found.name, "PNG", compress_level=0)
    attention = np.random.default_rng(0).dirichlet(np.ones(144), 20).astype(np.float32).reshape(20, 12, 12)
    found = replace(found, n_best=(Sentence("word " * 20, -1.0, ("word",) * 20, attention),))
    with gallery(tmp_path / "pages") as draw:
        before = sum(path.stat().st_size for path in (tmp_path / "pages").iterdir())
        assert draw(found)[1] == ""
    assert sum(path.stat().st_size for path in (tmp_path / "pages").iterdir()) - before < 300_000


def test_items_of_an_earlier_run_stay(pictures: Pictures, tmp_path: Path) -> None:
    path = tmp_path / "pages" / "attention.json"
    with gallery(tmp_path / "pages") as draw:
        draw(pictures.captioned("dog.png", "a dog"))
    with gallery(tmp_path / "pages", [*read_items(path)]) as draw:
        draw(pictures.captioned("cat.png", "a cat"))
    assert [view.text for view in read_attention_file(path)] == ["a dog", "a cat"]


def test_a_picture_of_standard_input_has_a_page(pictures: Pictures, tmp_path: Path) -> None:
    found = pictures.captioned("dog.png")
    content = Path(found.name).read_bytes()
    (tmp_path / "pages").mkdir()
    with closing(GalleryFolder(tmp_path / "pages", "Captions", kept=[])) as folder:
        place, problem = folder.draw("-", content, replace(found, name="-"))
    assert (problem, place["page"], place["file"]) == ("", "picture.html", "")


def test_a_name_that_is_not_utf8_is_shown_and_found_again(pictures: Pictures, tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff\xfe.png")
    try:
        found = pictures.captioned(name)
    except OSError:
        pytest.skip("this file system has no such names")
    with gallery(tmp_path / "pages") as draw:
        place, problem = draw(found)
    assert not problem
    assert place["file"] == "../pictures/%FF%FE.png"
    [view] = read_attention_file(tmp_path / "pages" / "attention.json")
    assert view.segments[0].photograph.path == str(pictures.folder / name)  # type: ignore[union-attr]


def test_pages_are_not_written_over_others(pictures: Pictures, tmp_path: Path) -> None:
    directory = tmp_path / "pages"
    directory.mkdir()
    check_gallery_folder(directory)  # an empty folder may be filled
    (directory / "mine.txt").write_text("precious")
    check_gallery_folder(directory, force=True)
    with pytest.raises(UserError, match="is not empty"):
        check_gallery_folder(directory, go_on=True)  # it is no gallery
    (directory / "captions.js").touch()
    check_gallery_folder(directory, go_on=True)
    found = pictures.captioned("dog.png")
    for path, complaint in [
        (directory, "is not empty; choose a new folder, or write into this one with --force"),
        (Path(found.name), "is a file; name a folder for the pages"),
        (tmp_path / "no" / "such", "does not exist; create it first"),
    ]:
        with pytest.raises(UserError) as caught:
            check_gallery_folder(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert str(caught.value).endswith(complaint)
