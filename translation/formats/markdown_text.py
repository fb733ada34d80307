"""A block of Markdown in its segments: sentences with numbered tags in place of inline markup, and back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Literal

from translation.formats.markdown_marks import MarkdownMark
from translation.formats.tags import TAG, first_free_number
from translation.formats.text_file import Part

# A line that is no text: of containers, admonitions, callouts and templates; or what begins a definition.
_NO_TEXT = re.compile(
    r"^[ \t]*:[ \t]+|^[ \t]*(?::{3,}.*|(?:!!!|\?\?\?\+?) .*|\[TOC\]|\[![A-Za-z]+\][+-]?|\{%.*%\}|\{\{.*\}\})[ \t]*$",
    re.MULTILINE,
)
_SPACES = re.compile(r"[ \t\n]+")
_ALWAYS_ESCAPED = "*_`[]<>~$|\\"  # if a sentence has one of these behind a backslash, then all of them
# What would begin a list, a heading, a quotation or a table if it stood first in a block.
_BLOCK_START = re.compile(r"(\d{1,9})(?=[.)](?:\s|$))|(?=[-+*](?:\s|$)|#{1,6}(?:\s|$)|>|:{3}|~{3}|\|)")


@dataclass(frozen=True)
class Block:
    """The content of a block.

    Attributes:
        content: as the parser gives it
        offsets: where each of its characters is in the text of the file, and where it ends
        kind: "paragraph", "heading", or "cell" of a table
    """

    content: str
    offsets: Sequence[int]
    kind: Literal["paragraph", "heading", "cell"] = "paragraph"


@dataclass
class _Piece:
    """A text, or a mark.

    Attributes:
        start, end: its offsets in the content
        mark: nothing for a text
        number: of the mark's tag; the two marks around the same words have the same
    """

    start: int
    end: int
    mark: MarkdownMark | None = None
    number: int | None = field(default=None)


def block_parts(text: str, block: Block, marks: Sequence[MarkdownMark]) -> Iterator[Part]:
    """The parts of a file that a block has: its sentences between marks that break it.

    Args:
        text: of the file
        block: in it
        marks: in the content of the block, in order
    """
    marks = _without_lines_of_no_text(block.content, marks)
    partners = _partners(marks)
    run = list[_Piece]()
    end = 0
    for index, mark in enumerate([*marks, MarkdownMark(len(block.content), len(block.content), "break")]):
        if end < mark.start:
            run.append(_Piece(end, mark.start))
        if mark.kind == "break" or (mark.kind in ("open", "close") and index not in partners):
            yield from _run_parts(text, block, run)
            run = []
        else:
            run.append(_Piece(mark.start, mark.end, mark, partners.get(index, index)))
        end = max(end, mark.end)


def _without_lines_of_no_text(content: str, marks: Sequence[MarkdownMark]) -> list[MarkdownMark]:
    lines = [MarkdownMark(match.start(), match.end(), "break") for match in _NO_TEXT.finditer(content)]
    outside = [mark for mark in marks if not any(line.start < mark.end and mark.start < line.end for line in lines)]
    return sorted([*lines, *outside], key=lambda mark: mark.start)


def _partners(marks: Sequence[MarkdownMark]) -> dict[int, int]:
    """The marks around the same words: the index of each, with that of the first of the two."""
    opened, found = list[int](), dict[int, int]()
    for index, mark in enumerate(marks):
        if mark.kind == "open":
            opened.append(index)
        elif mark.kind == "close" and any(marks[each].name == mark.name for each in opened):
            while marks[start := opened.pop()].name != mark.name:
                pass
            found |= {start: start, index: start}
    lone = (mark.kind in ("open", "close") and index not in found for index, mark in enumerate(marks))
    breaks = list(accumulate(mark.kind == "break" or alone for mark, alone in zip(marks, lone)))
    closing = {start: index for index, start in found.items()}
    return {index: start for index, start in found.items() if breaks[start] == breaks[closing[start]]}


def _run_parts(text: str, block: Block, run: list[_Piece]) -> Iterator[Part]:
    """The sentence of a run of pieces, if there are letters in it."""
    run = _trimmed(block.content, run)
    if not any(piece.mark is None and any(map(str.isalpha, block.content[piece.start : piece.end])) for piece in run):
        return
    sentence = _Sentence(text, block, run)
    start, end = block.offsets[run[0].start], block.offsets[run[-1].end]
    yield Part(start, end, sentence.segment, sentence.render)


def _trimmed(content: str, run: list[_Piece]) -> list[_Piece]:
    """The pieces without those that need no place in the sentence: white space and marks at both ends or around all."""
    run = list(run)
    while run:
        first, last = run[0], run[-1]
        if _is_empty(content, first):
            run.pop(0)
        elif _is_empty(content, last):
            run.pop()
        elif len(run) > 1 and first.mark and last.mark and first.mark.kind == "open" and first.number == last.number:
            if last.mark.label is not None:  # a reference, which must be named when its text is another
                break
            run = run[1:-1]
        else:
            break
    if run and run[0].mark is None:
        run[0] = replace(run[0], start=run[0].end - len(content[run[0].start : run[0].end].lstrip()))
    if run and run[-1].mark is None:
        run[-1] = replace(run[-1], end=run[-1].start + len(content[run[-1].start : run[-1].end].rstrip()))
    return run


def _is_empty(content: str, piece: _Piece) -> bool:
    if piece.mark:
        return piece.mark.kind in ("space", "void")
    return not content[piece.start : piece.end].strip()


class _Sentence:
    """A sentence of a block.

    Attributes:
        segment: what is sent to the translator
    """

    def __init__(self, text: str, block: Block, run: Sequence[_Piece]) -> None:
        self._text, self._block = text, block
        self._begins_block = block.kind == "paragraph" and not block.content[: run[0].start].strip()
        readable = [self._readable(piece) for piece in run]
        first = first_free_number("".join(filter(None, readable)))
        numbers: dict[int, int] = {}
        parts, self._marks, self._escaped = list[str](), dict[str, _Piece](), set[str]()
        for piece, shown in zip(run, readable):
            if shown is None and piece.mark and piece.number is not None:
                shown = _tag(piece.mark, first + numbers.setdefault(piece.number, len(numbers)))
                self._marks[shown] = piece
            elif piece.mark and piece.mark.kind == "character":
                self._escaped |= set(shown or "") & set(_ALWAYS_ESCAPED)
            parts.append(shown or "")
        if block.kind == "cell":
            self._escaped.add("|")
        self.segment = _SPACES.sub(" ", "".join(parts)).strip(" ")

    def _readable(self, piece: _Piece) -> str | None:
        """What the translator reads for a piece; None if that is a tag."""
        if piece.mark is None:
            return self._block.content[piece.start : piece.end]
        if piece.mark.kind == "space":
            return " "
        return self._block.content[piece.start + 1] if piece.mark.kind == "character" else None

    def _source(self, start: int, end: int) -> str:
        return self._text[self._block.offsets[start] : self._block.offsets[end]]

    def render(self, translation: str) -> str:
        """The sentence with a translation, in Markdown."""
        written, position, labels = list[str](), 0, list[int]()
        for tag in TAG.finditer(translation):
            piece = self._marks.get(tag[0])
            if piece is None or piece.mark is None:
                continue  # of the text itself
            written.append(self._escape(translation[position : tag.start()]))
            position = tag.end()
            source = self._source(piece.start, piece.end)
            if piece.mark.kind == "close" and piece.mark.label is not None:
                label = self._source(piece.mark.label, piece.start)
                source = source if "".join(written[labels[-1] :]) == label else f"][{label}]"
            written.append(source)
            if piece.mark.kind == "open":
                labels.append(len(written))
            elif piece.mark.kind == "close":
                labels.pop()
        written.append(self._escape(translation[position:]))
        whole = "".join(written)
        return _BLOCK_START.sub(r"\1\\", whole, count=1) if self._begins_block and _BLOCK_START.match(whole) else whole

    def _escape(self, text: str) -> str:
        return "".join(f"\\{each}" if each in self._escaped else each for each in text) if self._escaped else text


def _tag(mark: MarkdownMark, number: int) -> str:
    """The tag that stands for a mark in what the translator reads."""
    forms = {"open": f"<{number}>", "close": f"</{number}>", "word": f"{{{number}}}"}
    return forms.get(mark.kind, f"<{number}/>")
