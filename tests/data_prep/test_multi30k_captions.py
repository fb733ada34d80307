"""Captions from Multi30k's descriptions: the right lines, and no photograph that is held out is trained on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from data_prep.multi30k_captions import multi30k_captions
from s2s.cli import command

ROWS = [
    ("train", 1, "a.jpg", "train"),
    ("train", 3, "c.jpg", "val"),
    ("train", 4, "d.jpg", "test"),
    ("val", 2, "e.jpg", "train"),
]


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Descriptions of four photographs, of which three are at hand, and one of another set."""
    (tmp_path / "descriptions").mkdir()
    (tmp_path / "photos").mkdir()
    for number in range(1, 6):
        lines = [f"Bild {line}, {'gleich' if line == 1 and number < 3 else number}" for line in range(1, 5)]
        (tmp_path / "descriptions" / f"train.{number}.de").write_text("\n".join(lines) + "\n")
    for _, _, image, _ in ROWS:
        (tmp_path / "photos" / image).touch()
    table(tmp_path, ROWS)
    return tmp_path


def table(folder: Path, rows: list[tuple[str, int, str, str]], split: str = "flickr8k_split") -> None:
    lines = ["\t".join(("set", "line", "image", split)), *("\t".join(map(str, row)) for row in rows)]
    (folder / "pictures.tsv").write_text("\n".join(lines) + "\n")


def run(folder: Path, *more: str) -> int:
    places = ["--from", folder, "--pictures", folder / "pictures.tsv", "--images", folder / "photos"]
    return command.run(multi30k_captions, [*map(str, places), "--output", str(folder / "out"), *more])


@pytest.mark.parametrize("split", ["split", "flickr8k_split"])
def test_each_split_has_its_photographs_and_their_descriptions(
    split: str, raw: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table(raw, ROWS, split)
    assert run(raw) == 0
    found = {
        path.stem: [json.loads(line) for line in path.read_text().splitlines()] for path in (raw / "out").glob("*")
    }
    names = {split: [Path(record["image"]).name for record in records] for split, records in found.items()}
    assert names == {"train": ["a.jpg"], "validation": ["c.jpg"], "test": ["d.jpg"]}
    assert found["train"][0]["captions"] == ["Bild 1, gleich", "Bild 1, 3", "Bild 1, 4", "Bild 1, 5"]
    assert found["test"][0]["captions"] == [f"Bild 4, {number}" for number in range(1, 6)]
    said = capsys.readouterr().err
    assert "train: " in said
    assert "duplicate caption 1 (line 1 of train)" in said
    assert "left out images without descriptions 1 (line 2 of val)" in said


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([*ROWS, ("train", 2, "a.jpg", "val")], "line 2 of train: a.jpg is the photograph of line 1 too"),
        ([*ROWS, ("train", 5, "f.jpg", "val")], "names line 5 of train, but "),
        ([("train", 1, "a.jpg", "dev")], "line 1 of train: its split is 'dev'; it must be train, val, test"),
        ([("train", 0, "a.jpg", "val")], "line 0 of train: lines are counted from 1"),
        (ROWS[3:], "has no row of the set train"),
    ],
)
def test_a_table_that_cannot_be_right_is_refused(
    rows: list[tuple[str, int, str, str]], message: str, raw: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table(raw, rows)
    assert run(raw) == 2
    assert message in capsys.readouterr().err


def test_what_is_missing_is_told_with_the_command_that_brings_it(raw: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(raw, "--language", "en") == 2
    assert "train.1.en: does not exist; `s2s prepare multi30k --descriptions" in capsys.readouterr().err
    table(raw, ROWS, "part")
    assert run(raw) == 2
    assert "needs a column split" in capsys.readouterr().err
    table(raw, ROWS)
    (raw / "descriptions" / "train.2.de").write_text("Bild 1\n")
    assert run(raw) == 2
    assert "differ in their numbers of lines" in capsys.readouterr().err
