"""Two figures about a model's attention: how widely it spreads, and how much it changes from word to word."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import log2
from statistics import fmean

import numpy as np
from numpy.typing import ArrayLike

from s2s.views.attention_view import entropy


@dataclass(frozen=True)
class Spread:
    """How widely the attention of words spreads, and how much it changes: means over words.

    Attributes:
        entropy: in bits, see `entropy`
        highest: the entropy of equal weights on all positions, in bits
        variation: the share of a word's weight that the next word puts on other positions: 0 if both attend alike, 1
            if no position has weight from both
    """

    entropy: float
    highest: float
    variation: float

    def __str__(self) -> str:
        width = f"{self.entropy:.2f} of at most {self.highest:.2f} bits"
        return f"attention of a word: {width}, {self.variation:.0%} of it elsewhere at the next word"


def measure_spread(attentions: Iterable[ArrayLike]) -> Spread:
    """The spread over the words of many sentences.

    Args:
        attentions: of each sentence, (words, positions); a position without weight from any word counts as padding
    """
    entropies, highest, variations = list[float](), list[float](), list[float]()
    for attention in attentions:
        weights = np.asarray(attention, np.float64)
        entropies += map(entropy, weights.tolist())
        highest += [log2(max(1, int(weights.any(0).sum())))] * len(weights)
        variations += (np.abs(np.diff(weights, axis=0)).sum(1) / 2).tolist()
    return Spread(*(fmean(values or [0.0]) for values in (entropies, highest, variations)))
