"""Pictures of a folder: a list of them on disk, in the order of `caption`, is what is divided into shards."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from captioning.inputs import files_below
from captioning.run import printable_name
from captioning.side_files import kind_of
from mass.batches import Columns
from mass.forms import Content, count_lines, write_lines
from mass.shards import Part, Shard, parts_of_lines, read_part

_RUN = 200_000  # pictures that are sorted in memory


@dataclass(frozen=True)
class Pictures:
    """A list of pictures.

    Attributes:
        folder: in which they lie, as it was given
        home: from where that name counts
    """

    folder: str
    home: str
    name = "pictures"
    suffix = ".tsv"
    unit = "picture"
    leaves_out_failures = True

    def parts(self, path: Path, name: str, size: int) -> Iterator[Part]:
        """See `mass.forms.Form`."""
        return parts_of_lines(path, name, size)

    def read(self, path: Path, shard: Shard) -> Content:
        """See `mass.forms.Form`."""
        relative = [Path(*json.loads(line)["path"]) for line in read_part(path, shard)]
        names = [str(Path(self.folder, each)) for each in relative]
        return Content([str(Path(self.home, name)) for name in names], names)

    def write(self, path: Path, content: Content, columns: Columns) -> None:
        """See `mass.forms.Form`; what has no caption has no line, as in the output of `caption`."""
        captions = columns["caption"]
        lines = [f"{printable_name(name)}\t{text}" for name, text in zip(content.raw, captions) if text is not None]
        write_lines(path, lines)

    def count(self, path: Path) -> int:
        """See `mass.forms.Form`."""
        return count_lines(path)

    def place(self, shard: Shard, content: Content, number: int) -> dict[str, Any]:
        """See `mass.forms.Form`."""
        return {"file": content.raw[number - shard.first]}


def list_pictures(folder: Path, target: Path) -> Counter[str]:
    """Write the list of the pictures in a folder and below it; each line has a path, size and time of change.

    The order is that of `caption`. Memory does not grow with the number of pictures.

    Returns:
        how many files of each kind were passed over, because they are no pictures
    """
    passed_over = Counter[str]()

    def found() -> Iterator[list[str]]:
        for path in files_below(folder):
            if kind := kind_of(path):
                passed_over[kind] += 1
            else:
                yield list(path.relative_to(folder).parts)

    with target.open("w", encoding="ascii") as file:
        for parts in _sorted_on_disk(found(), target.parent):
            size, changed = _state(folder.joinpath(*parts))
            file.write(json.dumps({"path": parts, "size": size, "changed": changed}) + "\n")
    return passed_over


def _state(path: Path) -> tuple[int, int]:
    try:
        state = path.stat()
    except OSError:
        return 0, 0  # reading it will tell the reason
    return state.st_size, state.st_mtime_ns


def _sorted_on_disk(paths: Iterator[list[str]], folder: Path, run: int = _RUN) -> Iterator[list[str]]:
    """Sort paths, each the list of its parts: sorted runs are written to temporary files, and merged."""
    runs = []
    while part := sorted(islice(paths, run)):
        file = TemporaryFile("w+", encoding="ascii", dir=folder)  # noqa: SIM115 - closed when it is read
        file.writelines(json.dumps(each) + "\n" for each in part)
        file.seek(0)
        runs.append(map(json.loads, file))
    return merge(*runs)
