"""BPE-dropout (Provilkov et al., 2020, algorithm 1): BPE that skips merges at random, so that pieces of a word vary."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from math import inf, log, log1p
from random import Random

from s2s.text.tokens import PAD, UNK


class MergeDropout:
    """Decides for each merge whether it is skipped, with a fixed probability.

    It draws the number of merges until the next skip (a geometric distribution) instead of one number per merge, so
    that one comparison decides about all merges of most words.
    """

    def __init__(self, probability: float, seed: int) -> None:
        self._random = Random(seed)
        self._log_kept = log1p(-probability) if probability < 1 else -inf  # log of the probability that a merge is kept
        self._draw()

    def _draw(self) -> None:
        self._passing = log(1 - self._random.random()) // self._log_kept if self._log_kept else inf

    def passes(self, merges: int) -> bool:
        """Whether the next `merges` merges are all kept; if not, the decisions about them are still to come."""
        if self._passing < merges:
            return False
        self._passing -= merges
        return True

    def keeps(self) -> bool:
        """Whether the next merge is kept."""
        kept = self.passes(1)
        if not kept:
            self._draw()
        return kept


def encode_word(word: str, ids: Mapping[str, int], dropout: MergeDropout) -> tuple[list[int], int]:
    """Return the ids of `word` after BPE with dropout, and the number of merges.

    Pieces were learned in the order of their ids, so the pair with the lowest id is merged first, and of equal pairs
    the leftmost one.

    Args:
        word: the text of a word.
        ids: the id of each piece.
        dropout: decides which merges are skipped.
    """
    symbols = list(word)
    merged = [ids.get(left + right, inf) for left, right in pairwise(symbols)]
    skipped: list[tuple[int, float]] = []
    while (best := min(merged, default=inf)) < inf:
        at = merged.index(best)
        if not dropout.keeps():
            skipped.append((at, best))
            merged[at] = inf
            continue
        for position, piece in skipped:  # a merge is skipped for one step only
            merged[position] = piece
        skipped.clear()
        symbols[at : at + 2] = [symbols[at] + symbols[at + 1]]
        del merged[at]
        for position in range(max(at - 1, 0), min(at + 1, len(merged))):
            merged[position] = ids.get(symbols[position] + symbols[position + 1], inf)
    found = [ids.get(symbol, UNK) for symbol in symbols]
    runs = [i for i, before in zip(found, [PAD, *found]) if not i == before == UNK]  # one UNK per run, as in `encode`
    return runs, len(word) - len(symbols)
