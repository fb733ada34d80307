"""Pairs: sentences as a translator reads them, and translations as its decoder reads them, its own or given ones.

A line is read as one sentence, as `translate` reads a sentence: addresses, numbers and the like are placeholders.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from s2s.decoding.search import BeamOptions, Hypothesis
from s2s.errors import check
from s2s.nn.precision import choose_device, use_threads
from s2s.text.languages import writes_spaces
from s2s.text.tokens import END, SPECIALS, START
from s2s.text.vocabulary import Vocabulary
from translation.model import TranslationModel
from translation.piece import Piece
from translation.reading import Reader
from translation.target_reading import TargetReader
from translation.translator import Translator
from translation.writing import Writer


@dataclass(frozen=True)
class Pair:
    """A sentence and the translation that the decoder reads.

    Attributes:
        source, target: token ids; END is the last one, but of a translation that search did not end
        source_pieces, target_pieces: the part of the text that each token is, empty for END
    """

    source: list[int]
    target: list[int]
    source_pieces: list[str]
    target_pieces: list[str]

    @property
    def read(self) -> list[int]:
        """The tokens that the decoder reads: START, and the target without its last token."""
        return [START, *self.target[: -1 if self.target[-1:] == [END] else None]]


class PairReader:
    """Reads pairs for a translation model.

    Args:
        model: on its device, in evaluation mode
        width: of the beam that finds the model's own translations
    """

    def __init__(self, model: TranslationModel, width: int) -> None:
        self.model, config, engine = model, model.config, model.engine("float32")
        self.array = engine.network.array
        self._searcher = Translator(engine, BeamOptions(width=width, stop_early=True)).searcher
        self._reader = Reader(model.source, config.source_language, config.rare_characters)
        spaces = writes_spaces(config.target_language) or model.target.whole_words
        self._writer = Writer(model.source, model.target, 1, spaces)
        self._targets = TargetReader(model.source, model.target, spaces=spaces)

    @classmethod
    def load(cls, directory: Path, width: int, device: str = "auto", threads: int | None = None) -> Self:
        """Load a model; raises `UserError` if it is missing or damaged, or the device is not available."""
        use_threads(threads)
        chosen, model = choose_device(device), TranslationModel.load(directory)
        model.network.to(chosen)
        return cls(model, width)

    def pairs(self, lines: Sequence[str], targets: Sequence[str] | None = None) -> list[Pair]:
        """The pairs of the lines that hold something to translate.

        Args:
            lines: one sentence each
            targets: a translation of each line, or None for the model's own; a line with a blank one is left out

        Raises:
            UserError: there is no such line.
        """
        pieces = self._reader.read_all([unicodedata.normalize("NFC", line).strip() for line in lines])
        if targets is None:
            searched = zip(pieces, self._searcher.search(pieces))
            found = [self._own(piece, hypotheses[0]) for piece, hypotheses in searched if hypotheses]
        else:
            given = zip(pieces, targets, strict=True)
            found = [self._given(*each) for each in given if each[0].translatable and each[1].strip()]
        check(found, "the text holds nothing to translate; give at least one sentence")
        return found

    def _own(self, piece: Piece, hypothesis: Hypothesis) -> Pair:
        """A piece and what search found."""
        labels = self._writer.write_hypothesis(hypothesis, piece).tokens
        return self._pair(piece, [*hypothesis.tokens, *[END] * hypothesis.finished], labels)

    def _given(self, piece: Piece, target: str) -> Pair:
        """A piece and a given translation, in the fewest tokens."""
        given = self._targets.read(unicodedata.normalize("NFC", target).strip(), piece)
        ids = [token for token, _ in given.spelling.shortest()]
        return self._pair(piece, ids, given.labels(ids[:-1], self.model.target))

    def _pair(self, piece: Piece, target: list[int], labels: Sequence[str]) -> Pair:
        source = [*piece.ids, END]
        shown = [_pieces(*each) for each in ((piece.source_tokens, self.model.source), (labels, self.model.target))]
        return Pair(source, target, *shown)


def _pieces(labels: Sequence[str], vocabulary: Vocabulary) -> list[str]:
    """The text that each label adds to a line: copied texts and words of a vocabulary of words take a space before."""
    starts = set(vocabulary.surfaces) if not vocabulary.whole_words else set()
    parts = [label if label in starts or vocabulary.kind == "character" else f" {label}" for label in labels]
    parts[0] = parts[0].removeprefix(" ")
    return ["" if label == SPECIALS[END] else part for label, part in zip(labels, parts)]
