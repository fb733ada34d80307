r"""Users' text, line by line, streamed.

Only `\n` ends a line and one `\r` before it is dropped: U+2028, U+0085 and form feed are ordinary characters. A last
line without `\n` counts, an empty file has no lines. Text is UTF-8 without its byte order mark, normalised to NFC.
"""

from __future__ import annotations

import io
import os
import select
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal

from s2s.errors import UserError
from s2s.files import check_readable

WINDOW_LINES = 4096
WINDOW_BYTES = 1 << 18  # about as many bytes as 4096 lines have; only a line that is longer makes a larger window
_BOM = b"\xef\xbb\xbf"


class LineReader:
    r"""The lines of an open binary file: a file, a pipe or a terminal. Memory holds one window, never the file.

    Args:
        file: anything with a file descriptor; nothing may have been read from it through a buffer.
        name: what messages call it; by default the file's own name.
        errors: `strict` raises a UserError that names line, byte offset (from 0, in the file) and bytes of what is
            not UTF-8; `replace` puts U+FFFD there, goes on, and counts.

    Attributes:
        replaced: how many sequences of bytes were replaced so far.
    """

    def __init__(
        self, file: BinaryIO, name: str | None = None, *, errors: Literal["strict", "replace"] = "strict"
    ) -> None:
        self.replaced = 0
        self._descriptor = file.fileno()
        self._name = str(file.name) if name is None else name
        self._errors = errors
        self._number = 0  # lines decoded so far
        self._offset = 0  # where the next line begins in the file

    def __iter__(self) -> Iterator[str]:
        for window in self.windows():
            yield from window

    def windows(self) -> Iterator[list[str]]:
        """Yield the lines that can be read without waiting, at least one and at most `WINDOW_LINES` at a time.

        A pipe or terminal thus gets an answer to every line before its end; only while there is no whole line to
        give does this wait for more.
        """
        for window in _windows(self._descriptor):
            yield [self._decode(line) for line in window]

    def _decode(self, line: bytes) -> str:
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            if self._errors == "strict":
                raise UserError(self._complaint(error)) from error
            text = line.decode(errors="replace")
            self.replaced += text.count("\ufffd") - line.count("\ufffd".encode())  # less those that the user wrote
        if self._number == 0:
            text = text.removeprefix("\ufeff")
        self._number += 1
        self._offset += len(line)
        text = text.removesuffix("\r\n") if text.endswith("\r\n") else text.removesuffix("\n")
        return unicodedata.normalize("NFC", text)

    def _complaint(self, error: UnicodeDecodeError) -> str:
        where = f"{self._name}: line {self._number + 1}, byte {self._offset + error.start}"
        found = error.object[error.start : error.end].hex(" ").upper()
        return f"{where}: not UTF-8: {found} ({error.reason}); convert it first, with iconv for example"


def read_lines(path: Path) -> Iterator[str]:
    """Yield the lines of the file at `path`; a UserError says what is wrong with the path or its bytes."""
    check_readable(path)
    with path.open("rb", buffering=0) as file:
        yield from LineReader(file)


def count_lines(path: Path) -> int:
    """The number of lines that `read_lines` would yield, without decoding any."""
    check_readable(path)
    with path.open("rb", buffering=0) as file:
        return sum(len(window) for window in _windows(file.fileno()))


def _windows(descriptor: int) -> Iterator[list[bytes]]:
    r"""Yield lists of lines as they lie in the file, each with its `\n`; the last one of all may have none.

    One read is one window (or several, where lines are short): it gives what is there and waits only for the first
    byte, and it drains a pipe, which holds less than `WINDOW_BYTES`.
    """
    begun: list[bytes] = []  # the pieces of a line whose end has not been read yet
    start = True
    while block := _read_block(descriptor):
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


def _read_block(descriptor: int) -> bytes:
    """What can be read now, up to `WINDOW_BYTES`; waits while there is nothing; empty at the end of the file."""
    while True:
        try:
            return os.read(descriptor, WINDOW_BYTES)
        except BlockingIOError:  # whoever started us left standard input in non-blocking mode
            select.select([descriptor], [], [])
