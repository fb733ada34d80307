"""Reading of a given translation: text to all token sequences that the translator would write as this text.

This undoes what writing does with a hypothesis (translation/writing.py): copied texts are their placeholders again,
what the source's reading left out is left out, as quotation marks and brackets are, letters that writing puts in
capitals may be small, and the final mark that writing takes from the source may have been another one, or none. Where
subwords can spell the rest in several ways, each of them counts.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from s2s.decoding.spelling import Edge, Spelling
from s2s.text.casing import Case, in_small_letters, is_upper
from s2s.text.tokens import END, PLACEHOLDERS, SPECIALS, UNK, UNKNOWN_CHARACTER
from s2s.text.vocabulary import Vocabulary
from translation.piece import Piece
from translation.placing import stand_in, without_pairs
from translation.reading import readable_forms, word_pattern

_PRIVATE = re.compile(f"[{PLACEHOLDERS}]")
_SPACED_MARK = re.compile(r" (?=[.,;:!?])| {2,}")
_FINAL = re.compile(r"[.!?…]+$")
_FINAL_MARKS = (".", "!", "?", "…")


@dataclass(frozen=True)
class GivenTranslation:
    """A given translation of a piece.

    Attributes:
        spelling: its token sequences
        copied: the text that each placeholder stands for, by its token
        unknown: the texts that UNKs stand for, in order
    """

    spelling: Spelling
    copied: Mapping[int, str]
    unknown: Sequence[str]

    def labels(self, tokens: Sequence[int], target: Vocabulary) -> tuple[str, ...]:
        """What each token of one of the sequences stands for, without END, and END itself."""
        unknown = iter(self.unknown)
        labels = (
            next(unknown, label) if token == UNK else self.copied.get(token, label)
            for token, label in zip(tokens, target.tokens(tokens))
        )
        return (*labels, SPECIALS[END])


class TargetReader:
    """Reads given translations.

    Args:
        source, target: the vocabularies
        spaces: whether the target language writes spaces between sentences
        rewrite_copy: what writing makes of a text that is copied, see `Writer`
    """

    def __init__(
        self, source: Vocabulary, target: Vocabulary, *, spaces: bool, rewrite_copy: Callable[[str], str] = str
    ) -> None:
        self._source, self._target, self._rewrite_copy = source, target, rewrite_copy
        self._final_marks = [mark for mark in _FINAL_MARKS if mark in target.characters] if spaces else []
        self._prefix = " " if target.kind in ("bpe", "unigram") else ""
        self._known, self._pattern = target.characters, word_pattern(target)
        self._surfaces = target.surfaces
        self._by_letters = defaultdict[str, list[int]](list)  # ids
        for i, surface in enumerate(self._surfaces):
            self._by_letters[in_small_letters(surface)].append(i)
        self._longest = max(map(len, self._surfaces))

    def read(self, text: str, piece: Piece) -> GivenTranslation:
        """Read the given translation of a piece, one line in NFC."""
        text, copied, texts = self._with_copies(_PRIVATE.sub(UNKNOWN_CHARACTER, text), piece)
        if self._target.whole_words:
            tokens = zip(self._target.encode(text), self._target.pieces(text))
            return GivenTranslation(
                self._encoded(text), copied, [texts.get(part, part) for i, part in tokens if i == UNK]
            )
        text = self._without_marks(text, piece)
        body, endings = self._endings(text, piece)
        body = self._pattern.sub(lambda word: self._readable(word[0]), body)
        unknown = [
            "".join(texts.get(character, character) for character in run)
            for known, run in groupby(body, self._is_known)
            if not known
        ]
        runs = ((known, "".join(run)) for known, run in groupby(body, self._is_known))
        body = self._prefix + "".join(run if known else UNKNOWN_CHARACTER for known, run in runs)
        spelling = self._spelling(body, endings, _free_case(body, piece)) if text else None
        return GivenTranslation(spelling or self._encoded(text), copied, unknown)

    def readable(self, text: str, piece: Piece) -> str:
        """The beginning of a translation of a piece as the model would write it, with its placeholders."""
        text, _, _ = self._with_copies(_PRIVATE.sub(UNKNOWN_CHARACTER, text), piece)
        if self._target.whole_words:
            return text
        return self._pattern.sub(lambda word: self._readable(word[0]), self._without_marks(text, piece))

    def _encoded(self, text: str) -> Spelling:
        """The vocabulary's own spelling alone."""
        ids = [*self._target.encode(text), END]
        return Spelling([[(token, min(i + 1, len(ids) - 1))] for i, token in enumerate(ids)], len(ids) - 1)

    def _with_copies(self, text: str, piece: Piece) -> tuple[str, dict[int, str], dict[str, str]]:
        """The text with copied texts replaced by their placeholders, or by unknown characters where there is none.

        Returns:
            the text; what placeholders stand for, by their tokens; what unknown characters stand for.
        """
        copied, texts = dict[int, str](), dict[str, str]()
        for number, (position, copy) in enumerate(piece.copies.items()):
            forms = dict.fromkeys((self._rewrite_copy(copy), copy))
            searches = (re.search(rf"(?<!\w){re.escape(form)}(?!\w)", text) for form in forms)
            found = next(filter(None, searches), None)
            if not found:
                continue
            placeholder = piece.ids[position] - self._source.first_placeholder
            if placeholder >= 0:
                character = PLACEHOLDERS[placeholder]
                copied[self._target.first_placeholder + placeholder] = found[0]
            else:
                character = stand_in(number)
                texts[character] = found[0]
            text = text[: found.start()] + character + text[found.end() :]
        return text, copied, texts

    def _without_marks(self, text: str, piece: Piece) -> str:
        """The text without what is put back into a translation, and without quotation marks and brackets."""
        before, start = text, 0
        for mark in piece.marks:
            place = text.find(mark.text, start)
            if place >= 0:
                text, start = text[:place] + text[place + len(mark.text) :], place
        text = without_pairs(text)
        return text if text == before else _SPACED_MARK.sub(_single_space, text).strip()

    def _endings(self, text: str, piece: Piece) -> tuple[str, list[str]]:
        """The text without its final mark, and what the model may have written in its place."""
        found = _FINAL.search(text)
        mark, body = (found[0], text[: found.start()]) if found else ("", text)
        if mark != piece.final_mark or not body or not self._final_marks:
            return text, [""]  # writing would not have left it so
        return body, [*{mark: None, "": None, **dict.fromkeys(self._final_marks)}]

    def _readable(self, word: str) -> str:
        """The first form of a word or sign whose characters are all known; the word itself if there is none."""
        if self._known.issuperset(word) or word.isspace():
            return word
        return next((form for form in readable_forms(word) if self._known.issuperset(form)), word)

    def _is_known(self, character: str) -> bool:
        return character in self._known or character in PLACEHOLDERS

    def _spelling(self, body: str, endings: Sequence[str], free: Container[int]) -> Spelling | None:
        """The graph of spellings, whose places are those of the body and of the beginnings of endings.

        Args:
            body: the text without its ending
            endings: what may follow it, that of the given text first
            free: the offsets of letters of which the model may have written the small or the capital one
        """
        beginnings = sorted({ending[:length] for ending in endings for length in range(len(ending) + 1)})
        places = {beginning: len(body) + i for i, beginning in enumerate(beginnings)}  # "" is the first
        edges: list[list[Edge]] = []
        for start in range(len(body)):
            within = min(self._longest, len(body) - start)
            parts = [(body[start : start + length], start + length) for length in range(1, within + 1)]
            if within == len(body) - start:
                parts += [(body[start:] + beginning, place) for beginning, place in places.items() if beginning]
            edges.append([(token, to) for part, to in parts for token in self._tokens(part, start, free)])
        for beginning in beginnings:
            longer = [other for other in beginnings if other.startswith(beginning) and other != beginning]
            edges.append(
                [
                    (token, places[other])
                    for other in longer
                    for token in self._tokens(other[len(beginning) :], len(body), free)
                ]
            )
            if beginning in endings:
                edges[-1].append((END, places[beginning]))
        return Spelling.of(edges, places[endings[0]])

    def _tokens(self, part: str, start: int, free: Container[int]) -> list[int]:
        """The tokens that may stand for a part of a text, which begins at `start`."""
        if part == UNKNOWN_CHARACTER:
            return [UNK]
        return [
            token
            for token in self._by_letters.get(in_small_letters(part), ())
            if self._surfaces[token] == part
            or all(a == b or i in free for i, (a, b) in enumerate(zip(self._surfaces[token], part), start))
        ]


def _free_case(text: str, piece: Piece) -> set[int]:
    """The offsets of capitals that writing may have made of small letters."""
    if piece.case is Case.TITLE:
        return {match.start() for match in re.finditer(r"[^\W\d_][\w'’]*", text) if match[0][0].isupper()}
    if piece.case is Case.UPPER or piece.capitals:
        shortest = 1 if piece.case is Case.UPPER else 2
        words = [match for match in re.finditer(r"\w+", text) if is_upper(match[0]) and len(match[0]) >= shortest]
        return {offset for word in words for offset in range(*word.span())}
    return set()


def _single_space(found: re.Match[str]) -> str:
    return " " if len(found[0]) > 1 else ""
