"""Shards: the parts of an input, each of which one worker turns into one file of the output."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from s2s.errors import check
from s2s.text.file_kinds import GZIP, ZSTANDARD, utf16_codec
from s2s.text.lines import LineReader

_MOST_BYTES = 1 << 23  # of the lines of a shard, which a worker holds in memory


@dataclass(frozen=True)
class Shard:
    """A part of one file.

    Attributes:
        number: among all shards, from 0; their files are ordered by it
        source: the name of the file, as it was given
        first: the number of its first item (line or row) in the file, from 1
        count: of its items
        start, end: where it lies in the file: bytes of lines, rows of a table
        digest: of its content, or of what tells of another content
        place: how many items all files before have, and this one before the shard
        unit: what an item is called
    """

    number: int
    source: str
    first: int
    count: int
    start: int
    end: int
    digest: str
    place: int
    unit: str = "line"

    @property
    def stem(self) -> str:
        """The name of its file in the output, without the suffix."""
        return f"part-{self.number:08}"

    @property
    def where(self) -> str:
        """Its place in words, for messages."""
        if self.count == 1:
            return f"{self.source}: {self.unit} {self.first:,}"
        return f"{self.source}: {self.unit}s {self.first:,} to {self.first + self.count - 1:,}"

    def to_json(self) -> str:
        """The shard as one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Shard:
        """The shard of a line of `to_json`."""
        return cls(**json.loads(line))


@dataclass(frozen=True)
class Part:
    """A shard within its file: see `Shard`."""

    first: int
    count: int
    start: int
    end: int
    digest: str


def number_shards(files: Iterable[tuple[str, Iterable[Part]]], unit: str = "line") -> Iterator[Shard]:
    """Number the parts of all files, given with their names, in order; `unit` is what an item of them is called."""
    number = place = 0
    for source, parts in files:
        for part in parts:
            yield Shard(number, source, place=place, unit=unit, **asdict(part))
            number, place = number + 1, place + part.count


def parts_of_lines(path: Path, name: str, size: int) -> Iterator[Part]:
    """Divide a file of lines into parts of at most `size` lines. Memory holds one part.

    Raises:
        UserError: it is not UTF-8; it is compressed, so that no worker can begin in the middle.
    """
    with path.open("rb", buffering=0) as file:
        beginning = file.read(4)
        file.seek(0)
        packed = beginning.startswith((GZIP, ZSTANDARD))
        check(not packed, f"{name}: is compressed, so that it has no parts; decompress it first")
        check(
            utf16_codec(beginning) is None, f"{name}: is in UTF-16; convert it to UTF-8 first, for example with iconv"
        )
        first, offset = 1, 0
        for lines in _grouped(LineReader(file, name, exact=True), size):
            data = "".join(lines).encode()
            yield Part(first, len(lines), offset, offset + len(data), digest(data))
            first, offset = first + len(lines), offset + len(data)


def _grouped(lines: Iterable[str], size: int) -> Iterator[list[str]]:
    group, characters = list[str](), 0
    for line in lines:
        group.append(line)
        characters += len(line)
        if len(group) == size or characters >= _MOST_BYTES:
            yield group
            group, characters = [], 0
    if group:
        yield group


def read_part(path: Path, shard: Shard) -> list[str]:
    """The lines of a shard, with their ends.

    Raises:
        UserError: they are no longer those that were planned.
    """
    with path.open("rb") as file:
        file.seek(shard.start)
        data = file.read(shard.end - shard.start)
    check(digest(data) == shard.digest, changed(shard))
    return [f"{line}\n" for line in data.decode().removesuffix("\n").split("\n")]


def changed(shard: Shard) -> str:
    """The message about a shard that is no longer what it was."""
    changed_since = "is not what it was" if shard.count == 1 else "are not what they were"
    return f"{shard.where}: {changed_since} when this run was begun; restore the input, or name a new output folder"


def digest(data: bytes) -> str:
    """A digest of 128 bits."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()
