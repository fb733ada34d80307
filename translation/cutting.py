"""Cutting, the first stage of a translation: lines to the pieces that a model reads.

A piece is a sentence, or a part of one that is longer than all sentences of the training text. What stands between the
pieces of a line, and around them, is kept: white space, separators, the mark or number of a list.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from s2s.text.sentences import sentence_spans
from s2s.text.spans import find_spans
from translation.piece import Piece
from translation.reading import Reader
from translation.splitting import split

if TYPE_CHECKING:
    from s2s.vision.grids import Features

_BLOCKS = r"p|div|br|hr|li|ul|ol|dl|dt|dd|table|thead|tbody|tr|td|th|h[1-6]|option|section|article|blockquote"
_BETWEEN_CELLS = re.compile(rf"</?(?:{_BLOCKS})(?:\s[^<>]*+)?/?>|(?<!\S)\|(?!\S)", re.IGNORECASE)
# White space, and marks of lists, headings and quotations: "- ", "* ", "1. ", "2) ", "a) ", "## ", "> ".
_BEFORE = re.compile(r"\s*(?:(?:[-*+•‣◦·–—>]|#{1,6}|\(?\d{1,3}[.)]|\(?[A-Za-z]\)|\[[ xX]\])\s+)*")


@dataclass(frozen=True)
class CutLine:
    """A line in the pieces that are translated one by one.

    Attributes:
        pieces: none of a blank line
        between: the text before the first piece, between each two, and after the last; one more than there are pieces
        is_long: whether a sentence was longer than all those that the model was trained on
    """

    pieces: tuple[Piece, ...]
    between: tuple[str, ...]
    is_long: bool = False

    @property
    def source_tokens(self) -> tuple[str, ...]:
        """One label per token of all pieces, END last in each; none of a blank line."""
        return tuple(label for piece in self.pieces for label in piece.source_tokens)

    @property
    def text(self) -> str:
        """The line, in NFC."""
        parts = (f"{before}{piece.text}" for before, piece in zip(self.between, self.pieces))
        return "".join(parts) + self.between[-1]

    @property
    def places(self) -> tuple[tuple[int, int], ...]:
        """Where each piece stands in the line, in NFC: its start and end."""
        places, end = list[tuple[int, int]](), 0
        for before, piece in zip(self.between, self.pieces):
            start = end + len(before)
            end = start + len(piece.text)
            places.append((start, end))
        return tuple(places)

    def beside(self, picture: Features) -> CutLine:
        """The line with a picture beside each of its pieces."""
        return replace(self, pieces=tuple(replace(piece, picture=picture) for piece in self.pieces))

    def at(self, place: tuple[int, ...]) -> CutLine:
        """The line at this place in its text, whose pieces know their places."""
        return replace(self, pieces=tuple(replace(piece, place=(*place, i)) for i, piece in enumerate(self.pieces)))


def cut(lines: Sequence[str], reader: Reader, limit: int) -> list[CutLine]:
    """Cut lines into sentences, and sentences of more than `limit` tokens into parts.

    Lines are normalised to NFC, as the text was that the vocabulary was trained on.
    """
    texts = [unicodedata.normalize("NFC", line).strip("\r\n") for line in lines]
    spans = [sentence_offsets(text, reader.language) for text in texts]
    sentences = (text[start:end] for text, of in zip(texts, spans) for start, end in of)
    pieces = iter(reader.read_all(list(sentences)))
    return [_cut(text, of, list(islice(pieces, len(of))), reader, limit) for text, of in zip(texts, spans)]


def sentence_offsets(text: str, language: str) -> list[tuple[int, int]]:
    """The offsets of the sentences of a line, without the mark of a list before them."""
    before = _BEFORE.match(text)
    start = before.end() if before else 0
    if start and (start == len(text) or any(span.start < start < span.end for span in find_spans(text))):
        start = len(text) - len(text.lstrip())  # no list: nothing follows, or it is a part of "(555) 123-4567"
    spans = list[tuple[int, int]]()
    for first, last in _cells(text, start):
        spans += [(first + a, first + b) for a, b in sentence_spans(text[first:last], language)]
    return spans


def _cells(text: str, start: int) -> Iterator[tuple[int, int]]:
    """The parts of a text from `start` on between the bars of a table or the tags of paragraphs, cells and lists."""
    for mark in _BETWEEN_CELLS.finditer(text, start) if "|" in text or "<" in text else ():
        yield start, mark.start()
        start = mark.end()
    yield start, len(text)


def _cut(
    text: str, spans: Sequence[tuple[int, int]], sentences: Sequence[Piece], reader: Reader, limit: int
) -> CutLine:
    pieces: list[Piece] = []
    places: list[tuple[int, int]] = []
    for (start, end), sentence in zip(spans, sentences):
        if len(sentence.ids) <= limit or not sentence.translatable:
            pieces.append(sentence)
            places.append((start, end))
            continue
        parts = split(text[start:end], reader.vocabulary, limit, reader.language)
        pieces += reader.read_all(parts)
        places += _find(parts, text, start)
    ends = [0, *(end for _, end in places)]
    starts = [*(start for start, _ in places), len(text)]
    between = tuple(text[end:start] for end, start in zip(ends, starts))
    return CutLine(tuple(pieces), between, is_long=len(pieces) > len(sentences))


def _find(parts: Sequence[str], text: str, start: int) -> Iterator[tuple[int, int]]:
    """Where the parts of a sentence stand in the text; the sentence begins at `start`."""
    for part in parts:
        start = text.index(part, start)
        yield start, start + len(part)
        start += len(part)
