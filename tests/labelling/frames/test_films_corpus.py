"""Folders of films: what is a frame, in which order, and every folder that is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from labelling.frames.corpus import frames_of, read_film, read_films
from s2s.errors import UserError


def film(folder: Path, names: str = "1.png 2.png", labels: str = "a\nb\n") -> Path:
    folder.mkdir(parents=True)
    for name in names.split():
        (folder / name).write_bytes(b"frame")
    (folder / "labels.txt").write_text(labels)
    return folder


def test_frames_are_in_natural_order_whatever_their_suffix(tmp_path: Path) -> None:
    folder = film(tmp_path / "film", "f10.png f9.jpg .hidden F1.png f010.png f2 10.png 9.png", "")
    assert [path.name for path in frames_of(folder)] == [
        "9.png",
        "10.png",
        "F1.png",
        "f2",
        "f9.jpg",
        "f010.png",
        "f10.png",
    ]


def test_films_are_in_natural_order_with_their_labels(tmp_path: Path) -> None:
    for name in ("film10", "film2"):
        film(tmp_path / name, labels=f"\ufeffin {name}\r\nout\n")
    found = read_films(tmp_path)
    assert [(each.folder.name, each.labels) for each in found] == [
        ("film2", ["in film2", "out"]),
        ("film10", ["in film10", "out"]),
    ]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("a\n", "film: has 2 frames, but labels.txt has 1 label; write one a line, in the order of the frames' names"),
        ("a\nb\nc\n", "film: has 2 frames, but labels.txt has 3 labels"),
        ("a\n\n", "film/labels.txt: line 2 is blank; write the label of 2.png, or remove the line"),
        ("a\nb\n \n", "film/labels.txt: line 3 is blank; write the label of a frame, or remove the line"),
        ("a\nb\tc\n", "film/labels.txt: line 2 has a tab"),
    ],
)
def test_labels_that_do_not_fit_are_told(labels: str, message: str, tmp_path: Path) -> None:
    folder = film(tmp_path / "film", labels=labels)
    with pytest.raises(UserError) as caught:
        read_film(folder)
    assert str(caught.value).startswith(f"{tmp_path}/{message}")


def test_folders_that_are_no_film_are_told(tmp_path: Path) -> None:
    empty, films = tmp_path / "empty", tmp_path / "films"
    empty.mkdir()
    inner = film(films / "one")
    cases = {
        empty: "has no frames; put the pictures of a film into it",
        films: "has folders and no frames; name one of them: one",
        inner / "1.png": "is a file; name the folder that it lies in",
        tmp_path / "none": "no such folder; check the path",
    }
    for path, message in cases.items():
        with pytest.raises(UserError) as caught:
            frames_of(path)
        assert str(caught.value) == f"{path}: {message}"
    (inner / "more").mkdir()
    with pytest.raises(UserError, match=r"has folders among its frames \(more\)"):
        frames_of(inner)
    with pytest.raises(UserError, match=r"empty: has no films; a film is a folder in it"):
        read_films(empty)
    (films / "one" / "more").rmdir()
    (films / "one" / "labels.txt").unlink()
    with pytest.raises(UserError, match=r"labels.txt: no such file"):
        read_films(films)
