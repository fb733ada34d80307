"""Tables of captions: columns between commas, semicolons, tabs or bars; and Flickr8k's token file, without a header."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from captioning.caption_records import CAPTIONS, IMAGES, KIND, SPLIT, Entry, first_of, plain
from s2s.errors import UserError, check, counted
from s2s.text.lines import read_lines

_SEPARATORS = (",", ";", "\t", "|")
_TOKEN = re.compile(r"(?P<image>[^\t]+)#\d+[ \t]+(?P<caption>.*)")  # dog.jpg#0<TAB>A dog.
_BROKEN = re.compile(r"\s*\d+(\s+|$)")  # one row of Flickr30k lacks the bar after the comment's number


def read_table(source: Path) -> Iterator[Entry]:
    """The entries of a table; its columns are told by their names, and what is between them by the first line."""
    lines = iter(read_lines(source))
    first = next((line for line in lines if line.strip("\ufeff")), None)
    check(first is not None, f"{source}: is empty; its first line must be {_header(source)}")
    assert first is not None
    rest = chain([first], lines)
    if _TOKEN.fullmatch(first):
        return _tokens(rest, source)
    return _rows(rest, source, _separator(first, source))


def _separator(first: str, source: Path) -> str:
    """What stands between the columns of a table with this first line."""
    likely = ("\t",) if source.suffix.lower() == ".tsv" else _SEPARATORS
    for separator in likely:
        columns = [plain(name.strip().strip('"')) for name in first.split(separator)]
        if first_of(IMAGES, columns) and first_of(CAPTIONS, columns):
            return separator
    raise UserError(
        f"{source}: line 1: the header must be {_header(source)}, or the like with columns named image or file_name, "
        f"and caption or text; it is {first.strip()[:200]!r}"
    )


def _rows(lines: Iterable[str], source: Path, separator: str) -> Iterator[Entry]:
    raw = _Last(lines)
    quoting = csv.QUOTE_NONE if separator in "\t|" else csv.QUOTE_MINIMAL
    # strict: else a quote that is never closed would swallow the rest of the file without a word
    reader = csv.reader(raw, delimiter=separator, quoting=quoting, strict=True, skipinitialspace=True)
    header = [plain(name) for name in next(reader)]
    image, caption = header.index(first_of(IMAGES, header) or ""), header.index(first_of(CAPTIONS, header) or "")
    others = {name: header.index(name) for name in (KIND, SPLIT) if name in header}
    for number, row in _numbered(reader, source):
        if len(row) != len(header):
            row = _mended(row, raw.line, len(header), separator, last=caption)
        check(
            len(row) == len(header),
            f"{source}: line {number}: {counted(len(row), 'column')} instead of {len(header)}"
            + ("; put quotes around a caption with commas in it" if separator == "," else ""),
        )
        more: dict[str, Any] = {name: row[column] for name, column in others.items()}
        bare = str.strip if separator == "|" else str
        yield Entry(bare(row[image]), (bare(row[caption]),), f"line {number} of {source.name}", **more)


class _Last:
    """Lines for a reader of CSV; `line` is the one that it has read last."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines, self.line = iter(lines), ""

    def __iter__(self) -> _Last:
        return self

    def __next__(self) -> str:
        self.line = next(self._lines)
        return f"{self.line}\n"


def _numbered(reader: Any, source: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty, each with the number of its first line; a row may go over several lines."""
    while True:
        number = reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise UserError(f"{source}: line {number}: {error}; mend this row") from error
        if row is None:
            return
        if row:
            yield number, row


def _mended(row: list[str], line: str, columns: int, separator: str, *, last: int) -> list[str]:
    """A row with columns too many or too few, as it was meant if that is beyond doubt.

    Args:
        row: its columns
        line: as it stands in the file
        columns: how many there should be
        separator: what is between them
        last: the number of the column with the caption
    """
    if separator == "|" and len(row) == columns - 1 and (number := _BROKEN.match(row[-1])):
        return [*row[:-1], number[0], row[-1][number.end() :]]
    if separator in ",;" and len(row) > columns and last == columns - 1 and '"' not in line:
        return line.split(separator, columns - 1)  # commas in a caption without quotes, as in Kaggle's Flickr8k
    return row


def _tokens(lines: Iterable[str], source: Path) -> Iterator[Entry]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        found = _TOKEN.fullmatch(line)
        check(found, f"{source}: line {number}: must be the name of a picture, #, a number, a tab and a caption")
        assert found is not None
        yield Entry(found["image"], (found["caption"],), f"line {number} of {source.name}")


def _header(source: Path) -> str:
    return "image<TAB>caption" if source.suffix.lower() == ".tsv" else "image,caption"
