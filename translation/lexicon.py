"""A lexicon learned from parallel text: which words of a pair of sentences translate each other.

The measure is Dice's coefficient of two words, 2 c(s, t) / (c(s) + c(t)), where c counts the sentences, or pairs of
sentences, in which they stand (Melamed, 2000, compares such measures). It is enough for augmentation, which needs a few
sure pairs of a sentence and no complete alignment.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import product

PAIRS = 50_000  # of sentences that are counted at most: more would take time and memory, and say the same
LEAST = 3  # pairs of sentences in which two words have to stand together
SURE = 0.3  # of two words whose coefficient is below, nothing is said

_WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")

WordPair = tuple[re.Match[str], re.Match[str]]  # a word of the source, and that of the target


class Lexicon:
    """Counts of words and of pairs of words."""

    def __init__(self, sources: Sequence[str], targets: Sequence[str]) -> None:
        """Count the words of sentences; `targets[i]` translates `sources[i]`."""
        step = max(1, len(sources) // PAIRS)
        self._counts = Counter[str](), Counter[str]()
        together = Counter[tuple[str, str]]()
        for source, target in zip(sources[::step], targets[::step]):
            words = {*map(str.lower, _WORD.findall(source))}, {*map(str.lower, _WORD.findall(target))}
            for counts, found in zip(self._counts, words):
                counts.update(found)
            together.update(product(*words))
        self._together = {pair: count for pair, count in together.items() if count >= LEAST}

    def coefficient(self, source: str, target: str) -> float:
        """Dice's coefficient of two words, 0 to 1."""
        pair = source.lower(), target.lower()
        if pair not in self._together:
            return 0.0
        return 2 * self._together[pair] / (self._counts[0][pair[0]] + self._counts[1][pair[1]])

    def pairs(self, source: str, target: str) -> list[WordPair]:
        """The pairs of words in two sentences that are sure: each is the best partner of the other."""
        words = list(_WORD.finditer(source)), list(_WORD.finditer(target))
        table = [[self.coefficient(one[0], other[0]) for other in words[1]] for one in words[0]]
        found = []
        for row, one in zip(table, words[0]):
            best = max(row, default=0.0)
            column = row.index(best) if row else 0
            if best >= SURE and row.count(best) == 1 and [line[column] >= best for line in table].count(True) == 1:
                found.append((one, words[1][column]))
        return found
