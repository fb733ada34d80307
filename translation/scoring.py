"""Scoring: the log-probabilities that a model gives to translations that somebody else wrote.

A line is cut into its sentences as for translating, and so is its translation. If both have equally many, each sentence
is scored by itself, else the whole line at once. A sentence is read as for translating and scored under the same
constraint, so that a translation that a search found gets the score of that search.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from s2s.decoding.forced import Forced, force_all
from s2s.decoding.results import Sentence
from s2s.text.padding import pad
from s2s.text.tokens import END
from translation.alignment import Links, align_line
from translation.batching import length_batches
from translation.cutting import CutLine, cut, sentence_offsets
from translation.reading import Reader
from translation.searching import MAX_LOG_PROBABILITIES, Searcher
from translation.target_reading import TargetReader, TargetTokens


@dataclass(frozen=True)
class ScoredTranslation:
    """What a model gives to a translation of a line.

    Attributes:
        log_probability: of all tokens, a natural logarithm; None if the model was not asked: one side is blank, or the
            line holds nothing to translate
        score: log_probability / length ** length_penalty, as search scores; the mean of a line's sentences
        tokens: one label for each token, `</s>` at the end of each sentence
        log_probabilities: one for each token
        alignment: as that of a `Translation`
    """

    log_probability: float | None = None
    score: float | None = None
    tokens: tuple[str, ...] = ()
    log_probabilities: tuple[float, ...] = ()
    alignment: Links | None = field(default=None, compare=False)


@dataclass(frozen=True)
class _Pair:
    """A line and its translation in equally many pieces.

    Attributes:
        line: the line
        text: its translation, in NFC
        pieces: those of the translation
        between: the text before the first of these, between each two, and after the last
        given: the tokens of each piece of the translation; None for one whose line's piece is not translatable
    """

    line: CutLine
    text: str
    pieces: Sequence[str]
    between: Sequence[str]
    given: Sequence[TargetTokens | None]


class Scorer:
    """Scores given translations.

    Args:
        searcher: of the translator
        reader: of its sources
        max_source_length: in tokens; longer sentences are cut, as for translating
        language: of the translations, a code
    """

    def __init__(self, searcher: Searcher, reader: Reader, max_source_length: int, language: str) -> None:
        self._searcher, self._reader, self._limit, self._language = searcher, reader, max_source_length, language
        self._targets = TargetReader(searcher.source, searcher.target)

    def score(self, lines: Sequence[str], translations: Sequence[str], *, align: bool = False) -> list[ScoredTranslation]:
        """Score the translation of each line, and link their words if `align` says so.

        Raises:
            UserError: the words are to be linked, and the model has no attention.
        """
        cut_lines = cut(lines, self._reader, self._limit)
        pairs = [self._pair(*pair) for pair in zip(cut_lines, translations, strict=True)]
        asked = [
            (piece.ids, given.ids) for pair in pairs for piece, given in zip(pair.line.pieces, pair.given) if given
        ]
        found = iter(self._force(asked, attention=align))
        return [self._scored(pair, found, align=align) for pair in pairs]

    def _pair(self, line: CutLine, translation: str) -> _Pair:
        text = unicodedata.normalize("NFC", translation).strip("\r\n")
        spans = sentence_offsets(text, self._language)
        if not (line.pieces and spans):
            return _Pair(CutLine((), (line.text,)), text, (), (text,), ())
        if len(line.pieces) != len(spans):
            line, spans = self._whole(line.text), [_stripped(text)]
        pieces = [text[start:end] for start, end in spans]
        starts, ends = [*(start for start, _ in spans), len(text)], [0, *(end for _, end in spans)]
        between = [text[end:start] for end, start in zip(ends, starts)]
        given = [
            self._targets.read(own, piece) if piece.translatable else None for own, piece in zip(pieces, line.pieces)
        ]
        return _Pair(line, text, pieces, between, given)

    def _whole(self, line: str) -> CutLine:
        """The line as a single piece."""
        start, end = _stripped(line)
        return CutLine(tuple(self._reader.read_all([line[start:end]])), (line[:start], line[end:]))

    def _force(self, asked: Sequence[tuple[list[int], list[int]]], *, attention: bool) -> list[Forced]:
        """Score token ids: of each source without END, and of its translation with it."""
        searcher, network = self._searcher, self._searcher.network
        lengths = [max(map(len, pair)) for pair in asked]
        sentences = max(1, MAX_LOG_PROBABILITIES // len(searcher.target))
        batches = length_batches(lengths, tokens=searcher.batch_tokens, sentences=sentences)

        def force_batch(rows: list[int]) -> list[Forced]:
            sources, targets = zip(*(asked[row] for row in rows))
            padded = pad([[*ids, END] for ids in sources]).moved(network.array)
            needed = [[token for token in ids if token >= searcher.target.first_placeholder] for ids in targets]
            constraint = searcher.write_once(needed) if any(needed) else None
            return force_all(network, padded, targets, constraint=constraint, attention=attention)

        found = dict[int, Forced]()
        for rows, forced in zip(batches, network.map(force_batch, batches)):
            found.update(zip(rows, forced))
        return [found[row] for row in range(len(asked))]

    def _scored(self, pair: _Pair, found: Iterator[Forced], *, align: bool) -> ScoredTranslation:
        """Take the results of a pair's pieces, and put them together."""
        forced = [next(found) if given else None for given in pair.given]
        scored = [each for each in forced if each]
        links = None
        if align:
            sentences = [
                _sentence(text, given, each, len(piece.ids) + 1)
                for text, given, each, piece in zip(pair.pieces, pair.given, forced, pair.line.pieces)
            ]
            links = align_line(pair.line, pair.text, sentences, pair.between)
        if not scored:
            return ScoredTranslation(alignment=links)
        penalty = self._searcher.options.length_penalty
        return ScoredTranslation(
            math.fsum(each.log_probability for each in scored),
            math.fsum(each.score(penalty) for each in scored) / len(scored),
            tuple(label for given in pair.given if given for label in given.labels),
            tuple(value for each in scored for value in each.log_probabilities),
            links,
        )


def _sentence(text: str, given: TargetTokens | None, forced: Forced | None, positions: int) -> Sentence:
    """A given sentence as if it had been written, with attention to so many positions of its source."""
    if given is None or forced is None:
        return Sentence(text, 0.0)
    weights = None if forced.attention is None else forced.attention[:, :positions]  # without padding
    return Sentence(text, 0.0, given.labels, weights)


def _stripped(text: str) -> tuple[int, int]:
    """Where the text without white space at its ends stands."""
    start = len(text) - len(text.lstrip())
    return start, start + len(text.strip())
