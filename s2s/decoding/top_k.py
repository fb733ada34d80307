"""Top-k: the best continuations of all hypotheses of a sentence, found exactly and with ties in a fixed order."""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

from s2s.arrays import Array, namespace, smallest, take
from s2s.models.contracts import Likeliest, Step

_BLOCK = 64  # tokens: one cheap pass takes the maxima of blocks, and all that follows is small


class Continuations(NamedTuple):
    """The best continuations of each of n sentences: one hypothesis extended by one token each.

    Attributes:
        totals: (n, count) float32, log-probabilities of the continued hypotheses, descending
        slots: (n, count) int64, of the hypotheses; arbitrary where the total is -inf
        tokens: (n, count) int64; likewise
        checksum: () float32, NaN or infinite (above zero) if a log-probability is
    """

    totals: Array
    slots: Array
    tokens: Array
    checksum: Array


class Selector(Protocol):
    """Finds continuations of the hypotheses of each sentence."""

    def __call__(self, step: Step, alive: Array, count: int) -> Continuations:
        """See `ContinuationSelector`. Those that end come among the first `count` / 2; of others, the best go on."""
        ...


class ContinuationSelector:
    """Find the best continuations of each sentence; equals are ranked by slot, then by token.

    Some engines find the likeliest tokens of each row inside of the step (`Step.likeliest`); then only these are
    ranked. Else all tokens are searched.

    Args:
        excluded: token ids that are never chosen
    """

    def __init__(self, excluded: set[int]) -> None:
        self._excluded = sorted(excluded)
        self._search: _WholeSearch | None = None

    def __call__(self, step: Step, alive: Array, count: int) -> Continuations:
        """The `count` best continuations of each of n sentences, or all if there are fewer.

        Args:
            step: of the model, with one row for each slot of each sentence
            alive: (n, slots) float32, the log-probability of each hypothesis; -inf is an empty slot
            count: how many continuations to find
        """
        if step.likeliest is not None:
            return self.among(step.likeliest, alive, count)
        return self.of_all(step.log_probabilities, alive, count)

    def of_all(self, log_probabilities: Array, alive: Array, count: int) -> Continuations:
        """See `__call__`; the log-probabilities are those of all tokens, (n * slots, vocabulary)."""
        (n, slots), vocabulary = alive.shape, log_probabilities.shape[1]
        if self._search is None or not self._search.serves(slots, vocabulary):
            self._search = _WholeSearch(self._excluded, slots, vocabulary, alive)
        return self._search.best(log_probabilities.reshape(n, slots, vocabulary), alive, count)

    def among(self, likeliest: Likeliest, alive: Array, count: int) -> Continuations:
        """See `__call__`; there are `count` likeliest tokens of each row, and one for each that is excluded."""
        xp, (n, slots) = namespace(alive), alive.shape
        banned = xp.asarray(self._excluded, dtype=xp.int64, device=alive.device)
        tokens = likeliest.tokens.reshape(n, slots, -1)
        totals = likeliest.values.reshape(n, slots, -1) + alive[:, :, None]
        checksum = xp.sum(totals)
        excluded = xp.any(tokens[:, :, :, None] == banned, axis=3)
        totals, tokens = xp.where(excluded, -math.inf, totals).reshape(n, -1), tokens.reshape(n, -1)
        # Equals of a row are in order, and rows are: a stable sort keeps it.
        best = xp.argsort(-totals, axis=1, stable=True)[:, :count]  # (n, count)
        return Continuations(take(totals, best), best // likeliest.tokens.shape[1], take(tokens, best), checksum)


class _WholeSearch:
    """Search all tokens of all slots.

    A top-k over all slots and tokens would take longer than the softmax before it. This takes the maximum of each block
    of tokens, then the best blocks, and then the top-k of the tokens in these. To find k tokens, k blocks are enough:
    each of them holds a token that precedes all tokens of the other blocks. That is not so for a block with an excluded
    token, which may be its maximum, so one block more is taken for each of these.

    Args:
        excluded: token ids that are never chosen
        slots: how many hypotheses a sentence has
        vocabulary: how many tokens there are
        like: an array of the kind and on the device of the log-probabilities
    """

    def __init__(self, excluded: list[int], slots: int, vocabulary: int, like: Array) -> None:
        self._xp, where = namespace(like), like.device
        xp = self._xp
        self._slots, self._vocabulary, self._block = slots, vocabulary, min(_BLOCK, vocabulary)
        # The tables of what each block holds. The last block of a slot is filled up with excluded entries.
        self._blocks = -(-vocabulary // self._block)  # of one slot
        tokens = xp.arange(self._blocks * self._block, device=where)
        penalties = xp.zeros(len(tokens), dtype=xp.float32, device=where)
        penalties[[*excluded, *range(vocabulary, len(penalties))]] = -math.inf
        # (slots * blocks, block): 0 or -inf
        self._penalties = xp.tile(penalties.reshape(self._blocks, -1), (slots, 1))
        # The number of a continuation is slot * vocabulary + token.
        first_numbers = xp.arange(0, slots * vocabulary, vocabulary, device=where)[:, None]  # (slots, 1)
        numbers = first_numbers + xp.clip(tokens, max=vocabulary - 1)  # (slots, blocks * block)
        self._continuations = numbers.reshape(slots * self._blocks, -1)  # (slots * blocks, block)
        self._block_numbers = xp.arange(slots * self._blocks, device=where)
        self._excluded_blocks = len({token // self._block for token in excluded})

    def serves(self, slots: int, vocabulary: int) -> bool:
        """Whether it was made for so many slots and tokens."""
        return (self._slots, self._vocabulary) == (slots, vocabulary)

    def best(self, grid: Array, alive: Array, count: int) -> Continuations:
        """See `ContinuationSelector`: log-probabilities (n, slots, vocabulary), and those of the hypotheses."""
        xp, n, vocabulary = self._xp, len(grid), self._vocabulary
        whole = vocabulary - vocabulary % self._block  # tokens in whole blocks
        maxima = xp.max(grid[:, :, :whole].reshape(n, self._slots, -1, self._block), axis=3)
        if whole < vocabulary:
            maxima = xp.concat((maxima, xp.max(grid[:, :, whole:], axis=2, keepdims=True)), axis=2)
        maxima = (xp.astype(maxima, xp.float32, copy=False) + alive[:, :, None]).reshape(n, -1)  # (n, slots * blocks)
        chosen = top_k(maxima, self._block_numbers, count + self._slots * self._excluded_blocks)  # (n, chosen)
        candidates = self._continuations[chosen].reshape(n, -1)  # (n, chosen * block)
        totals_before = take(alive, chosen // self._blocks)  # (n, chosen): of the hypotheses
        found = xp.astype(take(grid.reshape(n, -1), candidates), xp.float32, copy=False).reshape(n, -1, self._block)
        totals = (found + totals_before[:, :, None] + self._penalties[chosen]).reshape(n, -1)  # as candidates
        best = top_k(totals, candidates, count)  # (n, count)
        numbers = take(candidates, best)
        return Continuations(take(totals, best), numbers // vocabulary, numbers % vocabulary, xp.sum(maxima))


def top_k(values: Array, order: Array, count: int) -> Array:
    """The indices of the highest values of each row, descending, with equal values in a fixed order.

    A top-k of a library does not say which of several equal values it takes. Here each value and its place in the order
    are joined to one integer key, so that no two keys are equal: the bits of a float, read as an integer, rank as the
    float does once the bits of negative ones are inverted.

    Args:
        values: (n, columns) float32
        order: (columns,) or (n, columns) int64, below 2 ** 32; of equal values, the lowest comes first
        count: how many indices to find

    Returns:
        (n, count) int64; fewer if there are fewer columns.
    """
    xp = namespace(values)
    bits = values.view(xp.int32)
    ranks = bits ^ ((bits >> 31) & 0x7FFFFFFF)
    keys = order - xp.astype(ranks, xp.int64) * 2**32  # (n, columns) int64, ascending with falling values
    return smallest(keys, min(count, keys.shape[1]))
