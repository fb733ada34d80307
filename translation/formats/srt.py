r"""SRT (SubRip): numbered subtitles with times; formatting by tags such as `<i>`, and by codes such as `{\an8}`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from s2s.errors import check
from translation.formats.document import Document, FormatOptions
from translation.formats.subtitles import Cue, Markup, SubtitleDocument
from translation.formats.text_file import read_text_file
from translation.formats.timing import Line, lines_of, period

_TIME = r"(-?)(\d{1,3}):(\d{1,2}):(\d{1,2})[,.](\d{1,3})"
_TIMES = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}(?:\s.*)?")
_NUMBER = re.compile(r"\s*\d+\s*")
_MARKUP = Markup(
    re.compile(
        r"<(?P<close>/?)(?P<name>(?i:b|i|u|s|font|em|strong|span|c|v|big|small))(?:[\s.][^<>]*)?>"
        r"|\{\\[^{}]*\}|\{[A-Za-z]:[^{}]*\}"
    )
)


def read(content: bytes, options: FormatOptions) -> Document:
    """Read an SRT file.

    Raises:
        UserError: a subtitle has no time, or one that cannot be. It begins with the line.
    """
    file = read_text_file(content, options)
    return SubtitleDocument(file, _cues(lines_of(file.text)), _MARKUP, options)


def _cues(lines: Sequence[Line]) -> list[Cue]:
    cues, number, i = list[Cue](), 0, 0
    while i < len(lines):
        if lines[i].is_blank:
            i += 1
            continue
        if start := _start(lines, i):
            number = int(lines[i].text) if start > 1 else number + 1
            i += start
            times = period(lines[i - 1], _TIMES)
        else:  # words behind a blank line go on with the subtitle before
            numbered = _NUMBER.fullmatch(lines[i].text) and i + 1 < len(lines) and not lines[i + 1].is_blank
            check(
                cues or not numbered,
                f"line {lines[i].number + 1}: this is no time of a subtitle, such as 00:00:01,000 --> 00:00:02,000; "
                "correct it",
            )
            check(cues, f"line {lines[i].number}: neither the number nor the time of a subtitle; is this an SRT file?")
            alone = _NUMBER.fullmatch(lines[i].text) and int(lines[i].text) == number + 1
            check(
                not alone, f"line {lines[i].number}: subtitle {number + 1} has no time; add it, or remove the subtitle"
            )
            times = cues[-1].begins, cues[-1].ends
        first, goes_on = i, start > 0
        while i < len(lines) and not lines[i].is_blank and not _start(lines, i):
            check("-->" not in lines[i].text, f"line {lines[i].number}: a time that cannot be read; correct it")
            i += 1
        if i > first:
            cues.append(Cue(lines[first].number, lines[first].start, lines[i - 1].end, *times, goes_on))
        else:
            cues.append(Cue(lines[i - 1].number, lines[i - 1].end, lines[i - 1].end, *times))
    return cues


def _start(lines: Sequence[Line], i: int) -> int:
    """How many lines the number and the time of a subtitle have that begins at a line; 0 if none begins there."""
    if _TIMES.fullmatch(lines[i].text):
        return 1
    numbered = i + 1 < len(lines) and _NUMBER.fullmatch(lines[i].text) and _TIMES.fullmatch(lines[i + 1].text)
    return 2 if numbered else 0
