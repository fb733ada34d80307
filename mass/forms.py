"""Forms of input: how each is divided into shards, how a shard is read, and how its results are written.

Lines become lines. JSON Lines and Parquet (mass/parquet.py) keep what they have, and get three fields or columns. A
list of pictures (mass/pictures.py) becomes lines of path, tab and caption.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from mass.batches import Columns
from mass.shards import Part, Shard, parts_of_lines, read_part
from s2s.errors import UserError, check, first_few
from s2s.text.lines import plain_line


@dataclass
class Content:
    """What a shard holds.

    Attributes:
        values: what the model reads: texts, or paths; None where there is nothing
        raw: the items as they stand in the input, where they are written again
        problems: why an item cannot be read, by its index
    """

    values: Sequence[Any]
    raw: Any = None
    problems: dict[int, str] = field(default_factory=dict)


class Form(Protocol):
    """A form of input."""

    name: str  # as --format has it
    suffix: str
    unit: str  # what an item is called
    leaves_out_failures: bool  # whether an item that failed is not in the written shard

    def parts(self, path: Path, name: str, size: int) -> Iterator[Part]:
        """Divide a file, of some `name`, into parts of at most `size` items; raises UserError if it is wrong."""
        ...

    def read(self, path: Path, shard: Shard) -> Content:
        """Read a shard; raises UserError if it is not what was planned."""
        ...

    def write(self, path: Path, content: Content, columns: Columns) -> None:
        """Write the results of a shard, which are columns as those of `mass.batches`."""
        ...

    def count(self, path: Path) -> int:
        """How many items a written shard has."""
        ...

    def place(self, shard: Shard, content: Content, number: int) -> dict[str, Any]:
        """The place of an item, for messages: its file and its number there."""
        ...


@dataclass(frozen=True)
class Lines:
    """Text, one item per line."""

    name = "lines"
    suffix = ".txt"
    unit = "line"
    leaves_out_failures = False

    def parts(self, path: Path, name: str, size: int) -> Iterator[Part]:
        """See `Form`."""
        return parts_of_lines(path, name, size)

    def read(self, path: Path, shard: Shard) -> Content:
        """See `Form`."""
        lines = read_part(path, shard)
        return Content([plain_line(line, first=shard.first + i == 1) for i, line in enumerate(lines)])

    def write(self, path: Path, content: Content, columns: Columns) -> None:
        """See `Form`; what has no translation has a blank line."""
        write_lines(path, [text or "" for text in columns["translation"]])

    def count(self, path: Path) -> int:
        """See `Form`."""
        return count_lines(path)

    def place(self, shard: Shard, content: Content, number: int) -> dict[str, Any]:
        """See `Form`."""
        return {"file": shard.source, "line": number}


@dataclass(frozen=True)
class JsonLines:
    """JSON Lines: each object keeps what it has, byte for byte, and gets its translation, score and confidence.

    Attributes:
        column: the field that is translated
        into: the field of the translation; those of score and confidence are named after it
    """

    column: str
    into: str
    name = "jsonl"
    suffix = ".jsonl"
    unit = "line"
    leaves_out_failures = False

    def parts(self, path: Path, name: str, size: int) -> Iterator[Part]:
        """See `Form`. Checks the translated field in the first line, so that a wrong name is reported at the start."""
        with path.open("rb") as file:
            line = next((line for line in file if line.strip()), b"")
        if line:
            try:
                found = _object(line.decode("utf-8-sig", "replace"))
            except ValueError as error:
                raise UserError(f"{name}: its first line is {error}; each line must be one JSON object") from error
            names = first_few(list(found))
            check(self.column in found, f"{name}: no field {self.column!r}; there are {names}: name one with --column")
            is_text = found[self.column] is None or isinstance(found[self.column], str)
            of_first = f"{name}: the field {self.column!r} of its first line is no text"
            check(is_text, f"{of_first}; name another one with --column")
            for each in columns_of(self.into):
                check(each not in found, f"{name}: has a field {each!r} already; name another one with --into")
        return parts_of_lines(path, name, size)

    def read(self, path: Path, shard: Shard) -> Content:
        """See `Form`."""
        lines = [line.removesuffix("\n").removesuffix("\r") for line in read_part(path, shard)]
        if shard.first == 1:
            lines[0] = lines[0].removeprefix("\ufeff")
        content = Content(values := list[Any](), lines)
        for index, line in enumerate(lines):
            values.append(None)
            try:
                if line.strip():
                    values[index] = self._text(_object(line))
            except ValueError as error:
                content.problems[index] = str(error)
        return content

    def _text(self, found: dict[str, Any]) -> str | None:
        taken = [name for name in columns_of(self.into) if name in found]
        if taken:
            raise ValueError(f"has a field {taken[0]!r} already")
        if self.column not in found:
            raise ValueError(f"has no field {self.column!r}")
        text = found[self.column]
        if text is not None and not isinstance(text, str):
            raise ValueError(f"its field {self.column!r} is no text")
        return text

    def write(self, path: Path, content: Content, columns: Columns) -> None:
        """See `Form`; a line that is no object, or has one of the new fields already, stays as it is."""
        added = zip(*(columns[name] for name in ("translation", "score", "confidence")))
        lines = [
            self._extended(line, values) if line.strip() and self._takes(line, content.problems.get(index)) else line
            for index, (line, values) in enumerate(zip(content.raw, added))
        ]
        write_lines(path, lines)

    def _takes(self, line: str, problem: str | None) -> bool:
        """Whether a line is an object that can have the new fields."""
        if problem is None:
            return True
        try:
            return not set(columns_of(self.into)) & set(_object(line))
        except ValueError:
            return False

    def _extended(self, line: str, values: Sequence[Any]) -> str:
        """The object of a line with more fields; the line is in ASCII afterwards if its letters are escaped now."""
        ascii_only = line.isascii() and "\\u" in line
        more = json.dumps(dict(zip(columns_of(self.into), values)), ensure_ascii=ascii_only)
        before = line.rstrip()[:-1].rstrip()
        return f"{before}{'' if before.endswith('{') else ', '}{more[1:]}"

    def count(self, path: Path) -> int:
        """See `Form`."""
        return count_lines(path)

    def place(self, shard: Shard, content: Content, number: int) -> dict[str, Any]:
        """See `Form`."""
        return {"file": shard.source, "line": number}


def columns_of(into: str) -> tuple[str, str, str]:
    """The names of the fields or columns that a result has."""
    return into, f"{into}_score", f"{into}_confidence"


def write_lines(path: Path, lines: Sequence[str]) -> None:
    r"""Write lines, each with `\n`; raises RuntimeError if one has a line end inside."""
    data = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
    if data.count(b"\n") != len(lines):
        raise RuntimeError("a result has several lines")
    path.write_bytes(data)


def count_lines(path: Path) -> int:
    r"""How many `\n` a file has."""
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def _object(line: str) -> dict[str, Any]:
    """The object of a line; raises ValueError, which says what the line is instead."""
    try:
        found = json.loads(line, parse_int=float)  # an integer may have any number of digits
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"not JSON ({getattr(error, 'msg', error)})") from error
    if not isinstance(found, dict):
        raise ValueError("no JSON object")
    return found
