"""Batches of examples of similar lengths."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from s2s import seeds
from s2s.errors import check
from s2s.text.padding import Padded, pad

NOISE = 2.0  # tokens

# Of each example, or of each of its sides: (source, target).
Lengths = Sequence[int] | Sequence[Sequence[int]] | np.ndarray


class BucketedBatches:
    """Batches of examples of similar lengths on every side, in an order that only the seed and the epoch decide.

    Each epoch adds up to `NOISE` tokens to each length, sorts the examples by the result, cuts neighbours into batches
    and shuffles the batches. On Multi30k two tokens of noise cost 4 % more padding (6 % in all). Two examples that
    shared a batch then share one again with a chance of one in ten; without noise it is nearly one in two.

    The budget of a batch is a number of `sentences` or of `tokens`: padded ones, of all sides together. An example
    longer than the budget in tokens is a batch of its own.

    Args:
        lengths: of each example, or of each side of each example
        sentences: of a batch, or
        tokens: of a batch
        seed: the recipe's
    """

    def __init__(
        self, lengths: Lengths, *, sentences: int | None = None, tokens: int | None = None, seed: int = 0
    ) -> None:
        check((sentences is None) != (tokens is None), "set the size of a batch either in sentences or in tokens")
        check((sentences or tokens or 0) > 0, "a batch needs at least 1 sentence or token; set 1 or more")
        self._lengths = _table(lengths)
        self._budget = sentences or tokens or 0
        self._counts_tokens = tokens is not None
        self._seed = seed

    def epoch(self, number: int) -> list[list[int]]:
        """Return the batches of epoch `number`, counted from 0: every example once."""
        random = np.random.Generator(np.random.PCG64(seeds.of_batches(self._seed, number)))
        batches = self._cut(like_lengths_together(self._lengths, random))
        return [batches[i] for i in random.permutation(len(batches))]

    def longest(self, batches: Iterable[list[int]]) -> list[int]:
        """Return the batch with the most padded tokens, which needs the most memory."""
        return max(batches, key=self._padded_tokens)

    def padding_share(self, batches: Sequence[list[int]]) -> float:
        """Return the share of padding among the tokens of all sides of these batches, from 0 to 1."""
        padded = sum(map(self._padded_tokens, batches))
        real = sum(int(self._lengths[batch].sum()) for batch in batches)
        return 1 - real / padded if padded else 0.0

    def _padded_tokens(self, batch: list[int]) -> int:
        return len(batch) * int(self._lengths[batch].max(axis=0).sum())

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


def like_lengths_together(lengths: np.ndarray, random: np.random.Generator) -> list[int]:
    """Return the examples in an order along which the lengths of all sides change slowly.

    Examples are sorted by their longest side. Those with equal longest sides are sorted by the difference of the sides:
    upwards for odd lengths and downwards for even ones, so that neighbours of different longest sides are similar too.

    Args:
        lengths: (examples, sides)
        random: of the noise that is added to them
    """
    order = random.permutation(len(lengths))
    noisy = lengths[order] + random.uniform(0, NOISE, lengths.shape)
    longest = noisy.max(axis=1).astype(np.int64)
    turn = np.where(longest % 2, 1, -1)
    differences = (noisy[:, :1] - noisy[:, 1:]) * turn[:, None]  # (examples, sides - 1)
    return order[np.lexsort([*differences.T, longest])].tolist()


def cut_evenly(lengths: np.ndarray, count: int) -> np.ndarray:
    """Return where each of `count` batches begins, so that all have about as many padded tokens: (count,).

    Args:
        lengths: of examples in the order of `like_lengths_together`, (examples, sides)
        count: at most the number of examples
    """
    numbers, costs = np.arange(count), lengths.sum(1).astype(np.float64)
    starts = numbers
    for _ in range(3):  # the first cut does not know of padding, the next ones measure it
        before = np.cumsum(costs) - costs / 2
        starts = np.searchsorted(before, costs.sum() * numbers / count)
        starts = np.maximum.accumulate(starts - numbers) + numbers  # at least one example each
        starts = np.minimum(starts, len(lengths) - count + numbers)
        padded = np.maximum.reduceat(lengths, starts).sum(1)
        costs = np.repeat(padded, np.diff(starts, append=len(lengths))).astype(np.float64)
    return starts


def padded_tensors(sequences: Sequence[Sequence[int]], device: torch.device | str = "cpu") -> Padded:
    """Sequences of token ids as a batch of tensors on a device; a GPU is not waited for."""
    device = torch.device(device)

    def moved(values: np.ndarray) -> Tensor:
        tensor = torch.from_numpy(values)
        return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor

    return pad(sequences).moved(moved)


def shard(batches: Sequence[list[int]], rank: int, world: int) -> list[list[int]]:
    """Return the batches of process `rank` of `world`, the same number for each.

    If the number of batches is no multiple of `world`, the first ones are given out twice.
    """
    steps = -(-len(batches) // world)
    return [batches[i % len(batches)] for i in range(rank, steps * world, world)]


def _table(lengths: Lengths) -> np.ndarray:
    """(examples, sides)."""
    table = np.asarray(lengths, dtype=np.int64)
    return table[:, None] if table.ndim == 1 else table
