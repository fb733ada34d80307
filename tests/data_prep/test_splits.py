from __future__ import annotations

from pathlib import Path

import pytest

from captioning.corpus import CaptionedImage, read_captions
from data_prep.splits import write_splits
from s2s.errors import UserError


@pytest.fixture
def images(tmp_path: Path) -> list[CaptionedImage]:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (tmp_path / name).touch()
    return [CaptionedImage(tmp_path / name, (f"what is on {name}",), "", name) for name in ("a.jpg", "b.jpg", "c.jpg")]


def test_each_split_is_a_file_that_can_be_read(images: list[CaptionedImage], tmp_path: Path) -> None:
    output = tmp_path / "new" / "folder"
    paths = write_splits({"train": images[:2], "test": images[2:]}, output)
    assert paths == [output / "train.jsonl", output / "test.jsonl"]
    read = [[image.captions for image in read_captions(path)[0]] for path in paths]
    assert read == [[images[0].captions, images[1].captions], [images[2].captions]]
    assert sorted(path.name for path in output.iterdir()) == ["test.jsonl", "train.jsonl"]


def test_a_picture_in_two_splits_is_an_error_and_nothing_is_written(
    images: list[CaptionedImage], tmp_path: Path
) -> None:
    (tmp_path / "link.jpg").symlink_to(images[0].path)
    again = CaptionedImage(tmp_path / "link.jpg", ("x",), "", "link.jpg")
    with pytest.raises(UserError, match=r"train\.jsonl and .*test\.jsonl would share 1 picture .*a\.jpg"):
        write_splits({"train": images, "test": [again]}, tmp_path / "data")
    assert list((tmp_path / "data").iterdir()) == []


def test_a_split_that_lies_there_already_counts_too(images: list[CaptionedImage], tmp_path: Path) -> None:
    write_splits({"train": images[:2]}, tmp_path)
    with pytest.raises(UserError, match="would share 1 picture"):
        write_splits({"validation": images[1:]}, tmp_path)
    write_splits({"validation": images[2:]}, tmp_path)
    write_splits({"train": images[1:2], "validation": images[:1]}, tmp_path, force=True)  # both are replaced


def test_an_input_is_not_replaced_with_force_either(images: list[CaptionedImage], tmp_path: Path) -> None:
    (tmp_path / "test.jsonl").write_text("mine")
    with pytest.raises(UserError, match="is an input and would be overwritten"):
        write_splits({"test": images}, tmp_path, force=True, inputs=[tmp_path / "test.jsonl"])
    assert (tmp_path / "test.jsonl").read_text() == "mine"


def test_nothing_is_replaced_without_force(images: list[CaptionedImage], tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text("mine")
    with pytest.raises(UserError, match="already exists"):
        write_splits({"test": images[:1], "train": images[1:]}, tmp_path)
    assert (tmp_path / "train.jsonl").read_text() == "mine"
    assert not (tmp_path / "test.jsonl").exists()
