from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from captioning.caption_records import Entry
from captioning.corpus import CaptionedImage, DroppedCaptions, collect, read_captions, write_captions
from s2s.errors import UserError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in which a.jpg, b.jpg and c.jpg are files."""
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (tmp_path / name).touch()
    return tmp_path


def entry(image: str, *captions: str, line: int = 1) -> Entry:
    return Entry(image, captions, f"line {line} of x.csv")


def reasons(entries: list[Entry], folder: Path, **options) -> dict[str, tuple[str, ...]]:
    """Reason -> places, of the reasons that had any."""
    return {d.reason: d.places for d in collect(entries, folder, Path("x.csv"), **options)[1].dropped if d.count}


def test_rows_of_one_picture_are_joined_in_the_order_of_the_pictures(folder: Path) -> None:
    entries = [entry("b.jpg", "one", line=2), entry("a.jpg", "two", line=3), entry("./b.jpg", "three", line=4)]
    images, report = collect(entries, folder, Path("x.csv"))
    assert images == [
        CaptionedImage(folder / "b.jpg", ("one", "three"), "line 2 of x.csv", "b.jpg"),
        CaptionedImage(folder / "a.jpg", ("two",), "line 3 of x.csv", "a.jpg"),
    ]
    assert (report.total, report.kept, report.captions) == (2, 2, 3)


def test_what_is_of_no_use_is_left_out_and_reported(folder: Path) -> None:
    entries = [
        entry("gone.jpg", "x", line=2),
        entry("a.jpg", "a dog", " \u3000", "a  dog ", "a Dog", line=3),
        entry("b.jpg", line=4),
        entry("c.jpg", "", line=5),
    ]
    assert reasons(entries, folder) == {
        "missing image": ("line 2 of x.csv",),
        "no caption": ("line 4 of x.csv", "line 5 of x.csv"),
        "empty caption": ("line 3 of x.csv", "line 5 of x.csv"),
        "duplicate caption": ("line 3 of x.csv",),
    }
    images, report = collect(entries, folder, Path("x.csv"))
    assert [image.captions for image in images] == [("a dog", "a Dog")]
    assert str(report) == (
        "x.csv: kept 1 of 4 images, 2 captions: missing image 1 (line 2 of x.csv), "
        "no caption 2 (line 4 of x.csv, line 5 of x.csv), empty caption 2 (line 3 of x.csv, line 5 of x.csv), "
        "duplicate caption 1 (line 3 of x.csv)"
    )


def test_references_may_be_equal(folder: Path) -> None:
    images, report = collect([entry("a.jpg", "a dog", "a dog")], folder, Path("x.csv"), keep_duplicates=True)
    assert images[0].captions == ("a dog", "a dog")
    assert "duplicate" not in str(report)


def test_only_the_first_places_of_many_are_told() -> None:
    assert str(DroppedCaptions("missing image", 1234, ("x", "y", "z"))) == "missing image 1,234 (x, y, z, ...)"
    assert str(DroppedCaptions("missing image", 0, ())) == "missing image 0"


@pytest.mark.parametrize("name", ["gone.jpg", "", ".", "n" * 999, "a\0b", "a.jpg/b.jpg"])
def test_a_name_of_no_file_is_a_missing_image(folder: Path, name: str) -> None:
    assert set(reasons([entry(name, "x"), entry("a.jpg", "y")], folder)) == {"missing image"}


def test_where_nothing_is_left_the_message_says_where_the_pictures_were_looked_for(folder: Path) -> None:
    with pytest.raises(UserError, match=rf"x\.csv: no picture with a caption is left \(there is no {folder}/gone\.jpg"):
        collect([entry("gone.jpg", "x")], folder, Path("x.csv"))
    with pytest.raises(UserError, match=r"left \(https://a\.org/b\.jpg is an address: download the pictures"):
        collect([entry("https://a.org/b.jpg", "x")], folder, Path("x.csv"))
    with pytest.raises(UserError, match="no picture with a caption is left; check"):
        collect([entry("a.jpg", "")], folder, Path("x.csv"))
    with pytest.raises(UserError, match="is no folder"):
        collect([entry("a.jpg", "")], folder / "elsewhere", Path("x.csv"))


def test_captions_are_composed_and_otherwise_as_written(folder: Path) -> None:
    images, _ = collect([entry("a.jpg", " Cafe\u0301  — ON\tthe\nbeach ")], folder, Path("x.csv"))
    assert images[0].captions == (" Café  — ON\tthe\nbeach ",)


@pytest.mark.parametrize(("written", "stored"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_accents_in_names_are_found_either_way(
    folder: Path, written: Literal["NFC", "NFD"], stored: Literal["NFC", "NFD"]
) -> None:
    path = folder / unicodedata.normalize(stored, "café.jpg")
    path.touch()
    images, _ = collect([entry(unicodedata.normalize(written, "café.jpg"), "x")], folder, Path("x.csv"))
    assert images[0].path == path


def test_half_a_character_is_an_error_that_says_where(folder: Path) -> None:
    with pytest.raises(UserError, match=r"x\.csv: line 7 of x\.csv: half a character"):
        collect([entry("a.jpg", "\ud800", line=7)], folder, Path("x.csv"))


def test_names_start_from_the_folder_of_the_source_or_from_another(folder: Path, tmp_path_factory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    text = "image,caption\na.jpg,here\n" + f"{folder / 'b.jpg'},anywhere\n"
    for source, images in ((folder / "x.csv", None), (elsewhere / "x.csv", folder)):
        source.write_text(text)
        assert [image.path for image in read_captions(source, images)[0]] == [folder / "a.jpg", folder / "b.jpg"]


def test_a_folder_is_a_source_of_its_own(folder: Path) -> None:
    (folder / "b.txt").write_text("a bee\nanother\n")
    images, report = read_captions(folder)
    assert images == [CaptionedImage(folder / "b.jpg", ("a bee", "another"), "line 1 of b.txt", "b.jpg")]
    assert "no caption 2 (a.jpg, c.jpg)" in str(report)
    with pytest.raises(UserError, match="leave out the other one"):
        read_captions(folder, folder)


def test_a_source_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"x\.csv: no such file"):
        read_captions(tmp_path / "x.csv")


captions = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=4)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(captions, min_size=1, max_size=3))
def test_what_is_written_is_read_back(folder: Path, texts: list[list[str]]) -> None:
    entries = [entry(name, "x", *captions) for name, captions in zip(("a.jpg", "b.jpg", "c.jpg"), texts)]
    images, _ = collect(entries, folder, folder)
    write_captions(images, folder / "x.jsonl")
    again, _ = read_captions(folder / "x.jsonl")
    assert [(image.path.resolve(), image.captions) for image in again] == [(i.path, i.captions) for i in images]


def test_written_names_lead_from_the_file_to_the_pictures(tmp_path: Path) -> None:
    pictures, texts = tmp_path / "data" / "pictures", tmp_path / "deep" / "texts"
    for path in (pictures, texts):
        path.mkdir(parents=True)
    (pictures / "a\udcff.jpg").touch()
    (tmp_path / "link").symlink_to(pictures)
    image = CaptionedImage(tmp_path / "link" / "a\udcff.jpg", ("x",), "", "a\udcff.jpg")
    write_captions([image], texts / "x.jsonl")
    assert json.loads((texts / "x.jsonl").read_text())["image"] == "../../data/pictures/a\udcff.jpg"
    assert read_captions(texts / "x.jsonl")[0][0].path.samefile(pictures / "a\udcff.jpg")


def test_the_captions_of_coco_and_flickr8k_are_whole(shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, coco = read_captions(shared_data / "coco" / "captions_val2017.json", shared_data / "coco" / "val2017")
    assert (coco.total, coco.kept, coco.captions) == (79, 79, 395)
    source, images = shared_data / "flickr8k" / "captions.csv", shared_data / "flickr8k" / "images"
    _, flickr = read_captions(source, images, keep_duplicates=True)
    assert (flickr.total, flickr.kept, flickr.captions) == (7500, 7500, 37500)
    assert capsys.readouterr().out == ""  # pycocotools prints
