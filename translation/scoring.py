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

from s2s.decoding.forced import ScoredTokens, spell_all
from s2s.decoding.results import Sentence
from s2s.decoding.spelling import Spelling
from s2s.text.padding import pad
from s2s.text.tokens import END
from translation.alignment import Links, align_line
from translation.batching import length_batches
from translation.cutting import CutLine, cut, sentence_offsets
from translation.reading import Reader
from translation.searching import MAX_LOG_PROBABILITIES, SPELLING_WIDTH, Searcher
from translation.target_reading import GivenTranslation, TargetReader

_LONGEST = 2000  # letters of a sentence whose spellings are compared: of a longer one the fewest tokens count


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
        given: what each piece of the translation is read as; None if the line's piece is not translatable
    """

    line: CutLine
    text: str
    pieces: Sequence[str]
    between: Sequence[str]
    given: Sequence[GivenTranslation | None]


class Scorer:
    """Scores given translations.

    Args:
        searcher: of the translator
        reader: of its sources
        target_reader: of given translations
        max_source_length: in tokens; longer sentences are cut, as for translating
        language: of the translations, a code
    """

    def __init__(
        self, searcher: Searcher, reader: Reader, target_reader: TargetReader, max_source_length: int, language: str
    ) -> None:
        self._searcher, self._reader, self._targets = searcher, reader, target_reader
        self._limit, self._language = max_source_length, language

    def score(
        self, lines: Sequence[str], translations: Sequence[str], *, width: int = SPELLING_WIDTH, align: bool = False
    ) -> list[ScoredTranslation]:
        """Score the translation of each line, and link their words if `align` says so.

        Args:
            lines: of the source
            translations: one for each
            width: of the beam that looks for the likeliest spelling of a translation; 1 takes the fewest tokens
            align: whether the words are linked

        Raises:
            UserError: the words are to be linked, and the model has no attention.
        """
        cut_lines = cut(lines, self._reader, self._limit)
        pairs = [self._pair(*pair) for pair in zip(cut_lines, translations, strict=True)]
        asked = [(piece.ids, given) for pair in pairs for piece, given in zip(pair.line.pieces, pair.given) if given]
        found = iter(self._force(asked, width, attention=align))
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

    def _force(
        self, asked: Sequence[tuple[list[int], GivenTranslation]], width: int, *, attention: bool
    ) -> list[ScoredTokens]:
        """Find the likeliest tokens of each source's given translation, and score them."""
        network = self._searcher.network
        batches = self._batches(asked, width)

        def force_batch(rows: list[int]) -> list[ScoredTokens]:
            sources, given = zip(*(asked[row] for row in rows))
            needed = [self._placeholders(each.spelling) for each in given]
            constraint = self._searcher.write_once(needed) if any(needed) else None
            return spell_all(
                network,
                pad([[*ids, END] for ids in sources]).moved(network.array),
                [each.spelling for each in given],
                1 if _is_long(asked[rows[0]]) else width,
                constraint=constraint,
                attention=attention,
            )

        found = dict[int, ScoredTokens]()
        for rows, forced in zip(batches, network.map(force_batch, batches)):
            found.update(zip(rows, forced))
        return [found[row] for row in range(len(asked))]

    def _batches(self, asked: Sequence[tuple[list[int], GivenTranslation]], width: int) -> list[list[int]]:
        """Batches of pairs, by number; long pairs get batches of their own, so that no neighbour changes a score."""
        sentences = max(1, MAX_LOG_PROBABILITIES // (width * len(self._searcher.target)))
        batches = list[list[int]]()
        for long in (True, False):
            numbers = [i for i, pair in enumerate(asked) if _is_long(pair) == long]
            lengths = [max(len(ids), len(given.spelling.edges)) for ids, given in (asked[i] for i in numbers)]
            found = length_batches(lengths, tokens=self._searcher.batch_tokens // width, sentences=sentences)
            batches += [[numbers[i] for i in batch] for batch in found]
        return batches

    def _placeholders(self, spelling: Spelling) -> list[int]:
        """The placeholders that a translation holds."""
        first = self._searcher.target.first_placeholder
        return [token for edges in spelling.edges for token, _ in edges if token >= first]

    def _scored(self, pair: _Pair, found: Iterator[ScoredTokens], *, align: bool) -> ScoredTranslation:
        """Take the results of a pair's pieces, and put them together."""
        sentences, scored = list[Sentence](), list[ScoredTokens]()
        for text, given, piece in zip(pair.pieces, pair.given, pair.line.pieces):
            if given is None:
                sentences.append(Sentence(text, 0.0))
                continue
            forced = next(found)
            weights = None if forced.attention is None else forced.attention[:, : len(piece.ids) + 1]  # without padding
            sentences.append(Sentence(text, 0.0, given.labels(forced.tokens, self._searcher.target), weights))
            scored.append(forced)
        links = align_line(pair.line, pair.text, sentences, pair.between) if align else None
        if not scored:
            return ScoredTranslation(alignment=links)
        penalty = self._searcher.options.length_penalty
        return ScoredTranslation(
            math.fsum(each.log_probability for each in scored),
            math.fsum(each.score(penalty) for each in scored) / len(scored),
            tuple(label for sentence in sentences for label in sentence.tokens),
            tuple(value for each in scored for value in each.log_probabilities),
            links,
        )


def _is_long(pair: tuple[list[int], GivenTranslation]) -> bool:
    return len(pair[1].spelling.edges) > _LONGEST


def _stripped(text: str) -> tuple[int, int]:
    """Where the text without white space at its ends stands."""
    start = len(text) - len(text.lstrip())
    return start, start + len(text.strip())
