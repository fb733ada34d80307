"""Piece: a sentence as a model reads it, with all that is kept to be put into its translation."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from s2s.text.casing import Case
from s2s.text.lines import without_invisible
from s2s.text.tokens import END, SPECIALS

if TYPE_CHECKING:
    from s2s.decoding.prefix import Prefix
    from s2s.vision.grids import Features

# Quotation marks and brackets are not read but put back: none gets lost or changed.
PAIRED = frozenset('"“”„‟‘‚«»‹›()[]{}<>')
_FINAL = re.compile(r"[.!?…]+$")
_LONGEST = 100  # characters of the end of a text in which its final mark is looked for


@dataclass(frozen=True)
class Mark:
    """A text that the model does not read and that is put back into the translation.

    Attributes:
        text: as the user wrote it
        offset: in the text that is read
        position: of the token of the source that it stands before; that of END if it stands behind all words
        left, right: whether it touches the text before or behind it, as a bracket or a tag does
    """

    text: str
    offset: int
    position: int
    left: bool
    right: bool


@dataclass(frozen=True)
class PieceTerm:
    """A term of a glossary in a piece.

    Attributes:
        source: as the user wrote it
        target: what is to stand in the translation
        positions: of the tokens that are read of it
        copied: whether a placeholder stands for the target; otherwise the model has to write it
    """

    source: str
    target: str
    positions: frozenset[int]
    copied: bool


@dataclass(frozen=True)
class Piece:
    """A sentence, or a part of a long one, as a model reads it.

    Attributes:
        text: as the user wrote it
        ids: of what is read, without END
        tokens: the text that each id stands for
        copies: the texts that the placeholders and UNKs among the ids stand for, by position
        marks: what was left out, in order
        case: of the whole piece
        capitals: the positions of tokens of words that stand in capitals, where the whole piece does not
        terms: of a glossary, in order
        place: of the line in its text, and the number of the piece in it, from 0; what is sampled depends on it
        prefix: what the translation begins with; None for anything
        picture: what the model sees beside the text (`Features` of one picture); None for nothing
    """

    text: str
    ids: list[int]
    tokens: list[str]
    copies: Mapping[int, str] = field(default_factory=dict)
    marks: Sequence[Mark] = ()
    case: Case = Case.MIXED
    capitals: frozenset[int] = frozenset()
    terms: Sequence[PieceTerm] = ()
    place: tuple[int, ...] = (0, 0)
    prefix: Prefix | None = None
    picture: Features | None = None

    @property
    def source_tokens(self) -> tuple[str, ...]:
        """One label per position of the encoder: `tokens` with the copied texts as the user wrote them, and END."""
        return (*(self.copies.get(i, token) for i, token in enumerate(self.tokens)), SPECIALS[END])

    @property
    def translatable(self) -> bool:
        """False if nothing is to be translated, as in "3.", "😀" or "shop.de": it is its own translation."""
        read = (token for i, token in enumerate(self.tokens) if i not in self.copies)
        return any(character.isalpha() for token in read for character in token)

    @cached_property
    def untranslated(self) -> str:
        """What the piece becomes without the model: its text, with the targets of terms that are copied."""
        text, end = self.text, 0
        for term in self.terms:
            start = text.find(term.source, end) if term.copied else -1
            if start >= 0:
                target = self.case.apply(term.target) if term.target != term.source else term.target
                end = start + len(target)
                text = text[:start] + target + text[start + len(term.source) :]
        return text

    @cached_property
    def final_mark(self) -> str:
        """The full stop, question mark or the like that ends the text; brackets and quotation marks may follow it."""
        end = without_invisible(self.text).rstrip()
        for mark in reversed(self.marks):
            if mark.position == len(self.ids):
                end = end.removesuffix(mark.text).rstrip()
        found = _FINAL.search(unicodedata.normalize("NFKC", end[-_LONGEST:]).rstrip("\"'”’»)]"))
        return found[0] if found else ""
