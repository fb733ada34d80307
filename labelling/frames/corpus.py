"""Films: folders of frames, in the natural order of their names, with a file of labels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from s2s.errors import check, counted, first_few
from s2s.files import check_readable
from s2s.text.lines import read_lines

LABELS = "labels.txt"


@dataclass(frozen=True)
class Film:
    """A film with its labels.

    Attributes:
        folder: that it lies in
        frames: its pictures, in their order
        labels: one for each frame
    """

    folder: Path
    frames: Sequence[Path]
    labels: Sequence[str]


def natural_order(path: Path) -> tuple[list[tuple[int, str]], str]:
    """A key that sorts names as people count: frame2.png stands before frame10.png."""
    parts = re.split(r"([0-9]+)", path.name.lower())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], path.name


def frames_of(folder: Path) -> list[Path]:
    """The frames in a folder: all its files except labels.txt and hidden ones, in the natural order of their names.

    Raises:
        UserError: it is no folder, or has no frames, or folders among them.
    """
    _check_folder(folder)
    entries = _visible(folder)
    folders = [path.name for path in entries if path.is_dir()]
    frames = [path for path in entries if not path.is_dir() and path.name != LABELS]
    check(
        frames or not folders,
        f"{folder}: has folders and no frames; name one of them: {first_few(folders)}",
    )
    check(not folders, f"{folder}: has folders among its frames ({first_few(folders)}); move them away")
    check(frames, f"{folder}: has no frames; put the pictures of a film into it")
    return frames


def read_film(folder: Path) -> Film:
    """Read the labels of a film; line n of labels.txt belongs to the n-th frame.

    Raises:
        UserError: a file is missing, a line is blank, or there are not as many labels as frames.
    """
    frames, source = frames_of(folder), folder / LABELS
    check_readable(source)
    labels = [line.strip() for line in read_lines(source)]
    for number, label in enumerate(labels, 1):
        frame = frames[number - 1].name if number <= len(frames) else "a frame"
        check(label, f"{source}: line {number} is blank; write the label of {frame}, or remove the line")
        check("\t" not in label, f"{source}: line {number} has a tab; a label is the whole line, and has none")
    check(
        len(frames) == len(labels),
        f"{folder}: has {counted(len(frames), 'frame')}, but {LABELS} has {counted(len(labels), 'label')}; write one "
        "a line, in the order of the frames' names",
    )
    return Film(folder, frames, labels)


def read_films(folder: Path) -> list[Film]:
    """Read the films of a folder, each a folder in it.

    Raises:
        UserError: there is none, or one of them cannot be used.
    """
    _check_folder(folder)
    films = [path for path in _visible(folder) if path.is_dir()]
    check(films, f"{folder}: has no films; a film is a folder in it with frames and {LABELS}")
    return [read_film(path) for path in films]


def check_known(films: Sequence[Film], labels: Sequence[str], advice: str) -> None:
    """Raise a UserError that names the first label of the films that is none of `labels`."""
    known = set(labels)
    for film in films:
        for number, label in enumerate(film.labels, 1):
            check(
                label in known,
                f"{film.folder / LABELS}: line {number}: the label {label!r} does not occur in the training films, "
                f"whose labels are {first_few(labels)}; {advice}",
            )


def _check_folder(folder: Path) -> None:
    check(folder.exists(), f"{folder}: no such folder; check the path")
    check(folder.is_dir(), f"{folder}: is a file; name the folder that it lies in")


def _visible(folder: Path) -> list[Path]:
    return sorted((path for path in folder.iterdir() if not path.name.startswith(".")), key=natural_order)
