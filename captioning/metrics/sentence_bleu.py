"""BLEU-4 of a single caption against the captions of its picture, smoothed; a reward for training."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from functools import lru_cache

_ORDERS = range(1, 5)
_REMEMBERED = 16_384  # pictures whose references are kept as counts

Counts = dict[tuple[Hashable, ...], int]


class SentenceBleu:
    """BLEU-4 (Papineni et al., 2002) with 1 added to matches and totals of all orders above one (Lin & Och, 2004).

    Args:
        references: for each picture its tokenised references, at least one
    """

    def __init__(self, references: Sequence[Sequence[Sequence[Hashable]]]) -> None:
        self._references = references
        self._most = lru_cache(_REMEMBERED)(self._read)

    def score(self, picture: int, words: Sequence[Hashable]) -> float:
        """BLEU-4 of one tokenised caption of the picture with this number, 0 to 1."""
        if not words:
            return 0.0
        most, lengths = self._most(picture)
        logarithm = 0.0
        for order, allowed in zip(_ORDERS, most):
            counts = _counts(words, order)
            right = sum(min(count, allowed.get(ngram, 0)) for ngram, count in counts.items())
            total, added = max(len(words) - order + 1, 0), order > 1
            if not right + added:
                return 0.0
            logarithm += math.log((right + added) / (total + added))
        closest = min(lengths, key=lambda length: (abs(length - len(words)), length))
        brevity = min(0.0, 1 - closest / len(words))
        return math.exp(logarithm / len(_ORDERS) + brevity)

    def _read(self, picture: int) -> tuple[list[Counts], list[int]]:
        """For each order the most often that a reference has each n-gram; and the references' lengths."""
        references = self._references[picture]
        most: list[Counts] = []
        for order in _ORDERS:
            of_order: Counts = {}
            for reference in references:
                for ngram, count in _counts(reference, order).items():
                    of_order[ngram] = max(count, of_order.get(ngram, 0))
            most.append(of_order)
        return most, [len(reference) for reference in references]


def _counts(words: Sequence[Hashable], order: int) -> Counter[tuple[Hashable, ...]]:
    return Counter(zip(*(words[first:] for first in range(order))))
