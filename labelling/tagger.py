"""`Tagger`: sentences of words to one tag a word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labelling.configuration import TAGGER
from labelling.engine import LabellingEngine, SentenceScores
from labelling.labeller import Labeller
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
        """Tag sentences, in order; one without words has no tags."""
        scores = self._scores([words for words in sentences if words])
        return [self._tagging(words, next(scores)) if words else Tagging((), (), (), ()) for words in sentences]

    def _tagging(self, words: Sequence[str], scores: SentenceScores) -> Tagging:
        best = self._best_tags(scores.log_probabilities)
        labels = tuple(self.labels[i] for i in best)
        probabilities = np.exp(scores.log_probabilities[np.arange(len(best)), best]).tolist()
        config = self.engine.assets.config
        try:
            tags = tuple(converted(labels, config.scheme, config.written_scheme))
        except SchemeError:  # the labels of the model allow no tags that follow the scheme
            tags = labels
        return Tagging(tuple(words), tags, labels, tuple(probabilities))
