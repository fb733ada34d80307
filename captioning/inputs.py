"""The pictures that the arguments of `caption` name: files, folders, patterns, and standard input.

Each has a name for messages, a path for files of results, and what the captioner reads. Folders are searched; links to
folders are followed once each, so that a circle of links ends, and no picture is found twice.
"""

from __future__ import annotations

import glob
import os
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from captioning.side_files import is_side_file_of, is_system_folder, kind_of
from s2s.errors import check, counted
from s2s.vision.picture_files import picture_suffixes

STANDARD_INPUT = "-"
_KINDS = 4  # of files that were passed over: so many are named


@dataclass(frozen=True, slots=True)
class Input:
    """A picture to caption.

    Attributes:
        name: in messages and on standard output: the path as it was given or found
        source: what the captioner reads: a path, or the content of standard input
        path: in files of results: relative to the folder, if a single folder was given; else as `name`; with `/`
    """

    name: str
    source: Path | str | bytes
    path: str

    @property
    def file(self) -> Path | None:
        """The file of the picture; None for standard input and addresses."""
        return self.source if isinstance(self.source, Path) else None


@dataclass
class Inputs:
    """What the arguments name.

    Attributes:
        pictures: in a stable order
        passed_over: how many files of each kind in folders are no pictures
        repeated: how many pictures were named more than once
    """

    pictures: list[Input] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)
    repeated: int = 0

    def notes(self) -> Iterator[str]:
        """Lines that say in sum what was passed over."""
        if self.passed_over:
            kinds = [f"{count:,} {kind}" for kind, count in self.passed_over.most_common(_KINDS)]
            kinds += ["..."] * (len(self.passed_over) > _KINDS)
            total = counted(self.passed_over.total(), "file that is no picture", "files that are no pictures")
            yield f"passed over {total}: {', '.join(kinds)}"
        if self.repeated:
            yield f"{counted(self.repeated, 'picture was', 'pictures were')} named twice; each is captioned once"


def find_inputs(names: Sequence[str], *, left_out: Iterable[Path] = (), sidecar_suffix: str = "") -> Inputs:
    """Find the pictures that arguments name.

    A file that was named itself is passed over only if it is the text beside a picture that was named too, as where a
    shell has expanded `photos/*`.

    Args:
        names: the arguments
        left_out: folders and files that this command writes: they are no inputs, where they lie in a folder that is,
            unless they are named like pictures
        sidecar_suffix: see `kind_of`

    Raises:
        UserError: a name is empty; standard input is named twice, or is a terminal.
    """
    check("" not in names, "an argument is empty, such as a variable that is not set; name a picture or a folder")
    check(names.count(STANDARD_INPUT) <= 1, "-: standard input can be named once only")
    found, seen = Inputs(), set[str]()
    written = {os.path.realpath(path) for path in left_out if path.suffix.lower() not in picture_suffixes()}
    folder = Path(names[0]) if len(names) == 1 and _is_folder(names[0]) else None
    stems = {Path(name).with_suffix("") for name in names if Path(name).name and not kind_of(Path(name))}
    for name in names:
        for each in _named(name, found, written, sidecar_suffix):
            key = os.path.abspath(each.file) if each.file else each.name  # noqa: PTH100 - links stay
            kind = kind_of(Path(name)) if each.file == Path(name) and is_side_file_of(Path(name), stems) else ""
            if kind:
                found.passed_over[kind] += 1
            elif key in seen:
                found.repeated += 1
            else:
                seen.add(key)
                found.pictures.append(_relative(each, folder) if folder else each)
    return found


def expanded(name: str) -> Iterator[Path]:
    """Yield the files that an argument names: a file, all files in a folder and below it, or the matches of a pattern.

    The order is stable; hidden files, and those that are known to be no pictures, are passed over. An argument that
    names no file is yielded as it is; reading it will report the reason.
    """
    return (Path(each.name) for each in _named(name, Inputs(), set(), ""))


def _named(name: str, found: Inputs, written: set[str], sidecar_suffix: str) -> Iterator[Input]:
    if name == STANDARD_INPUT:
        yield Input(name, _standard_input(), name)
        return
    if "://" in name and not os.path.lexists(name):
        yield Input(name, name, name)  # an address: the captioner will say what to do
        return
    path = Path(name)
    if _is_folder(name):
        candidates: Iterable[Path] = sorted(files_below(path, written))
    elif not os.path.exists(name) and glob.has_magic(name):  # noqa: PTH110 - Path.exists raises for names too long
        matches = map(Path, glob.iglob(name, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
        candidates = sorted(match for match in matches if not match.is_dir())
    else:
        yield _input(path)
        return
    files = []
    for each in candidates:
        kind = kind_of(each, sidecar_suffix)
        if kind:
            found.passed_over[kind] += 1
        elif not written or os.path.realpath(each) not in written:
            files.append(each)
    yield from map(_input, files or [path])


def _input(path: Path) -> Input:
    return Input(str(path), path, path.as_posix())


def _relative(each: Input, folder: Path) -> Input:
    if each.file is None or each.file == folder:
        return each
    return Input(each.name, each.source, each.file.relative_to(folder).as_posix())


def _is_folder(name: str) -> bool:
    return os.path.isdir(name)  # noqa: PTH112 - Path.is_dir raises for a name that is too long


def files_below(folder: Path, written: Collection[str] = ()) -> Iterator[Path]:
    """Yield all files below a folder in no order, and folders that cannot be opened; only names of folders are kept.

    Hidden files are passed over, and folders whose real paths are `written`. Links to folders are followed after all
    else, and only to folders that were not visited yet: a picture that can be reached in several ways is found once,
    without a link if possible.
    """
    visited, ahead, closed = set[str](), [folder], list[Path]()
    while ahead:
        below = [ahead.pop(0)]
        while below:
            parent = below.pop()
            real = os.path.realpath(parent)
            if real in visited or real in written:
                continue
            visited.add(real)
            folders = list[os.DirEntry[str]]()
            try:
                with os.scandir(parent) as entries:
                    for entry in entries:
                        if _leads_to_folder(entry):
                            folders += [entry] * (not is_system_folder(entry.name))
                        elif not entry.name.startswith("."):
                            yield Path(parent, entry.name)
            except OSError:
                closed.append(parent)
            folders.sort(key=lambda entry: entry.name, reverse=True)
            below += [Path(entry.path) for entry in folders if not entry.is_symlink()]
            ahead += [Path(entry.path) for entry in reversed(folders) if entry.is_symlink()]
    yield from closed


def _leads_to_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # such as a circle of links
        return False


def _standard_input() -> bytes:
    from s2s.vision.images import MAX_BYTES

    check(not sys.stdin.isatty(), "-: standard input is a terminal; send a picture there, as in `caption - < dog.jpg`")
    return sys.stdin.buffer.read(MAX_BYTES + 1)
