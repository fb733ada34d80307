"""TSV: columns between tabs, of which some are translated.

A tab always separates two columns, and a line end two rows. A cell in quotation marks, with each quotation mark in it
doubled, is translated without them. Columns are chosen by their numbers, from 1, or by their names, which the first
line then has; it is not translated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from s2s.errors import check, first_few
from translation.formats.document import FormatOptions
from translation.formats.text_file import Part, TextDocument, read_text_file


def read(content: bytes, options: FormatOptions) -> TextDocument:
    """Read TSV; see `translation.formats.document`."""
    file = read_text_file(content, options)
    check(options.columns, "no column to translate is named")
    check(
        "\r" not in file.text or "\n" in file.text,
        "line 1: the lines end with CR alone; convert them first, for example with: tr '\\r' '\\n'",
    )
    lines = file.text.split("\n")
    columns, header = _columns(lines[0].removesuffix("\r"), options.columns)
    return TextDocument(file, _parts(lines, columns, header=header))


def _columns(first: str, names: Sequence[str]) -> tuple[list[int], bool]:
    """The indices of the columns, and whether the first line has their names."""
    header = not all(name.isdecimal() for name in names)
    found = [_unquoted(name).strip() for name in first.split("\t")]
    columns = list[int]()
    for name in names:
        check(not header or found.count(name) < 2, f"line 1: several columns have the name {name!r}; use their numbers")
        check(
            not header or name in found or name.isdecimal(),
            f"line 1: no column has the name {name!r}; the columns are {first_few(found) or 'none: the line is blank'}",
        )
        check((header and name in found) or int(name) > 0, "--columns: columns are counted from 1")
        columns.append(found.index(name) if header and name in found else int(name) - 1)
    return sorted(set(columns)), header


def _parts(lines: Sequence[str], columns: Sequence[int], *, header: bool) -> Iterator[Part]:
    start = 0
    for number, line in enumerate(lines, start=1):
        if line.strip() and not (header and number == 1):
            cells = line.removesuffix("\r").split("\t")
            has = f"{len(cells)} column{'s' * (len(cells) > 1)}"
            check(
                columns[-1] < len(cells),
                f"line {number}: has {has}, and column {columns[-1] + 1} is to be translated; "
                "correct the line, or name another column",
            )
            begin = start
            for index, cell in enumerate(cells):
                if index in columns and cell.strip():
                    yield _part(begin, cell)
                begin += len(cell) + 1
        start += len(line) + 1


def _part(start: int, cell: str) -> Part:
    if (text := _unquoted(cell)) != cell:
        return Part(start + 1, start + len(cell) - 1, text, lambda translation: translation.replace('"', '""'))
    return Part(start, start + len(cell), cell, lambda translation: translation.replace("\t", " "))


def _unquoted(cell: str) -> str:
    """The text of a cell in quotation marks; the cell itself if it has none."""
    inner = cell[1:-1]
    quoted = len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in inner.replace('""', "")
    return inner.replace('""', '"') if quoted else cell
