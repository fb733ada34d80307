r"""Reading text line by line from files, pipes and terminals.

Only `\n` ends a line, and one `\r` before it is dropped; U+2028, U+0085 and form feed are ordinary characters. A last
line without `\n` counts as a line, and an empty file has no lines. Text is UTF-8, or UTF-16 with a byte order
mark, and may be compressed with gzip or Zstandard; a byte order mark is dropped, and lines are normalised to NFC.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Literal

from s2s.errors import UserError, warn
from s2s.files import check_readable
from s2s.text.blocks import read_blocks
from s2s.text.file_kinds import refuse_nul

WINDOW_LINES = 4096
WINDOW_BYTES = 1 << 18  # about the size of 4096 lines; only a longer line makes a larger window
_INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]")
_BOM = b"\xef\xbb\xbf"


class LineReader:
    """Iterates over the lines of an open binary file, pipe or terminal. Memory holds one window, never the whole file.

    Args:
        file: any object with a file descriptor; nothing may have been read from it through a buffer before.
        name: its name in messages; by default the name of the file.
        errors: `strict` raises a UserError at bytes that are not UTF-8, which names the line, the byte offset in the
            file (from 0) and the bytes; `replace` replaces them by U+FFFD and counts them. A NUL byte, text in UTF-16
            without a byte order mark and formats such as PDF raise a UserError in both. Offsets in a gzip file are
            those of the text in it.
        exact: whether lines are as they stand in the file: with their ends and a byte order mark, and not normalised.

    Attributes:
        replaced: the number of byte sequences replaced so far.
        encoding: the codec of the file: "utf-8", or one of UTF-16 if its lines were read and begin with a mark of it.
    """

    def __init__(
        self,
        file: BinaryIO,
        name: str | None = None,
        *,
        errors: Literal["strict", "replace"] = "strict",
        exact: bool = False,
    ) -> None:
        self.replaced, self.encoding = 0, "utf-8"
        self._descriptor = file.fileno()
        self._name = str(file.name) if name is None else name
        self._errors, self._exact = errors, exact
        self._number = 0  # lines decoded so far
        self._offset = 0  # byte offset of the next line in the file
        self._returns = 0  # carriage returns inside the first line

    def __iter__(self) -> Iterator[str]:
        for window in self.windows():
            yield from window

    def windows(self) -> Iterator[list[str]]:
        """Yield lists of the lines that can be read without waiting, 1 to `WINDOW_LINES` at a time.

        It waits for input only while no complete line is available, so a pipe or terminal can be answered line by line.
        """
        for window in _windows(self._descriptor, self._name, self._note_encoding):
            yield [self._decode(line) for line in window]
        if self._number == 1 and self._returns:
            warn(
                f"{self._name}: is read as one line: it has {self._returns:,} carriage returns inside it (classic Mac "
                "line ends); to have as many lines, convert it first, for example with tr '\\r' '\\n'"
            )

    def _note_encoding(self, encoding: str) -> None:
        self.encoding = encoding
        warn(f"{self._name}: is in UTF-16, and is read as such")

    def _decode(self, line: bytes) -> str:
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            if self._errors == "strict":
                raise UserError(self._complaint(error)) from error
            text = line.decode(errors="replace")
            self.replaced += text.count("\ufffd") - line.count("\ufffd".encode())  # not those in the input itself
        if 0 in line:
            refuse_nul(line, self._name, self._number + 1, self._offset)
        if self._number == 0:
            self._returns = text.rstrip("\r\n").count("\r")
        self._number += 1
        self._offset += len(line)
        return text if self._exact else plain_line(text, first=self._number == 1)

    def _complaint(self, error: UnicodeDecodeError) -> str:
        where = f"{self._name}: line {self._number + 1}, byte {self._offset + error.start}"
        found = error.object[error.start : error.end].hex(" ").upper()
        return f"{where}: not UTF-8: {found} ({error.reason}); convert the file to UTF-8 first, for example with iconv"


def plain_line(text: str, *, first: bool) -> str:
    """A line without its end, in NFC; the `first` line of a file also without its byte order mark."""
    text = text.removeprefix("\ufeff") if first else text
    text = text.removesuffix("\r\n") if text.endswith("\r\n") else text.removesuffix("\n")
    return unicodedata.normalize("NFC", text)


def read_lines(path: Path) -> Iterator[str]:
    """Yield the lines of the file at `path`; raise a UserError if it cannot be read or is not UTF-8."""
    check_readable(path)
    with path.open("rb", buffering=0) as file:
        yield from LineReader(file)


def without_invisible(text: str) -> str:
    """The text without characters that are not seen and not written by hand: soft hyphens, marks of direction and such.

    Zero-width joiners and non-joiners stay: some scripts, and emoji, need them.
    """
    return text if text.isascii() else _INVISIBLE.sub("", text)


def count_lines(path: Path) -> int:
    """Return the number of lines that `read_lines` would yield, without decoding them."""
    check_readable(path)
    with path.open("rb", buffering=0) as file:
        return sum(len(window) for window in _windows(file.fileno(), str(path)))


def _windows(descriptor: int, name: str, note_encoding: Callable[[str], None] | None = None) -> Iterator[list[bytes]]:
    r"""Yield lists of lines as bytes, each with its `\n`, which only the last line of the file may lack.

    Each read gives one window, or several if lines are short. A read waits for the first byte only, and empties a pipe,
    which holds less than `WINDOW_BYTES`.
    """
    begun: list[bytes] = []  # the parts of a line whose end has not been read yet
    start = True
    for block in read_blocks(descriptor, WINDOW_BYTES, name, note_encoding):
        whole, newline, rest = block.rpartition(b"\n")
        if newline:
            lines = io.BytesIO(b"".join([*begun, whole, newline])).readlines()
            for first in range(0, len(lines), WINDOW_LINES):
                yield lines[first : first + WINDOW_LINES]
            begun, start = [], False
        begun.append(rest)
    last = b"".join(begun)
    if last and not (start and last == _BOM):
        yield [last]
