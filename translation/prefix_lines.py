"""The prefixes of lines: from a file with one for each line, or from a column of the input."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from s2s.errors import check
from s2s.text.lines import LineReader


class PrefixLines:
    """Gives each line of the input its prefix.

    Args:
        column: whether the prefix stands in the line, behind a tab; a line without a tab has none
        file: otherwise, the file of prefixes and its lines; None if no line has a prefix
    """

    def __init__(self, *, column: bool = False, file: tuple[Path, Iterator[str]] | None = None) -> None:
        self._column, self._file = column, file
        self._lines = 0  # that were given a prefix

    @classmethod
    @contextmanager
    def opened(cls, options: argparse.Namespace) -> Iterator[PrefixLines]:
        """The prefixes that the options of the command ask for, while their file is open."""
        path: Path | None = options.prefix_file
        if path is None:
            yield cls(column=options.prefix_column)
            return
        with path.open("rb", buffering=0) as file:
            yield cls(file=(path, iter(LineReader(file, str(path), errors=options.encoding_errors))))

    def split(self, lines: Sequence[str]) -> tuple[Sequence[str], Sequence[str] | None]:
        """The sources of the next lines, and their prefixes; None if there are none at all.

        Raises:
            UserError: the file has fewer lines than the input.
        """
        if self._column:
            pairs = [line.partition("\t") for line in lines]
            for number, (_, _, prefix) in enumerate(pairs, self._lines + 1):
                check(
                    "\t" not in prefix,
                    f"--prefix-column: line {number} has more than two columns; leave out all but source and beginning",
                )
            self._lines += len(pairs)
            return [source for source, _, _ in pairs], [prefix for _, _, prefix in pairs]
        if self._file is None:
            return lines, None
        path, rest = self._file
        prefixes = list(islice(rest, len(lines)))
        self._lines += len(prefixes)
        count = f"{self._lines:,} line{'s' * (self._lines != 1)}"
        check(
            len(prefixes) == len(lines),
            f"--prefix-file {path}: has {count}, and the text has more; each line needs one, if only an empty one",
        )
        return lines, prefixes

    def check_end(self) -> None:
        """Raise a UserError if the file has more lines than the input."""
        if self._file:
            path, rest = self._file
            check(
                next(rest, None) is None,
                f"--prefix-file {path}: has more lines than the text, which has {self._lines:,}; each line needs one",
            )
