"""Lines and times of subtitles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from s2s.errors import UserError, check


@dataclass(frozen=True)
class Line:
    """A line of a file.

    Attributes:
        number: from 1
        start, end: its offsets in the file, [start, end), without the line end
        text: what stands there
    """

    number: int
    start: int
    end: int
    text: str

    @property
    def is_blank(self) -> bool:
        """Whether it has nothing but white space."""
        return not self.text.strip()


def lines_of(text: str) -> list[Line]:
    r"""The lines of a text, which end with `\n`, `\r\n`, or `\r` in a text without `\n`."""
    return list(_lines(text))


def _lines(text: str) -> Iterator[Line]:
    end = "\r?\n" if "\n" in text else "\r"
    start = 0
    for number, match in enumerate(re.finditer(f"{end}|$", text), start=1):
        if match.start() > start or match.end() > match.start():
            yield Line(number, start, match.start(), text[start : match.start()])
        start = match.end()


def period(line: Line, pattern: re.Pattern[str]) -> tuple[int, int]:
    """When a subtitle begins and ends, in milliseconds.

    Args:
        line: with the times
        pattern: of both times, each in the groups sign, hours, minutes, seconds and thousandths

    Raises:
        UserError: it cannot be read, begins before 0, or ends before it begins.
    """
    match = pattern.fullmatch(line.text)
    if match is None:
        raise UserError(f"line {line.number}: a time that cannot be read; correct it")
    groups = match.groups()
    begins, ends = _milliseconds(*groups[:5]), _milliseconds(*groups[5:])
    check(
        "-" not in (groups[0], groups[5]),
        f"line {line.number}: a time before 0; correct it, for example by moving all subtitles",
    )
    check(begins <= ends, f"line {line.number}: the subtitle ends before it begins; correct its time")
    return begins, ends


def _milliseconds(_sign: str | None, hours: str | None, minutes: str, seconds: str, thousandths: str) -> int:
    return ((int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + int(thousandths.ljust(3, "0"))
