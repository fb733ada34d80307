"""Files of one word a line with an empty line behind each sentence: columns, and CoNLL-U.

In columns, tabs part the fields, or spaces in a line without tabs. CoNLL-U has ten fields parted by tabs; `#` begins a
comment, and ranges (1-2) and empty words (1.1) are no words (https://universaldependencies.org/format.html).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from s2s.errors import check

FormatName = Literal["columns", "conllu"]
_CONLLU_FIELDS = 10
_NUMBER, _NO_WORD = re.compile(r"[0-9]+"), re.compile(r"[0-9]+[-.][0-9]+")


@dataclass(frozen=True)
class Layout:
    """Where the words and tags stand in a file.

    Attributes:
        format: of the file
        word: the number of the column, from 1; None for that of the format: 1, or 2 of CoNLL-U
        tag: likewise: 2, or 4 of CoNLL-U (UPOS)
    """

    format: FormatName = "columns"
    word: int | None = None
    tag: int | None = None

    @property
    def columns(self) -> tuple[int, int]:
        """The numbers of both columns, from 0."""
        word, tag = (2, 4) if self.format == "conllu" else (1, 2)
        return (self.word or word) - 1, (self.tag or tag) - 1


class Row(NamedTuple):
    """A line that holds a word.

    Attributes:
        number: of the line, from 1
        line: as it stands, without its end
        word: the word, in NFC
        tag: what the tag column holds; None where the line ends before it
        place: start and end of the tag column in the line
    """

    number: int
    line: str
    word: str
    tag: str | None
    place: tuple[int, int]

    def with_tag(self, tag: str) -> str:
        """The line with another tag; where the line ends before that column, it gets one."""
        start, end = self.place
        if self.tag is None:
            separator = " " if " " in self.line and "\t" not in self.line else "\t"
            return f"{self.line}{separator}{tag}"
        return f"{self.line[:start]}{tag}{self.line[end:]}"


def row_of(line: str, number: int, layout: Layout, name: str) -> Row | None:
    """The word in a line of the file `name`; None for a line that holds none.

    Raises:
        UserError: the line has too few columns, or no word; the message names it.
    """
    where = f"{name}: line {number}"
    if layout.format == "conllu" and line.startswith("#"):
        return None
    fields = _fields(line)
    word, tag = layout.columns
    if layout.format == "conllu":
        found = f"has {len(fields)} of {_CONLLU_FIELDS} columns, which CoNLL-U parts by tabs"
        check(len(fields) == _CONLLU_FIELDS and "\t" in line, f"{where} {found}; correct it, or use the format columns")
        first = line[slice(*fields[0])]
        if _NO_WORD.fullmatch(first):
            return None
        check(_NUMBER.fullmatch(first), f"{where} begins with {first!r}, and not with the number of a word; correct it")
    needed = max(word + 1, tag)  # the tag itself may be what is to be found
    check(
        len(fields) >= needed,
        f"{where} has {len(fields)} of {needed} columns; correct it, or name other columns",
    )
    text = unicodedata.normalize("NFC", line[slice(*fields[word])])
    check(text.strip(), f"{where} has no word in column {word + 1}; correct it")
    if tag < len(fields):
        return Row(number, line, text, line[slice(*fields[tag])], fields[tag])
    return Row(number, line, text, None, (len(line), len(line)))


def sentences_of(lines: Iterable[str], layout: Layout, name: str) -> Iterator[list[Row]]:
    """The sentences of a file, each its words; lines are without their ends. Raises UserError as `row_of`."""
    rows: list[Row] = []
    for number, line in enumerate(lines, 1):
        if is_boundary(line):
            if rows:
                yield rows
            rows = []
        elif row := row_of(line, number, layout, name):
            rows.append(row)
    if rows:
        yield rows


def is_boundary(line: str) -> bool:
    """Whether a line ends a sentence."""
    return not line.strip()


def _fields(line: str) -> Sequence[tuple[int, int]]:
    """Start and end of each field of a line."""
    if "\t" not in line:
        return [match.span() for match in re.finditer("[^ ]+", line)]
    places, start = [], 0
    for field in line.split("\t"):
        places.append((start, start + len(field)))
        start += len(field) + 1
    return places
