"""The order in which a corpus on disk is read: blocks of neighbouring pairs in random order.

A corpus that is larger than memory is read in blocks of `BLOCK` pairs, which lie together on the disk. The blocks of
all corpora come in a random order; a buffer of many blocks is then shuffled pair by pair. docs/scale.md says what was
measured. The weights and the temperature of corpora mean what they mean in `s2s.training.mixing.Mixture`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from s2s import seeds
from s2s.training.mixing import Mixture

BLOCK = 256  # pairs that are read together


@dataclass(frozen=True)
class BlockSequence:
    """Blocks of pairs in the order in which an epoch reads them.

    Attributes:
        first: the number of the first pair of each block, in all corpora: (blocks,) int64
        ends: how many pairs the blocks up to and with each have: (blocks,) int64
    """

    first: np.ndarray
    ends: np.ndarray

    def ranges(self, start: int, stop: int) -> list[tuple[int, int]]:
        """The pairs that are read from position `start` to `stop`, as ranges [first, end)."""
        low, high = np.searchsorted(self.ends, [start, stop - 1], side="right")
        sizes = np.diff(self.ends[low : high + 1], prepend=self.ends[low - 1] if low else 0)
        firsts, begins = self.first[low : high + 1], self.ends[low : high + 1] - sizes
        found = zip(firsts.tolist(), begins.tolist(), sizes.tolist())
        return [(first + max(0, start - begin), first + min(size, stop - begin)) for first, begin, size in found]

    def pair(self, position: int) -> int:
        """The number of the pair at a position."""
        return self.ranges(position, position + 1)[0][0]


class BlockOrder:
    """Chooses the blocks of each epoch.

    Args:
        shards: how many pairs the shards of each corpus have; corpora and shards lie one after the other
        weights: of each corpus, above 0
        temperature: see `Mixture`
        seed: the recipe's; it and the epoch decide everything
        block: pairs of a block; a block is of one shard
    """

    def __init__(
        self,
        shards: Sequence[Sequence[int]],
        weights: Sequence[float],
        *,
        temperature: float = 1.0,
        seed: int = 0,
        block: int = BLOCK,
    ) -> None:
        sizes = [sum(corpus) for corpus in shards]
        self._seed, self._sizes = seed, sizes
        self._counts = Mixture(sizes, weights, temperature=temperature).counts
        self._blocks = list[tuple[np.ndarray, np.ndarray]]()  # of each corpus: first pairs, and sizes
        first = 0
        for corpus in shards:
            starts = list[np.ndarray]()
            for shard in corpus:
                starts.append(np.arange(first, first + shard, block))
                first += shard
            begins = np.concatenate([np.zeros(0, dtype=np.int64), *starts])
            bounds = np.concatenate([np.cumsum([0, *corpus]) + first - sum(corpus), begins])
            self._blocks.append((begins, np.diff(np.unique(bounds))))

    @property
    def pairs(self) -> int:
        """How many pairs an epoch reads."""
        return sum(self._counts)

    def epoch(self, number: int) -> BlockSequence:
        """Return the blocks of an epoch, counted from 0, in random order."""
        parts = [part for corpus in range(len(self._sizes)) for part in self._of_corpus(corpus, number)]
        firsts = np.concatenate([first for first, _ in parts])
        sizes = np.concatenate([size for _, size in parts])
        order = _generator(seeds.of_block_order(self._seed, number)).permutation(len(firsts))
        return BlockSequence(firsts[order], np.cumsum(sizes[order]))

    def _of_corpus(self, corpus: int, epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """First pairs and sizes of the blocks of a corpus: an epoch reads on from the last one, as in `Mixture`."""
        size, count = self._sizes[corpus], self._counts[corpus]
        position, end = epoch * count, (epoch + 1) * count
        while position < end and size:
            reading, start = divmod(position, size)
            stop = min(size, start + end - position)
            firsts, sizes = self._blocks[corpus]
            if stop - start < size:
                order = _generator(seeds.of_blocks(self._seed, corpus, reading)).permutation(len(firsts))
                firsts, sizes = _cut(firsts[order], sizes[order], start, stop)
            yield firsts, sizes
            position += stop - start


def _cut(firsts: np.ndarray, sizes: np.ndarray, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
    """The blocks that stand from position `start` to `stop`, the ones at the ends in part."""
    ends = np.cumsum(sizes)
    begins = ends - sizes
    low, high = np.maximum(begins, start), np.minimum(ends, stop)
    kept = low < high
    return (firsts + low - begins)[kept], (high - low)[kept]


def _generator(entropy: Sequence[int]) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(entropy))
