"""Sinks for translated lines: a stream, or a list."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Protocol, TextIO

from s2s.errors import check
from s2s.text.lines import WINDOW_LINES
from translation.counts import Counts

NONE = Counts()


class Output(Protocol):
    """Where the translations of lines go, window by window.

    Attributes:
        window: the most lines that are translated before they are written
    """

    window: int

    def pass_over(self, window: Sequence[str]) -> int:
        """How many of the lines at the beginning of a window are done already."""
        ...

    def encode_as(self, encoding: str, name: str) -> None:
        """Write in the encoding of the input `name`. Raises UserError if something was written in another."""
        ...

    def write(self, window: Sequence[str], written: Sequence[str], counts: Counts = NONE) -> None:
        """Write what becomes of the lines of a window; `counts` are theirs."""
        ...


class StreamOutput:
    """Standard output, or a device."""

    window = WINDOW_LINES

    def __init__(self, file: TextIO) -> None:
        self._file, self._encoding = file, ""

    def encode_as(self, encoding: str, name: str) -> None:
        """See `Output`."""
        if encoding != self._encoding:
            check(not self._encoding, mixed_encodings(encoding, name))
            self._encoding = encoding
            if encoding != "utf-8" and isinstance(self._file, io.TextIOWrapper):
                self._file.reconfigure(encoding=encoding)
                self._file.write("\ufeff")

    def pass_over(self, window: Sequence[str]) -> int:
        """See `Output`."""
        return 0

    def write(self, window: Sequence[str], written: Sequence[str], counts: Counts = NONE) -> None:
        """See `Output`."""
        self._file.writelines(f"{line}\n" for line in written)
        self._file.flush()


class ListOutput:
    """A list of lines.

    Attributes:
        lines: so far
    """

    window = WINDOW_LINES

    def __init__(self) -> None:
        self.lines: list[str] = []

    def encode_as(self, encoding: str, name: str) -> None:
        """See `Output`."""

    def pass_over(self, window: Sequence[str]) -> int:
        """See `Output`."""
        return 0

    def write(self, window: Sequence[str], written: Sequence[str], counts: Counts = NONE) -> None:
        """See `Output`."""
        self.lines += written


def mixed_encodings(encoding: str, name: str) -> str:
    """The message about an input in another encoding than what was written before."""
    return f"{name}: is in {encoding.upper()}, and what came before it is not; translate them one by one"
