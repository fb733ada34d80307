"""Batches of examples of like lengths."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from s2s.errors import check

Lengths = Sequence[int] | Sequence[Sequence[int]]  # one an example, or one for each side of it: (source, target)


class BucketedBatches:
    """Batches of examples of like lengths on every side, in an order that (seed, epoch) alone decides.

    Each epoch sorts the examples anew by lengths to which up to `NOISE` tokens are added, and cuts what lies together
    into batches, which are then shuffled. On Multi30k two tokens cost 4 % more padding (6 % in all) and leave two
    examples that shared a batch one chance in ten to share one again; without them it is nearly one in two.
    """

    NOISE = 2.0  # tokens

    def __init__(
        self, lengths: Lengths, *, sentences: int | None = None, tokens: int | None = None, seed: int = 0
    ) -> None:
        """The budget of a batch is a number of `sentences`, or of `tokens`: padded ones, of all sides together.
        An example above the budget in tokens is a batch of its own.
        """
        check((sentences is None) != (tokens is None), "set the size of a batch in sentences or in tokens: one of them")
        check((sentences or tokens or 0) > 0, "a batch of no sentences or tokens holds nothing; set 1 or more")
        self._lengths = _table(lengths)
        self._budget = sentences or tokens or 0
        self._counts_tokens = tokens is not None
        self._seed = seed

    def epoch(self, number: int) -> list[list[int]]:
        """The batches of epoch `number`, every example once. To go on in mid-epoch, slice off those already seen."""
        random = np.random.Generator(np.random.PCG64([self._seed, number]))
        batches = self._cut(self._like_lengths_together(random))
        return [batches[i] for i in random.permutation(len(batches))]

    def longest(self, batches: Iterable[list[int]]) -> list[int]:
        """The batch with the most padded tokens: the one that will need the most memory."""
        return max(batches, key=self._padded_tokens)

    def padding_share(self, batches: Sequence[list[int]]) -> float:
        """The share of padding among the tokens of all sides of these batches, 0 to 1."""
        padded = sum(map(self._padded_tokens, batches))
        real = sum(int(self._lengths[batch].sum()) for batch in batches)
        return 1 - real / padded if padded else 0.0

    def _padded_tokens(self, batch: list[int]) -> int:
        return len(batch) * int(self._lengths[batch].max(axis=0).sum())

    def _like_lengths_together(self, random: np.random.Generator) -> list[int]:
        """An order along which all sides change slowly.

        By the longest side first, which bounds the others; among those alike, by how the sides differ, upwards and
        downwards in turn, so that the step to the next longest side is a small one too.
        """
        order = random.permutation(len(self._lengths))
        noisy = self._lengths[order] + random.uniform(0, self.NOISE, self._lengths.shape)
        longest = noisy.max(axis=1).astype(np.int64)
        turn = np.where(longest % 2, 1, -1)
        differences = (noisy[:, :1] - noisy[:, 1:]) * turn[:, None]  # (examples, sides - 1)
        return order[np.lexsort([*differences.T, longest])].tolist()

    def _cut(self, order: list[int]) -> list[list[int]]:
        if not self._counts_tokens:
            return [order[start : start + self._budget] for start in range(0, len(order), self._budget)]
        batches: list[list[int]] = []
        longest: list[int] = []
        for example, lengths in zip(order, self._lengths[order].tolist()):
            grown = [max(pair) for pair in zip(longest, lengths)]
            if batches and (len(batches[-1]) + 1) * sum(grown) <= self._budget:
                batches[-1].append(example)
                longest = grown
            else:
                batches.append([example])
                longest = lengths
        return batches


def shard(batches: Sequence[list[int]], rank: int, world: int) -> list[list[int]]:
    """The batches of process `rank` of `world`, the same number for each: where they do not come out even, the first
    batches are given out a second time.
    """
    steps = -(-len(batches) // world)
    return [batches[i % len(batches)] for i in range(rank, steps * world, world)]


def _table(lengths: Lengths) -> np.ndarray:
    """(examples, sides)."""
    table = np.asarray(lengths, dtype=np.int64)
    return table[:, None] if table.ndim == 1 else table
