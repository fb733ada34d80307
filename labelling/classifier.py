"""`Classifier`: lines of text to one label each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from labelling.configuration import CLASSIFIER
from labelling.doubts import doubts
from labelling.engine import SentenceScores
from labelling.labeller import LONGEST, Labeller
from s2s.text.tokens import UNK
from s2s.text.word_marks import words_of


@dataclass(frozen=True)
class Classification:
    """The label of a line.

    Attributes:
        label: the likeliest
        probability: its probability, 0 to 1
        probabilities: of all labels
        words: of the line, as the model reads them: of a line of more than `LONGEST` the first
        attention: the weight of each word; None if the model does not read by attention
        left_out: how many words of the line were not read
        reasons: why the label is doubtful (labelling/doubts.py); empty if it is not
    """

    label: str
    probability: float
    probabilities: Mapping[str, float]
    words: tuple[str, ...]
    attention: tuple[float, ...] | None = None
    left_out: int = 0
    reasons: tuple[str, ...] = ()

    @property
    def doubtful(self) -> bool:
        """Whether the label may well be wrong."""
        return bool(self.reasons)


class Classifier(Labeller):
    """A classifier: `Classifier.load("RUN/best").classify(["A fine film."])[0].label`."""

    kind = CLASSIFIER

    def classify(self, lines: Sequence[str]) -> list[Classification | None]:
        """Classify lines; None for a blank line."""
        tokenise = self.engine.assets.config.tokenise
        return self.classify_words([words_of(line, tokenise=tokenise) for line in lines])

    def classify_words(self, sentences: Sequence[Sequence[str]]) -> list[Classification | None]:
        """Classify sentences that are already split into words; None for a sentence without words."""
        read = [words[:LONGEST] for words in sentences]
        scores = self._scores([words for words in read if words])
        return [
            self._classification(words, next(scores), len(sentence) - len(words)) if words else None
            for sentence, words in zip(sentences, read)
        ]

    def _classification(self, words: Sequence[str], scores: SentenceScores, left_out: int) -> Classification:
        probabilities = np.exp(scores.log_probabilities.astype(np.float64))
        probabilities /= probabilities.sum()
        best = int(scores.log_probabilities.argmax())
        attention = None if scores.attention is None else tuple(map(float, scores.attention))
        by_label = dict(zip(self.labels, probabilities.tolist()))
        label = self.labels[best]
        (ids,) = self.engine.assets.ids([words])
        reasons = doubts(by_label, len(words), ids.count(UNK))
        return Classification(label, by_label[label], by_label, tuple(words), attention, left_out, reasons)
