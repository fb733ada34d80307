"""Draft: what is read of a sentence, while it is being read."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from s2s.text.casing import Case
from s2s.text.tokens import PLACEHOLDERS, UNK, UNKNOWN_CHARACTER
from s2s.text.vocabulary import Vocabulary
from translation.piece import Mark, Piece, PieceTerm


@dataclass
class _LeftOut:
    """A `Mark` in its parts, while more may follow: joining them once takes linear time."""

    parts: list[str]
    offset: int
    left: bool
    right: bool


class Draft:
    """What is read of a sentence, while it is being read.

    Attributes:
        text: what is read so far
        has_letters: whether it has any, besides what is copied
        has_placeholders: whether the vocabulary has any
        words_end: where the words of the user's text end: only final marks and closing quotation marks follow
    """

    def __init__(self, placeholders: int) -> None:
        self.text, self.has_letters, self.has_placeholders = "", False, placeholders > 0
        self.words_end = 0
        self._free = list(PLACEHOLDERS[:placeholders])
        self._copies: list[list[str]] = []  # what placeholders and UNKs stand for, in order, each in its parts
        self._copied_to = -1  # where the last of them ends, in the user's text
        self._marks: list[_LeftOut] = []
        self._left_out_to = -1  # where the last mark ends, in the user's text
        self._capitals: list[tuple[int, int]] = []  # offsets of words in `text`
        self._terms: list[tuple[int, int, str, str, bool]] = []  # offsets in `text`, and the rest of a `PieceTerm`
        self._broken = False  # a space came before
        self._behind_mark = False  # and then a mark, which what follows touches

    def space(self) -> None:
        """Read white space: a single space between words."""
        self._broken, self._behind_mark = True, False

    def read(self, text: str) -> None:
        """Read a text as it is given."""
        if text:
            self._add(text)
            self.has_letters = self.has_letters or any(map(str.isalpha, text))

    @property
    def ends_in_a_word(self) -> bool:
        """Whether what is read ends in a word."""
        return self.text[-1:].isalnum() or self.text[-1:] >= PLACEHOLDERS[0]

    def read_in_capitals(self, word: str) -> None:
        """Read a word in the form that is given; its translation will be in capitals."""
        self.read(word)
        self._capitals.append((len(self.text) - len(word), len(self.text)))

    def copy(self, text: str, start: int, end: int, written: str | None = None) -> None:
        """Read a placeholder for a part of a text; parts without anything between them become one.

        `written` is what the part becomes if it is not copied as it is.
        """
        written = text[start:end] if written is None else written
        if self._copied_to == start and not self._broken:
            self._copies[-1].append(written)
        else:
            self._add(self._free.pop(0) if self._free else UNKNOWN_CHARACTER)
            self._copies.append([written])
        self._copied_to = end

    def term(self, start: int, source: str, target: str, *, copied: bool) -> None:
        """Remember that what was read from an offset of `text` on is a term of a glossary; see `PieceTerm`."""
        self._terms.append((start, len(self.text), source, target, copied))

    def leave_out(self, text: str, start: int, end: int) -> None:
        """Leave out a part of a text; parts without anything between them become one."""
        touches = end < len(text) and not text[end].isspace()
        right = touches and text[end] not in ".,;:!?"  # a comma behind it belongs to what is before it
        last = self._marks[-1] if self._marks else None
        if last and self._left_out_to == start:
            last.parts.append(text[start:end])
            last.right = right
        else:
            left = start > 0 and not text[start - 1].isspace()
            self._marks.append(_LeftOut([text[start:end]], len(self.text), left, right))
        self._left_out_to, self._behind_mark = end, touches

    def _add(self, text: str) -> None:
        # "A man 😀." is read as "A man." and "A [big] man" as "A big man".
        spaced = self._broken and self.text and not (self._behind_mark and text in ".,;:!?")
        self.text += f" {text}" if spaced else text
        self._broken = self._behind_mark = False

    def piece(self, text: str, vocabulary: Vocabulary, case: Case) -> Piece:
        """The piece that was read of the user's `text`."""
        ids, tokens = vocabulary.encode(self.text), vocabulary.pieces(self.text)
        copied = (i for i, token in enumerate(ids) if token == UNK or token >= vocabulary.first_placeholder)
        starts = _starts(self.text, tokens)
        inside = {i for a, b in self._capitals for i, start in enumerate(starts) if a <= start < b}
        marks = tuple(
            Mark("".join(mark.parts), mark.offset, bisect_left(starts, mark.offset), mark.left, mark.right)
            for mark in self._marks
        )
        terms = tuple(
            PieceTerm(source, target, frozenset(i for i, start in enumerate(starts) if a <= start < b), is_copied)
            for a, b, source, target, is_copied in self._terms
        )
        copies = dict(zip(copied, map("".join, self._copies)))
        return Piece(text, ids, tokens, copies, marks, case, frozenset(inside), terms)


def _starts(text: str, tokens: Sequence[str]) -> list[int]:
    """Where each token starts in the text, behind the space that may be a part of it."""
    starts, end = [], 0
    for token in tokens:
        start = text.index(token, end)
        starts.append(start + len(token) - len(token.lstrip()))
        end = start + len(token)
    return starts
