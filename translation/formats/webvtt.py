"""WebVTT: subtitles of web pages, with their notes, style sheets, regions, settings, voices, ruby and entities.

A tag goes on to the next `>`, or to the end of its cue, as the standard says (WebVTT cue text tokenizer): what follows
a `<` without a `>` is not shown, and not translated.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from s2s.errors import check, first_few, warn
from translation.formats.document import Document, FormatOptions
from translation.formats.subtitles import Cue, Markup, SubtitleDocument
from translation.formats.text_file import read_text_file
from translation.formats.timing import Line, lines_of, period

_TIME = r"(-?)(?:(\d{2,}):)?([0-5]?\d):([0-5]?\d)\.(\d{3})"
_TIMES = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}(?:\s.*)?")
_HEADER = re.compile(r"WEBVTT(?:[ \t].*)?")
_KEPT = re.compile(r"(?:NOTE|STYLE|REGION)(?:[ \t].*)?")
_CLOCK = re.compile(r"<\d")  # a time inside a cue
_ENTITY = re.compile(r"&(?:\w{2,31}|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")
_WRITTEN = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\xa0": "&nbsp;", "\u200e": "&lrm;", "\u200f": "&rlm;"}
)


def read(content: bytes, options: FormatOptions) -> Document:
    """Read a WebVTT file.

    Raises:
        UserError: the header is missing; a cue has no time, or one that cannot be. It begins with the line.
    """
    file = read_text_file(content, options)
    cues = list(_cues(lines_of(file.text)))
    _warn_of_open_tags(file.text, cues, options.name)
    return SubtitleDocument(file, cues, _MARKUP, options)


def _warn_of_open_tags(text: str, cues: Sequence[Cue], name: str) -> None:
    """Warn of cues whose last tag does not end."""
    lines = list[int]()
    for cue in cues:
        start = text.rfind(">", cue.start, cue.end) + 1 or cue.start
        if (tag := text.find("<", start, cue.end)) >= 0:
            lines.append(cue.line + text.count("\n", cue.start, tag))
    if lines:
        warn(
            f'{name}: a tag is not closed by ">", and so hides the rest of its cue, which is not translated; write '
            f"&lt; where < is a sign: line {first_few(lines)}"
        )


def _decode(text: str) -> str:
    return _ENTITY.sub(lambda match: html.unescape(match[0]), text)


_MARKUP = Markup(
    re.compile(r"<(?P<close>/?)(?P<name>[a-z]+)(?:[\s.][^>]*)?>|<[^>]*(?:>|\Z)"),
    _decode,
    lambda text: text.translate(_WRITTEN),
)


def _cues(lines: Sequence[Line]) -> Iterator[Cue]:
    check(lines and _HEADER.fullmatch(lines[0].text), "line 1: a WebVTT file begins with WEBVTT; is this one?")
    blocks = [list(group) for blank, group in groupby(lines, key=lambda line: line.is_blank) if not blank]
    joined = next((line for line in blocks[0][1:] if "-->" in line.text), lines[0])
    check(joined is lines[0], f"line {joined.number}: a cue in the header; add a blank line after WEBVTT")
    for first, *others in blocks[1:]:
        if _KEPT.fullmatch(first.text):
            continue
        timed = first if "-->" in first.text or not others else others.pop(0)
        check("-->" in timed.text, f"line {first.number}: a cue without a time; add it, or remove the cue")
        begins, ends = period(timed, _TIMES)
        for line in others:
            check("-->" not in line.text, f"line {line.number}: a time inside a cue; add a blank line before it")
        words = (others[0].number, others[0].start, others[-1].end) if others else (timed.number, timed.end, timed.end)
        clock = any(_CLOCK.search(line.text) for line in others)
        yield Cue(*words, begins, ends, goes_on=not clock)
