from __future__ import annotations

import json
from pathlib import Path

import pytest

from data_prep.coco import coco
from s2s.cli import command

OFFICIAL = {
    "images": [{"id": 7, "file_name": "a.jpg"}, {"id": 3, "file_name": "b.jpg"}],
    "annotations": [
        {"id": 1, "image_id": 3, "caption": "one"},
        {"id": 2, "image_id": 7, "caption": "two"},
        {"id": 3, "image_id": 3, "caption": "one"},
    ],
}
KARPATHY = {
    "images": [
        {"filepath": "2014", "filename": f"{name}.jpg", "split": split, "sentences": [{"raw": f"on {name}"}]}
        for name, split in (("a", "train"), ("b", "val"), ("c", "test"), ("d", "restval"))
    ]
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Annotations in both forms, and the photographs that they name."""
    (tmp_path / "2014").mkdir()
    for name in ("a", "b", "c", "d"):
        (tmp_path / f"{name}.jpg").touch()
        (tmp_path / "2014" / f"{name}.jpg").touch()
    (tmp_path / "captions_val.json").write_text(json.dumps(OFFICIAL))
    (tmp_path / "dataset_x.json").write_text(json.dumps(KARPATHY))
    return tmp_path


def run(folder: Path, annotations: str, *arguments: str) -> int:
    paths = ["--annotations", folder / annotations, "--images", folder, "--output", folder / "data"]
    return command.run(coco, [*map(str, paths), *arguments])


def written(folder: Path) -> dict[str, list[tuple[str, list[str]]]]:
    """Split -> the images and captions in its file."""
    found = {}
    for path in sorted((folder / "data").iterdir()):
        records = map(json.loads, path.read_text().splitlines())
        found[path.stem] = [(record["image"], record["captions"]) for record in records]
    return found


def test_official_annotations_become_the_split_that_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "captions_val.json", "--split", "validation") == 0
    assert written(folder) == {"validation": [("../a.jpg", ["two"]), ("../b.jpg", ["one", "one"])]}
    captured = capsys.readouterr()
    assert captured.out == f"{folder / 'data' / 'validation.jsonl'}\n"
    assert "kept 2 of 2 images, 3 captions" in captured.err


def test_only_training_does_without_equal_captions(folder: Path) -> None:
    assert run(folder, "captions_val.json", "--split", "train") == 0
    assert written(folder)["train"][1] == ("../b.jpg", ["one"])


def test_the_same_photographs_are_not_trained_and_tested_on(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "captions_val.json", "--split", "train") == 0
    assert run(folder, "captions_val.json", "--split", "test") == 2
    assert "would share 2 pictures" in capsys.readouterr().err
    assert list(written(folder)) == ["train"]


def test_karpathy_splits_come_all_at_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "dataset_x.json") == 0
    expected = {"train": "a", "validation": "b", "test": "c"}
    assert written(folder) == {split: [(f"../2014/{name}.jpg", [f"on {name}"])] for split, name in expected.items()}
    assert "left out images of restval 1 (image 4 of dataset_x.json); --restval" in capsys.readouterr().err


def test_restval_is_trained_on_when_asked_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "dataset_x.json", "--restval") == 0
    assert [image for image, _ in written(folder)["train"]] == ["../2014/a.jpg", "../2014/d.jpg"]
    assert "left out images" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("annotations", "arguments", "message"),
    [
        ("captions_val.json", [], "is one split in COCO's format; say which: --split train|validation|test"),
        ("captions_val.json", ["--split", "train", "--restval"], "has no restval"),
        ("dataset_x.json", ["--split", "train"], "has splits of its own (train, val, test, restval)"),
        ("none.json", [], "no such file"),
    ],
)
def test_options_that_do_not_fit_the_file(
    folder: Path, capsys: pytest.CaptureFixture[str], annotations: str, arguments: list[str], message: str
) -> None:
    assert run(folder, annotations, *arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (folder / "data").exists()


def test_a_split_of_another_name_is_not_guessed_at(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = {"images": [KARPATHY["images"][0] | {"split": "dev"}]}
    (folder / "dataset_x.json").write_text(json.dumps(dataset))
    assert run(folder, "dataset_x.json") == 2
    assert "splits that Karpathy's files do not have: dev" in capsys.readouterr().err


def test_the_annotations_of_coco_are_read(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "coco"
    paths = ["--annotations", source / "captions_val2017.json", "--images", source / "val2017", "--output", tmp_path]
    assert command.run(coco, [*map(str, paths), "--split", "validation"]) == 0
    assert len((tmp_path / "validation.jsonl").read_text().splitlines()) == 79


@pytest.fixture
def selection(tmp_path: Path) -> Path:
    """Photographs with captions of two kinds, and lists of those to train and to test on."""
    (tmp_path / "images").mkdir()
    rows = ["image,caption,kind"]
    for name, caption, kind in (
        ("a", "one", "human"),
        ("b", "two", "recovered"),
        ("b", "three", "human"),
        ("c", "four", "human"),
        ("c", "four", "human"),
        ("c", "five", "recovered"),
        ("d", "six", "human"),
    ):
        (tmp_path / "images" / f"{name}.jpg").touch()
        rows.append(f"{name}.jpg,{caption},{kind}")
    (tmp_path / "captions.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "train.txt").write_text("a.jpg\nb.jpg\n")
    (tmp_path / "test.txt").write_text("c.jpg\n")
    return tmp_path


def run_folder(folder: Path, *arguments: str) -> int:
    return command.run(coco, ["--from", str(folder), "--output", str(folder / "data"), *arguments])


def test_each_kind_of_captions_is_a_file_and_people_are_tested_against(
    selection: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_folder(selection) == 0
    assert written(selection) == {
        "test": [("../images/c.jpg", ["four", "four"])],
        "train-human": [("../images/a.jpg", ["one"]), ("../images/b.jpg", ["three"])],
        "train-recovered": [("../images/b.jpg", ["two"])],
    }
    assert "left out images in no list 1 (d.jpg)" in capsys.readouterr().err


def test_a_picture_of_a_selection_is_in_one_list(selection: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (selection / "test.txt").write_text("c.jpg\na.jpg\n")
    assert run_folder(selection) == 2
    assert "test.txt: a.jpg is in train.txt, too" in capsys.readouterr().err
    assert not (selection / "data").exists()


def test_the_release_has_two_splits(folder: Path) -> None:
    (folder / "annotations").mkdir()
    for ours, number in (("train", 7), ("val", 3)):
        (folder / f"{ours}2014").mkdir()
        (folder / f"{ours}2014" / f"{ours}.jpg").touch()
        content = {"images": [{"id": number, "file_name": f"{ours}.jpg"}]}
        content["annotations"] = [{"id": 1, "image_id": number, "caption": f"a {ours}"}]
        (folder / "annotations" / f"captions_{ours}2014.json").write_text(json.dumps(content))
    assert run_folder(folder) == 0
    assert written(folder) == {
        "train": [("../train2014/train.jpg", ["a train"])],
        "validation": [("../val2014/val.jpg", ["a val"])],
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [([], "has neither captions.csv nor annotations/captions_train2014.json"), (["--restval"], "--restval belong")],
)
def test_a_folder_that_is_none_of_coco(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert run_folder(folder, *arguments) == 2
    assert message in capsys.readouterr().err


def test_the_shared_selection_is_whole(shared_data: Path, tmp_path: Path) -> None:
    assert command.run(coco, ["--from", str(shared_data / "coco2014"), "--output", str(tmp_path)]) == 0
    lines = {path.stem: len(path.read_text().splitlines()) for path in tmp_path.iterdir()}
    assert lines == {"train-human": 738, "train-recovered": 1764, "test": 145}
