"""BPE in which merges are left out at random (Provilkov et al. 2020, algorithm 1): one word, seen in many cuts."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from math import inf, log, log1p
from random import Random

from s2s.text.tokens import PAD, UNK


class MergeDropout:
    """Leaves out each merge with a probability, by drawing how many go through before the next one that does not
    (geometric): for most words one comparison settles all their merges.
    """

    def __init__(self, probability: float, seed: int) -> None:
        self._random = Random(seed)
        self._log_kept = log1p(-probability) if probability < 1 else -inf
        self._draw()

    def _draw(self) -> None:
        self._passing = log(1 - self._random.random()) // self._log_kept if self._log_kept else inf

    def passes(self, merges: int) -> bool:
        """Whether the next `merges` all go through; if not, none of them is used up."""
        if self._passing < merges:
            return False
        self._passing -= merges
        return True

    def keeps(self) -> bool:
        """Whether the next merge goes through."""
        kept = self.passes(1)
        if not kept:
            self._draw()
        return kept


def encode_word(word: str, ids: Mapping[str, int], chance: MergeDropout) -> tuple[list[int], int]:
    """The ids of `word` after BPE with dropout, and how many merges it took. Pieces were learned in the order of their
    ids, so the lowest id merges first, the leftmost of equals.
    """
    symbols = list(word)
    merged = [ids.get(left + right, inf) for left, right in pairwise(symbols)]
    left_out: list[tuple[int, float]] = []
    while (best := min(merged, default=inf)) < inf:
        at = merged.index(best)
        if not chance.keeps():
            left_out.append((at, best))
            merged[at] = inf
            continue
        for position, piece in left_out:  # for this step only
            merged[position] = piece
        left_out.clear()
        symbols[at : at + 2] = [symbols[at] + symbols[at + 1]]
        del merged[at]
        for position in range(max(at - 1, 0), min(at + 1, len(merged))):
            merged[position] = ids.get(symbols[position] + symbols[position + 1], inf)
    found = [ids.get(symbol, UNK) for symbol in symbols]
    runs = [i for i, before in zip(found, [PAD, *found]) if not i == before == UNK]  # one UNK a run, as encode has it
    return runs, len(word) - len(symbols)
