"""Writing, the last stage of a translation: hypotheses to text, with the unknown words of the source put in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING

import numpy as np

from s2s.decoding.results import Sentence, Translation
from s2s.text.tokens import END, UNK
from s2s.text.vocabulary import Vocabulary
from translation.copying import Copies, copy_words
from translation.cutting import CutLine
from translation.inserting import insert_missing_words
from translation.unknown_words import Piece

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from s2s.decoding.search import Hypothesis

_NO_LINE_ENDS = str.maketrans("\n\r", "  ")
_BLANK = Sentence("", 0.0)


@dataclass(frozen=True)
class Writer:
    """Writes the translation of a line from the hypotheses for its pieces.

    Attributes:
        target: the vocabulary of the hypotheses
        n_best: translations of a line at most. Hypotheses may be the same text, in other subwords: only the best of
            them is kept.
        separator: stands between the translated pieces of a line
    """

    target: Vocabulary
    n_best: int
    separator: str

    def write(self, line: CutLine, hypotheses: Sequence[Sequence[Hypothesis]]) -> Translation:
        """The translation of a line; `hypotheses` holds those for each of its pieces, best first.

        A piece without hypotheses is copied as it is.
        """
        pieces = [self._sentences(piece, found) for piece, found in zip(line.pieces, hypotheses, strict=True)]
        if not pieces:
            return Translation((_BLANK,))
        n_best = pieces[0] if len(pieces) == 1 else self._joined(pieces)
        return Translation(tuple(n_best), line.source_tokens, len(pieces))

    def _sentences(self, piece: Piece, hypotheses: Sequence[Hypothesis]) -> list[Sentence]:
        if not hypotheses:
            return [Sentence(_on_one_line(piece.text), 0.0)]
        sentences = (write_hypothesis(hypothesis, piece, self.target) for hypothesis in hypotheses)
        return list(islice(_distinct(sentences), self.n_best))

    def _joined(self, pieces: Sequence[Sequence[Sentence]]) -> Iterator[Sentence]:
        """The n best of a line: the k-th best of each piece joined, or the last one of a piece that has fewer."""
        for rank in range(max(map(len, pieces))):
            chosen = [sentences[min(rank, len(sentences) - 1)] for sentences in pieces]
            text = self.separator.join(sentence.text for sentence in chosen if sentence.text)
            score = sum(sentence.score for sentence in chosen) / len(chosen)
            # No attention: of a line of a megabyte it would be a gigabyte.
            yield Sentence(text, score, tuple(chain.from_iterable(sentence.tokens for sentence in chosen)))


def write_hypothesis(hypothesis: Hypothesis, piece: Piece, target: Vocabulary) -> Sentence:
    """The sentence of one hypothesis for a piece, with the unknown words of the piece put in."""
    tokens, attention = hypothesis.tokens, hypothesis.attention
    labels = target.tokens([*tokens, END] if hypothesis.finished else tokens)
    if attention is not None:
        attention = np.asarray(attention)[:, : len(piece.ids) + 1]  # (tokens, source tokens): without padding
    if attention is None or not (piece.unknown_words or UNK in tokens):
        text = target.decode(tokens)
    else:
        copies = copy_words(tokens, attention, piece, known_words=target.kind == "word")
        text = _with_copies(tokens, attention, copies, piece, target)
        unknown = [step for step, token in enumerate(tokens) if token == UNK]
        for step, word in zip(unknown, copies.words):
            labels[step] = word or labels[step]
    return Sentence(_on_one_line(text), hypothesis.score, tuple(labels), attention)


def _with_copies(
    tokens: Sequence[int], attention: NDArray[np.float32], copies: Copies, piece: Piece, target: Vocabulary
) -> str:
    """The text of a hypothesis with its copies; if tokens are smaller than words, with the missing words too."""
    if target.kind == "word":
        return target.decode(tokens, copies.words)
    text = insert_missing_words(tokens, attention, copies, piece, target)
    if "" in copies.words:  # a token that was dropped leaves the spaces on both sides of it
        text = re.sub(" {2,}", " ", text)
    return text


def _on_one_line(text: str) -> str:
    r"""The text without line ends: `\r` may have been copied from the source."""
    return text.translate(_NO_LINE_ENDS).strip()


def _distinct(sentences: Iterable[Sentence]) -> Iterator[Sentence]:
    """The first sentence of each text."""
    texts = set[str]()
    for sentence in sentences:
        if sentence.text not in texts:
            texts.add(sentence.text)
            yield sentence
