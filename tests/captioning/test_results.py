"""COCO results in and out, and references of every format by the same names of pictures."""

from __future__ import annotations

import json
import unicodedata
from itertools import starmap
from pathlib import Path
from typing import Any

import pytest

from captioning.results import Result, image_id, read_references, read_results, write_results
from s2s.errors import UserError

COCO = {
    "images": [{"id": 7, "file_name": "dog.jpg"}, {"id": 42, "file_name": "000000000041.jpg"}],
    "annotations": [
        {"id": 1, "image_id": 42, "caption": "A cat."},
        {"id": 2, "image_id": 7, "caption": "A dog."},
        {"id": 3, "image_id": 7, "caption": "A dog."},
    ],
}


def write(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_results_that_are_written_are_read_back(tmp_path: Path) -> None:
    captions = {42: "a café", "dog.jpg": "", 7: "a\nb"}
    write_results(tmp_path / "results.json", starmap(Result, captions.items()))
    assert read_results(tmp_path / "results.json") == captions
    assert json.loads((tmp_path / "results.json").read_text("utf-8"))[0] == {"image_id": 42, "caption": "a café"}


def test_results_may_say_more_than_is_needed(tmp_path: Path) -> None:
    entries = [{"image_id": 1, "caption": "a", "id": 5, "score": -1.5}]
    assert read_results(write(tmp_path / "results.json", entries)) == {1: "a"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[", "not valid JSON"),
        ({"image_id": 1, "caption": "a"}, "must be a list"),
        ([], "no captions in it"),
        ([{"image_id": 1}, {"image_id": 1, "caption": "a"}, [], 3, None], r"entry 1, 3, 4, \.\.\. must be an object"),
        ([{"image_id": True, "caption": "a"}], "entry 1 must be"),
        ([{"image_id": 1, "caption": ["a"]}], "entry 1 must be"),
        ([{"image_id": n % 4, "caption": "a"} for n in range(8)], r"image_id 0, 1, 2, \.\.\. is there more than once"),
    ],
)
def test_what_is_no_results_file_is_told(tmp_path: Path, content: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_results(write(tmp_path / "results.json", content))


def test_a_results_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        read_results(tmp_path / "results.json")
    with pytest.raises(UserError, match="no such file or folder"):
        read_references(tmp_path / "captions.json")


def test_results_may_be_a_table(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    path.write_text('image,caption,score\na.jpg,"a dog, here",-1\nb/c.jpg,a cat,-2\n')
    assert read_results(path) == {"a.jpg": "a dog, here", "b/c.jpg": "a cat"}
    path.write_text("image,caption,score\na.jpg,a dog,-1\na.jpg,a cat,-2\na.jpg,a cow,-3\n")
    with pytest.raises(UserError, match=r"results\.csv: image_id a\.jpg is there more than once"):
        read_results(path)


def test_references_of_coco_go_by_its_ids_and_keep_equal_captions(tmp_path: Path) -> None:
    path = write(tmp_path / "captions_val.json", COCO)
    assert read_references(path) == {7: ("A dog.", "A dog."), 42: ("A cat.",)}


def test_other_references_go_by_the_name_that_captioning_gives_a_picture(tmp_path: Path) -> None:
    rows = "image,caption\nsome/dog.jpg,A dog.\nCOCO_val2014_000000000042.jpg,A cat.\nsome/dog.jpg,Dog!\n"
    path = write(tmp_path / "captions.csv", rows)  # the pictures are not there, and need not be
    assert read_references(path) == {"dog.jpg": ("A dog.", "Dog!"), 42: ("A cat.",)}


def test_a_name_is_the_same_however_a_disk_keeps_its_accents() -> None:
    assert image_id(Path("x") / unicodedata.normalize("NFD", "café.jpg")) == unicodedata.normalize("NFC", "café.jpg")


def test_a_split_of_karpathys_file_is_read(tmp_path: Path) -> None:
    images = [
        {"filename": f"{split}.jpg", "split": split, "sentences": [{"raw": f"A {split}."}]} for split in ("val", "test")
    ]
    path = write(tmp_path / "dataset_flickr8k.json", {"images": images})
    assert read_references(path, ["test"]) == {"test.jpg": ("A test.",)}


def test_two_pictures_of_one_name_are_told_apart_by_nobody(tmp_path: Path) -> None:
    path = write(tmp_path / "captions.csv", "image,caption\na/dog.jpg,A dog.\nb/dog.jpg,A dog.\n")
    with pytest.raises(UserError, match=r"a/dog\.jpg and b/dog\.jpg are one name"):
        read_references(path)


def test_an_empty_reference_is_left_out_and_told_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "captions.csv", "image,caption\na.jpg,a dog\na.jpg, \nb.jpg,\n")
    assert read_references(path) == {"a.jpg": ("a dog",), "b.jpg": ()}
    assert "left out the empty captions of line 3 of captions.csv, line 4 of captions.csv" in capsys.readouterr().err


def test_a_null_caption_costs_only_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entries = [
        {"image_id": 1, "caption": None},
        {"image_id": 2, "caption": "a dog"},
        {"image_id": 3, "caption": None, "problem": "is empty"},
    ]
    assert read_results(write(tmp_path / "results.json", entries)) == {2: "a dog"}
    assert "results.json: left out image_id 1, 3: no caption (null)" in capsys.readouterr().err
    with pytest.raises(UserError, match="has no captions in it"):
        read_results(write(tmp_path / "results.json", entries[:1]))


def test_a_name_is_the_same_however_unicode_writes_it(tmp_path: Path) -> None:
    composed, decomposed = "caf\u00e9.jpg", "cafe\u0301.jpg"
    path = write(tmp_path / "results.json", [{"image_id": decomposed, "caption": "a dog"}])
    assert read_results(path) == {composed: "a dog"}
    both = [{"image_id": name, "caption": "a dog"} for name in (composed, decomposed)]
    with pytest.raises(UserError, match="more than once"):
        read_results(write(tmp_path / "twice.json", both))
