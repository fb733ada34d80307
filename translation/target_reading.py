"""Reading of a given translation: text to the tokens that a model would have written for it.

This undoes what writing does with a hypothesis (translation/writing.py), where that can be told from the text: copied
texts become their placeholders again, marks that the source's reading left out and quotation marks and brackets are
left out, and capitals and final marks that writing took from the source are those that the model would have written.
Tokens are those of the vocabulary's own segmentation; a search may have written the same text in others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from s2s.text.casing import Case, is_upper
from s2s.text.tokens import END, PLACEHOLDERS, SPECIALS, UNK, UNKNOWN_CHARACTER
from s2s.text.vocabulary import Vocabulary
from translation.piece import Piece
from translation.placing import without_pairs
from translation.reading import readable_forms, word_pattern

_PRIVATE = re.compile(f"[{PLACEHOLDERS}]")
_FINAL = re.compile(r"[.!?…]+$")
_SPACED_MARK = re.compile(r" (?=[.,;:!?])| {2,}")


@dataclass(frozen=True)
class TargetTokens:
    """A given translation of a piece.

    Attributes:
        ids: of its tokens, END last
        labels: what each stands for, with the copied texts as the user wrote them
    """

    ids: list[int]
    labels: tuple[str, ...]


class TargetReader:
    """Reads given translations.

    Args:
        source, target: the vocabularies
    """

    def __init__(self, source: Vocabulary, target: Vocabulary) -> None:
        self._source, self._target = source, target
        self._words, self._known = word_pattern(target), target.characters
        self._rarity = lru_cache(maxsize=1 << 14)(self._rarity_of)

    def read(self, text: str, piece: Piece) -> TargetTokens:
        """Read the given translation of a piece, one line in NFC."""
        text, copied = self._with_placeholders(_PRIVATE.sub(UNKNOWN_CHARACTER, text), piece)
        if self._target.kind != "word":
            text = self._with_read_final_mark(self._without_marks(text, piece), piece)
            text = self._words.sub(lambda word: self._form(word[0], piece, first=word.start() == 0), text)
        ids, parts = self._target.encode(text), self._target.pieces(text)
        labels = [copied.get(part, part) for part in parts]
        return TargetTokens([*ids, END], (*labels, SPECIALS[END]))

    def _with_placeholders(self, text: str, piece: Piece) -> tuple[str, dict[str, str]]:
        """The text with placeholders in the places of copied texts, and what each of them stands for."""
        copied = dict[str, str]()
        for position, copy in piece.copies.items():
            number = piece.ids[position] - self._source.first_placeholder
            stand_in = PLACEHOLDERS[number] if piece.ids[position] != UNK else UNKNOWN_CHARACTER
            found = re.search(rf"(?<!\w){re.escape(copy)}(?!\w)", text)
            if found:
                text = text[: found.start()] + stand_in + text[found.end() :]
                copied.setdefault(stand_in, copy)
        return text, copied

    def _without_marks(self, text: str, piece: Piece) -> str:
        """The text without what is put back into a translation, and without quotation marks and brackets."""
        before, start = text, 0
        for mark in piece.marks:
            place = text.find(mark.text, start)
            if place >= 0:
                text, start = text[:place] + text[place + len(mark.text) :], place
        text = without_pairs(text)
        return text if text == before else _SPACED_MARK.sub(_single_space, text).strip()

    def _with_read_final_mark(self, text: str, piece: Piece) -> str:
        """The text with the final mark that the model read, in the place of the user's: it may read "!" as "."."""
        read = _FINAL.search("".join(piece.tokens))
        if read and piece.final_mark and text.endswith(piece.final_mark):
            return text.removesuffix(piece.final_mark) + read[0]
        return text

    def _form(self, word: str, piece: Piece, *, first: bool) -> str:
        """A word or sign in the form that the model would have written."""
        if piece.case is Case.UPPER or (piece.capitals and len(word) > 1):
            word = self._usual_form(word.lower(), word.capitalize(), first=first) if is_upper(word) else word
        elif piece.case is Case.TITLE:
            word = self._usual_form(word.lower(), word, first=first)
        if self._known.issuperset(word) or word.isspace():
            return word
        return next((form for form in readable_forms(word) if self._known.issuperset(form)), word)

    def _usual_form(self, lower: str, capital: str, *, first: bool) -> str:
        """The more frequent form of a word; a sentence begins with a capital."""
        return capital if first else min(lower, capital, key=self._rarity)

    def _rarity_of(self, word: str) -> tuple[int, int]:
        """Frequent words are few tokens, and of tokens the frequent ones have the lower ids."""
        ids = self._target.encode(word)
        return len(ids), sum(ids)


def _single_space(found: re.Match[str]) -> str:
    return " " if len(found[0]) > 1 else ""
