"""Mixtures of corpora: which examples an epoch reads when some corpora count more than others."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import accumulate

from s2s import seeds
from s2s.errors import check


class Mixture:
    """Chooses the examples of each epoch, so that a corpus is read as often as its weight says.

    With weight 1 an epoch reads every example of a corpus once, with 2 twice, and with 0.25 a quarter of them: four
    epochs then read each once. The temperature T makes the expected number of examples of a corpus proportional to
    weight * size ** (1 / T), and leaves their sum as it is, so that a T above 1 favours small corpora (Arivazhagan et
    al., 2019, "Massively Multilingual Neural Machine Translation in the Wild", section 4.2).

    Args:
        sizes: examples of each corpus; the corpora lie one after the other
        weights: of each corpus, above 0
        temperature: T, at least 1
        seed: the recipe's; it and the epoch decide which examples an epoch reads
    """

    def __init__(
        self, sizes: Sequence[int], weights: Sequence[float], *, temperature: float = 1.0, seed: int = 0
    ) -> None:
        check(temperature >= 1, f"the temperature of a mixture is {temperature:g}: choose 1 or more")
        self._sizes, self._seed = sizes, seed
        self._firsts = [0, *accumulate(sizes)]
        shares = [weight * size ** (1 / temperature) for weight, size in zip(weights, sizes, strict=True)]
        total = sum(weight * size for weight, size in zip(weights, sizes))
        self._counts = [round(total * share / sum(shares)) for share in shares]

    @property
    def counts(self) -> Sequence[int]:
        """How many examples of each corpus an epoch reads."""
        return self._counts

    def epoch(self, number: int) -> list[int]:
        """Return the examples of an epoch, counted from 0, by their positions in all corpora; sorted."""
        return sorted(example for corpus in range(len(self._sizes)) for example in self._of_corpus(corpus, number))

    def _of_corpus(self, corpus: int, epoch: int) -> Iterator[int]:
        """The corpus is read in a random order, then in another one, and so on; an epoch reads on from the last one."""
        size, count, first = self._sizes[corpus], self._counts[corpus], self._firsts[corpus]
        position, end = epoch * count, (epoch + 1) * count
        while position < end and size:
            reading, start = divmod(position, size)
            stop = min(size, start + end - position)
            if stop - start == size:
                yield from range(first, first + size)
            else:
                order = list(range(first, first + size))
                random.Random(seeds.of_reading(self._seed, corpus, reading)).shuffle(order)
                yield from order[start:stop]
            position += stop - start
