"""Top-k: the best continuations of all hypotheses of a sentence, found exactly and with ties in a fixed order."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_BLOCK = 64  # tokens: one cheap pass takes the maxima of blocks, and all that follows is small


class ContinuationSelector:
    """Find the best continuations of each sentence; equals are ranked by slot, then by token.

    A continuation is one hypothesis extended by one token. Its number is slot * vocabulary + token.

    A top-k over all slots and tokens would take longer than the softmax before it. The selector takes the maximum of
    each block of tokens, then the best blocks, and then the top-k of the tokens in these. To find k tokens, k blocks
    are enough: each of them holds a token that precedes all tokens of the other blocks. That is not so for a block
    with an excluded token, which may be its maximum, so one block more is taken for each of these.

    Args:
        excluded: token ids that are never chosen
    """

    def __init__(self, excluded: set[int]) -> None:
        self._excluded = sorted(excluded)
        self._tables_for = (0, 0)  # slots, vocabulary

    def __call__(self, log_probabilities: Tensor, alive: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """The `count` best continuations of each of n sentences, or all if there are fewer.

        Args:
            log_probabilities: (n * slots, vocabulary), of the next token of each hypothesis
            alive: (n, slots) float32, the log-probability of each hypothesis; -inf is an empty slot
            count: how many continuations to find

        Returns:
            totals: (n, count) float32, log-probabilities of the continued hypotheses, descending
            continuations: (n, count) int64, their numbers; arbitrary where the total is -inf
            checksum: () float32, NaN or infinite (above zero) if a log-probability is
        """
        (n, slots), vocabulary = alive.shape, log_probabilities.shape[1]
        if self._tables_for != (slots, vocabulary):
            self._make_tables(slots, vocabulary, alive.device)
        grid = log_probabilities.reshape(n, slots, vocabulary)
        whole_blocks = vocabulary - vocabulary % self._block  # tokens in them
        maxima = grid[:, :, :whole_blocks].unflatten(2, (-1, self._block)).amax(3)  # (n, slots, whole blocks)
        if whole_blocks < vocabulary:
            maxima = torch.cat((maxima, grid[:, :, whole_blocks:].amax(2, keepdim=True)), 2)  # (n, slots, blocks)
        blocks = maxima.shape[2]
        maxima = (maxima.float() + alive[:, :, None]).flatten(1)  # (n, slots * blocks)
        chosen = top_k(maxima, self._block_numbers, count + slots * self._excluded_blocks)  # (n, chosen)
        candidates = self._continuations[chosen].flatten(1)  # (n, chosen * block)
        parents = chosen // blocks  # (n, chosen): the slots of the blocks
        found = grid.flatten(1).gather(1, candidates).float().view(n, -1, self._block)  # (n, chosen, block)
        totals = (found + alive.gather(1, parents)[:, :, None] + self._penalties[chosen]).flatten(1)  # as candidates
        best = top_k(totals, candidates, count)  # (n, count)
        return totals.gather(1, best), candidates.gather(1, best), maxima.sum()

    def _make_tables(self, slots: int, vocabulary: int, device: torch.device) -> None:
        """Make the tables of what each block holds. The last block of a slot is filled up with excluded entries."""
        self._tables_for, self._block = (slots, vocabulary), min(_BLOCK, vocabulary)
        blocks = -(-vocabulary // self._block)  # of one slot
        tokens = torch.arange(blocks * self._block, device=device)
        penalties = torch.zeros_like(tokens, dtype=torch.float32)
        penalties[[*self._excluded, *range(vocabulary, len(penalties))]] = -math.inf
        self._penalties = penalties.view(blocks, -1).repeat(slots, 1)  # (slots * blocks, block): 0 or -inf
        first_numbers = torch.arange(0, slots * vocabulary, vocabulary, device=device)[:, None]  # (slots, 1)
        numbers = first_numbers + tokens.clamp_max(vocabulary - 1)  # (slots, blocks * block)
        self._continuations = numbers.view(slots * blocks, -1)  # (slots * blocks, block)
        self._block_numbers = torch.arange(slots * blocks, device=device)
        self._excluded_blocks = len({token // self._block for token in self._excluded})


def top_k(values: Tensor, order: Tensor, count: int) -> Tensor:
    """The indices of the highest values of each row, descending, with equal values in a fixed order.

    `Tensor.topk` does not say which of several equal values it takes. Here each value and its place in the order are
    joined to one integer key, so that no two keys are equal: the bits of a float, read as an integer, rank as the float
    does once the bits of negative ones are inverted.

    Args:
        values: (n, columns) float32
        order: (columns,) or (n, columns) int64, below 2 ** 32; of equal values, the lowest comes first
        count: how many indices to find

    Returns:
        (n, count) int64; fewer if there are fewer columns.
    """
    bits = values.view(torch.int32)
    ranks = bits ^ ((bits >> 31) & 0x7FFFFFFF)
    keys = torch.sub(order, ranks, alpha=2**32)  # (n, columns) int64, ascending with falling values
    return keys.topk(min(count, keys.shape[1]), largest=False).indices
