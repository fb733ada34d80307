"""Side files: a text beside each picture, with its caption. A picture that has one is not captioned again."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from captioning.inputs import Input
from captioning.side_files import text_of
from s2s.errors import check, first_few
from s2s.files import atomic_file
from s2s.vision.picture_files import picture_suffixes

SUFFIX = ".txt"


class Sidecars:
    """The side files of pictures.

    `dog.jpg` has `dog.txt`. Where another picture of the folder has the same name without its suffix, `dog.png`, both
    have side files with their whole names: `dog.jpg.txt` and `dog.png.txt`.

    Args:
        pictures: of this run
        suffix: of the side files

    Attributes:
        shared: the pictures whose side files have whole names

    Raises:
        UserError: there is no file that a side file could stand beside.
    """

    def __init__(self, pictures: Sequence[Input], suffix: str = SUFFIX) -> None:
        self._paths: dict[str, Path] = {}
        self.shared: list[Path] = []
        of_text = suffix.lower() not in picture_suffixes()
        check(of_text, f"--sidecar-suffix {suffix}: is that of pictures; choose another: .txt")
        plain = "." in suffix and suffix[-1] not in ". " and not any(map(suffix.__contains__, "/\\\0"))
        check(plain, f"--sidecar-suffix {suffix!r}: must have a dot, letters behind it, and no slash, such as .txt")
        files = [picture.file for picture in pictures if picture.file]
        stems = _stems(files)
        own = set(map(os.path.abspath, files))
        for picture in pictures:
            file = picture.file
            check(
                file or picture.name != "-", "--sidecars: standard input has no folder for a side file; use --json FILE"
            )
            if file is None or not file.name:
                continue
            path = file.with_name(file.stem + suffix)
            if stems[file.parent][file.stem] > 1 or os.path.abspath(path) in own:  # noqa: PTH100 - links stay
                self.shared.append(file)
                path = file.with_name(file.name + suffix)
            self._paths[picture.path] = path

    def path(self, picture: Input) -> Path | None:
        """The side file of a picture; None where it can have none, such as an address."""
        return self._paths.get(picture.path)

    def text(self, picture: Input) -> str | None:
        """The caption in a side file; None if there is none, or it is blank.

        Raises:
            ValueError, OSError: see `text_of`.
        """
        path = self.path(picture)
        return text_of(path) if path else None

    def check_writable(self, pictures: Iterable[Input]) -> None:
        """Raise a UserError unless side files can be written beside these pictures, as far as their folders exist."""
        folders = {path.parent for path in map(self.path, pictures) if path}
        closed = sorted(folder for folder in folders if folder.is_dir() and not os.access(folder, os.W_OK | os.X_OK))
        check(not closed, f"--sidecars: {first_few(closed)}: not writable; check the permissions, or use --json FILE")

    def write(self, picture: Input, text: str) -> None:
        """Write the side file of a picture."""
        if path := self.path(picture):
            with atomic_file(path, durable=False) as aside:  # after a crash, a blank side file counts as none
                aside.write_text(f"{text}\n", encoding="utf-8", newline="\n")


def _stems(files: Iterable[Path]) -> dict[Path, Counter[str]]:
    """How many pictures of each name without suffix are in each folder, those included that are not of this run."""
    names = defaultdict[Path, set[str]](set)
    for file in files:
        names[file.parent].add(file.name)
    for folder, found in names.items():
        if folder.is_dir():
            with os.scandir(folder) as entries:
                found.update(entry.name for entry in entries if Path(entry.name).suffix.lower() in picture_suffixes())
    return {folder: Counter(Path(name).stem for name in found) for folder, found in names.items()}
