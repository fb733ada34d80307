"""`Tagger`: sentences of words to one tag a word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labelling.configuration import TAGGER
from labelling.engine import LabellingEngine, SentenceScores
from labelling.labeller import LONGEST, Labeller
from labelling.schemes import BestTags, SchemeError, converted


@dataclass(frozen=True)
class Tagging:
    """The tags of a sentence.

    Attributes:
        words: of the sentence
        tags: of each word, in the scheme of the files that the model was trained on
        labels: the same in the scheme that the model learned
        probabilities: of each label by itself, 0 to 1
    """

    words: tuple[str, ...]
    tags: tuple[str, ...]
    labels: tuple[str, ...]
    probabilities: tuple[float, ...]


class Tagger(Labeller):
    """A tagger: `Tagger.load("RUN/best").tag([["A", "dog", "sleeps"]])[0].tags`."""

    kind = TAGGER

    def __init__(self, engine: LabellingEngine) -> None:
        super().__init__(engine)
        self._best_tags = BestTags(self.labels, engine.assets.config.scheme)

    def tag(self, sentences: Sequence[Sequence[str]]) -> list[Tagging]:
        """Tag sentences, in order; one without words has no tags, and one of more than `LONGEST` is read in pieces."""
        pieces = [[words[start : start + LONGEST] for start in range(0, len(words), LONGEST)] for words in sentences]
        scores = self._scores([piece for each in pieces for piece in each])
        return [
            self._tagging(words, [next(scores) for _ in own]) if own else Tagging((), (), (), ())
            for words, own in zip(sentences, pieces)
        ]

    def _tagging(self, words: Sequence[str], scores: Sequence[SentenceScores]) -> Tagging:
        log_probabilities = np.concatenate([each.log_probabilities for each in scores])
        best = self._best_tags(log_probabilities)
        labels = tuple(self.labels[i] for i in best)
        probabilities = np.exp(log_probabilities[np.arange(len(best)), best]).tolist()
        config = self.engine.assets.config
        try:
            tags = tuple(converted(labels, config.scheme, config.written_scheme))
        except SchemeError:  # the labels of the model allow no tags that follow the scheme
            tags = labels
        return Tagging(tuple(words), tags, labels, tuple(probabilities))
