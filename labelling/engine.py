"""What an engine gives to `Classifier` and `Tagger`, whichever computes: PyTorch or ONNX Runtime."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from labelling.assets import Assets
from s2s.text.padding import Padded


class SentenceScores(NamedTuple):
    """What the network says of a sentence.

    Attributes:
        log_probabilities: (labels,) of a classifier, (words, labels) of a tagger; natural logarithms
        attention: (words,) of a classifier that reads by attention; else None
    """

    log_probabilities: NDArray[np.float32]
    attention: NDArray[np.float32] | None = None


class Scorer(Protocol):
    """The network of an engine."""

    def __call__(self, batch: Padded) -> list[SentenceScores]:
        """Sentences as NumPy arrays -> the scores of each."""
        ...


@dataclass(frozen=True)
class LabellingEngine:
    """A model that is ready to label.

    Attributes:
        assets: what it reads by
        scorer: the network
        precision: of its matrix products, or of its stored weights
    """

    assets: Assets
    scorer: Scorer
    precision: str

    def scores(self, sentences: Sequence[Sequence[str]], batch_words: int) -> Iterator[SentenceScores]:
        """The scores of sentences of at least one word each, in order.

        Args:
            sentences: of words
            batch_words: of a batch, with its padding; sentences of like lengths share one
        """
        ids = self.assets.ids(sentences)
        found: dict[int, SentenceScores] = {}
        for rows in _batches([len(sentence) for sentence in sentences], batch_words):
            batch = self.assets.batch([sentences[i] for i in rows], [ids[i] for i in rows])
            found.update(zip(rows, self.scorer(batch), strict=True))
        return (found[i] for i in range(len(sentences)))


def _batches(lengths: Sequence[int], words: int) -> Iterator[list[int]]:
    batch: list[int] = []
    for i in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[i] > words:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch
