"""Selection: the best continuations among all hypotheses and tokens, exactly, and equals always in one order."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_BLOCK = 64  # tokens a block of the two-stage top-k: the maxima of blocks are one cheap pass, all that follows is small


class Selector:
    """The best continuations of every sentence, exactly, equals in the order of hypothesis and token.

    A top-k over width * vocabulary costs more than the softmax before it. Instead: the maximum of every block of
    tokens, the top blocks, and the top-k of what they hold. As many blocks as tokens wanted are enough, since each has
    a token that comes before all tokens of the other blocks; blocks that hold excluded tokens are not counted.
    """

    def __init__(self, excluded: set[int]) -> None:
        self.excluded = sorted(excluded)
        self.shape = (0, 0)

    def __call__(self, log_probabilities: Tensor, alive: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """Totals (n, count) and flat (n, count), which is hypothesis * vocabulary + token, best first, and health ().

        log_probabilities (n * width, vocabulary), alive (n, width) float32; health < inf unless one of these is not.
        """
        (n, width), vocabulary = alive.shape, log_probabilities.shape[1]
        if self.shape != (width, vocabulary):
            self._lay_out(width, vocabulary, alive.device)
        grid = log_probabilities.reshape(n, width, vocabulary)
        whole = vocabulary - vocabulary % self.block
        maxima = grid[:, :, :whole].unflatten(2, (-1, self.block)).amax(3)
        if whole < vocabulary:
            maxima = torch.cat((maxima, grid[:, :, whole:].amax(2, keepdim=True)), 2)
        blocks = maxima.shape[2]
        maxima = (maxima.float() + alive[:, :, None]).flatten(1)  # (n, width * blocks)
        chosen = first(maxima, self.numbers, count + width * self.spoilt)
        flat, parents = self.flat[chosen].flatten(1), chosen // blocks
        found = grid.flatten(1).gather(1, flat).float().view(n, -1, self.block)  # (n, chosen, block)
        totals = (found + alive.gather(1, parents)[:, :, None] + self.bias[chosen]).flatten(1)
        best = first(totals, flat, count)
        return totals.gather(1, best), flat.gather(1, best), maxima.sum()

    def _lay_out(self, width: int, vocabulary: int, device: torch.device) -> None:
        """Tables of what each block holds, (width * blocks, block)."""
        self.shape, self.block = (width, vocabulary), min(_BLOCK, vocabulary)
        blocks = -(-vocabulary // self.block)
        tokens = torch.arange(blocks * self.block, device=device)
        bias = torch.zeros_like(tokens, dtype=torch.float32)
        bias[[*self.excluded, *range(vocabulary, len(bias))]] = -math.inf  # the latter fill up the last block
        self.bias = bias.view(blocks, -1).repeat(width, 1)
        starts = torch.arange(0, width * vocabulary, vocabulary, device=device)[:, None]
        self.flat = (starts + tokens.clamp_max(vocabulary - 1)).view(width * blocks, -1)
        self.numbers = torch.arange(width * blocks, device=device)
        self.spoilt = len({token // self.block for token in self.excluded})


def first(values: Tensor, order: Tensor, count: int) -> Tensor:
    """Indices (n, count) of the highest values (n, columns) float32, equals by `order`, ascending and below 2 ** 32.

    `topk` leaves open which of equals it takes. The bits of a float, read as an integer, rank as the float does, once
    those of a negative one are inverted; with `order` as the lower half no two keys are equal.
    """
    bits = values.view(torch.int32)
    ranks = bits ^ ((bits >> 31) & 0x7FFFFFFF)
    keys = torch.sub(order, ranks, alpha=2**32)
    return keys.topk(min(count, keys.shape[1]), largest=False).indices
