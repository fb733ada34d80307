"""Lists of the photographs of Multi30k's lines, from a table that says which lines have theirs at hand."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from s2s.errors import UserError, check
from s2s.files import atomic_file, check_output
from s2s.text.lines import read_lines

COLUMNS = ("set", "line", "image")
SPLITS = ("split", "flickr8k_split")  # the optional column, by either name


@dataclass(frozen=True)
class PicturedLine:
    """A line (from 1) of a set whose photograph is at hand, and the photograph's split in its own data set, if told."""

    set: str
    line: int
    image: str
    split: str | None


def read_rows(path: Path) -> list[PicturedLine]:
    """The rows of a table.

    Args:
        path: a table with tabs, whose first line names the columns `set`, `line` and `image`, and perhaps one of SPLITS

    Raises:
        UserError: a column is missing, or a number of a line is none.
    """
    rows = csv.DictReader(read_lines(path), delimiter="\t", quoting=csv.QUOTE_NONE)
    names = rows.fieldnames or ()
    missing = [name for name in COLUMNS if name not in names]
    check(not missing, f"{path}: its first line lacks {', '.join(missing)}; name the columns {', '.join(COLUMNS)}")
    split = next((name for name in SPLITS if name in names), "")
    found = []
    for number, row in enumerate(rows, 2):
        check((row["line"] or "").isdecimal(), f"{path}: line {number}: {row['line']!r} is no number of a line")
        found.append(PicturedLine(row["set"], int(row["line"]), row["image"] or "", row.get(split)))
    return found


def read_table(path: Path) -> dict[str, dict[int, str]]:
    """The photograph of each line of each set; see `read_rows`."""
    found: dict[str, dict[int, str]] = {}
    for row in read_rows(path):
        found.setdefault(row.set, {})[row.line] = row.image
    return found


def write_lists(table: Mapping[str, Mapping[int, str]], texts: Sequence[Path], *, force: bool = False) -> list[Path]:
    """Write the list of each text beside it, `train.images` beside `train.en`: a name per line, or a blank line.

    Returns:
        the lists of the texts that have photographs

    Raises:
        UserError: the table has a line that the text does not have, or a list is there already.
    """
    lists = [text.with_suffix(".images") for text in texts if text.stem in table]
    for path in lists:
        check_output(path, force=force)
    for text, path in zip((text for text in texts if text.stem in table), lists):
        names, count = table[text.stem], sum(1 for _ in read_lines(text))
        if max(names) > count:
            raise UserError(f"the table names line {max(names):,} of {text.stem}, but {text} has {count:,} lines")
        with atomic_file(path) as aside:
            aside.write_text("".join(f"{names.get(line, '')}\n" for line in range(1, count + 1)), encoding="utf-8")
    return lists
