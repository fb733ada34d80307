"""Prefixes of translations: what the user wants a line's translation to begin with, as tokens of the model.

A prefix is read as a translation that somebody else wrote: texts that are copied become their placeholders, and what
writing puts back, such as quotation marks, is left out (translation/target_reading.py). In a line of several sentences,
each sentence of the prefix belongs to one of the line, and all but the last are whole.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from s2s.decoding.prefix import Prefix, PrefixSpeller
from s2s.decoding.results import Sentence, Translation
from s2s.errors import check, counted
from s2s.text.casing import Case
from s2s.text.sentences import sentence_spans
from s2s.text.vocabulary import Vocabulary
from translation.cutting import CutLine
from translation.piece import Piece
from translation.target_reading import TargetReader


class PrefixReader:
    """Reads prefixes.

    Args:
        reader: of given translations
        target: the vocabulary
        language: of the target, a code
    """

    def __init__(self, reader: TargetReader, target: Vocabulary, language: str) -> None:
        self._reader, self._language, self._speller = reader, language, PrefixSpeller(target)

    def read(self, prefix: str, line: CutLine) -> CutLine:
        """The line with a prefix for each of its pieces; without any if the model cannot write them."""
        text = _normal(prefix)
        mark = line.between[0].strip()  # of a list, which the translation begins with anyway
        if mark and text.startswith(mark):
            text = text[len(mark) :].lstrip()
        if not text.strip() or not line.pieces:
            return line
        parts = self._parts(text, len(line.pieces))
        prefixes = [self._of_piece(part, piece, part is not parts[-1]) for part, piece in zip(parts, line.pieces)]
        found = [prefix for prefix in prefixes if prefix is not None]
        if len(found) < len(parts):
            return line
        rest = [Prefix()] * (len(line.pieces) - len(found))
        pieces = (replace(piece, prefix=each) for piece, each in zip(line.pieces, [*found, *rest]))
        return replace(line, pieces=tuple(pieces))

    def _parts(self, text: str, pieces: int) -> list[str]:
        """The sentences of a prefix, at most so many; the last one keeps what it ends with."""
        starts = [start for start, _ in sentence_spans(text, self._language)][:pieces]
        ends = [*starts[1:], len(text)]
        parts = [text[start:end] for start, end in zip(starts, ends)]
        return [*(part.rstrip() for part in parts[:-1]), parts[-1]]

    def _of_piece(self, text: str, piece: Piece, whole: bool) -> Prefix | None:
        if not piece.translatable:
            return Prefix() if piece.untranslated.startswith(text.rstrip()) else None
        readable = self._reader.readable(text, piece)
        # A space, or a quotation mark that is left out, says that the last word is complete.
        complete = text[-1:].isspace() or text[-1:] != readable[-1:]
        text = f"{readable.strip()}{' ' * complete}"
        return self._speller.spell(text, folded=piece.case is not Case.MIXED, whole=whole)


def begins(translation: str, prefix: str, line: CutLine) -> bool:
    """Whether a translation begins with its prefix, spaces aside."""
    written, wanted = "".join(_normal(translation).split()), "".join(_normal(prefix).split())
    mark = "".join(line.between[0].split())
    return written.startswith(wanted) or (written.startswith(mark) and written[len(mark) :].startswith(wanted))


def in_own_letters(translation: Translation, prefix: str) -> Translation:
    """The translation with its prefix in the letters of the user, where capitals of the source have changed them."""
    wanted = _normal(prefix)

    def restored(sentence: Sentence) -> Sentence:
        same = sentence.text[: len(wanted)].casefold() == wanted.casefold()
        return replace(sentence, text=wanted + sentence.text[len(wanted) :]) if same else sentence

    return replace(translation, n_best=tuple(map(restored, translation.n_best)))


def checked_prefixes(prefixes: Sequence[str], lines: int) -> Sequence[str]:
    """The prefixes of so many lines. Raises a UserError unless there is one string for each line."""
    single = isinstance(prefixes, str) or not all(isinstance(prefix, str) for prefix in prefixes)
    check(not single, "prefixes are a list of strings, one for each line; an empty one asks for nothing")
    check(
        len(prefixes) == lines,
        f"{counted(len(prefixes), 'prefix', 'prefixes')} for {counted(lines, 'line')}: give one for each line",
    )
    return prefixes


def _normal(text: str) -> str:
    return unicodedata.normalize("NFC", text).lstrip()
