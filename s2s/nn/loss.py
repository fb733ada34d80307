"""The losses: cross-entropy over real positions, smoothed or weighted, and what is added to it: the divergence of two
passes with other dropout masks, and the doubly stochastic attention term.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

_ROWS = 128  # at a time: their float32 logits stay in the processor's cache


class _CrossEntropy(torch.autograd.Function):
    """Forms the gradient on the way forward, while a block of logits is in the cache; none where none is wanted."""

    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, targets: Tensor, weights: Tensor | None, smoothing: float
    ) -> tuple[Tensor, Tensor]:
        """Return the loss (), summed over rows, and the targets' log-probabilities (rows,), both in float32."""
        rows, size = logits.shape
        gradient = torch.empty_like(logits) if ctx.needs_input_grad[0] else None
        chosen = logits.new_empty(rows, 1, dtype=torch.float32)  # log-probabilities of the targets
        sums = torch.empty_like(chosen)  # of all log-probabilities
        for block in _blocks(rows, logits.device):
            scores, truth = logits[block].float(), targets[block].unsqueeze(1)
            slope = scores.softmax(-1)
            # The log of the normaliser, by the likeliest word: its probability is at least 1 / size, its log exact.
            normaliser = scores.amax(-1, keepdim=True) - slope.amax(-1, keepdim=True).log()
            torch.sub(scores.gather(1, truth), normaliser, out=chosen[block])
            torch.sub(scores.sum(1, keepdim=True), normaliser, alpha=size, out=sums[block])
            if gradient is not None:
                slope.sub_(smoothing / size).scatter_add_(1, truth, torch.full_like(normaliser, smoothing - 1))
                gradient[block] = slope if weights is None else slope.mul_(weights[block].unsqueeze(1))
        if gradient is not None:
            ctx.save_for_backward(gradient)
        losses = sums.mul_(-smoothing / size).sub_(chosen, alpha=1 - smoothing)
        total = losses.sum() if weights is None else losses.squeeze(1) @ weights.float()
        exact = chosen.squeeze(1)
        ctx.mark_non_differentiable(exact)
        return total, exact

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor, _: Tensor) -> tuple[Tensor, None, None, None]:  # type: ignore[override]
        (gradient,) = ctx.saved_tensors
        return _scaled(gradient, upstream), None, None, None


def _blocks(rows: int, device: torch.device) -> Iterator[slice]:
    """So many rows at a time that they stay in the processor's cache; all at once elsewhere."""
    step = _ROWS if device.type == "cpu" else max(rows, 1)
    return (slice(first, min(first + step, rows)) for first in range(0, rows, step))


def _scaled(gradient: Tensor, upstream: Tensor) -> Tensor:
    """The gradient times that of a sum, which in training is 1: on a CPU a pass over all logits is saved."""
    if upstream.device.type == "cpu" and upstream == 1:
        return gradient
    return gradient * upstream.to(gradient.dtype)


def smoothed_cross_entropy(logits: Tensor, targets: Tensor, smoothing: float = 0.0) -> tuple[Tensor, Tensor]:
    """Cross-entropy against (1 - smoothing) on the target and smoothing spread evenly over the whole vocabulary.

    Label smoothing is Szegedy et al. (2016), section 7; the same as `torch.nn.functional.cross_entropy`'s.

    Args:
        logits: (rows, vocabulary), of real positions only
        targets: (rows,)
        smoothing: 0 <= smoothing < 1

    Returns:
        the smoothed loss, summed over rows, which has a gradient; and the plain cross-entropy (nats), which has none.
    """
    total, log_probabilities = _CrossEntropy.apply(logits, targets, None, smoothing)
    return total, -log_probabilities.sum()


def weighted_cross_entropy(logits: Tensor, targets: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """sum_i w_i * -log p_i(target_i), each row with a weight of its own, of either sign.

    With the targets sampled from the model and the advantage of their sentence as the weight, its gradient is that of
    REINFORCE (Williams, 1992), as in self-critical training (Rennie et al., 2017, eq. 7).

    Args:
        logits: (rows, vocabulary), of real positions only
        targets: (rows,)
        weights: (rows,), which get no gradient

    Returns:
        the sum, which has a gradient; and log p_i(target_i) (rows,) in float32 (nats), which has none.
    """
    return _CrossEntropy.apply(logits, targets, weights, 0.0)


class _Divergence(torch.autograd.Function):
    """Forms the gradient on the way forward too."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, weight: float) -> Tensor:
        """Return the weighted sum (), in float32, over the pairs of rows i and i + rows / 2."""
        half = logits.shape[0] // 2
        gradient = torch.empty_like(logits)
        total = logits.new_zeros((), dtype=torch.float32)
        for block in _blocks(half, logits.device):
            places = block, slice(half + block.start, half + block.stop)
            logs = [logits[place].float().log_softmax(-1) for place in places]
            here, there = logs[0].exp(), logs[1].exp()
            ratio, difference = logs[0].sub_(logs[1]), here - there
            total += (difference * ratio).sum()
            for place, probabilities, sign in zip(places, (here, there), (weight, -weight)):
                mean = (probabilities * ratio).sum(-1, keepdim=True)
                gradient[place] = probabilities.mul_(ratio - mean).add_(difference).mul_(sign)
        ctx.save_for_backward(gradient)
        return total * weight

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        (gradient,) = ctx.saved_tensors
        return _scaled(gradient, upstream), None


def symmetric_divergence(logits: Tensor, weight: float = 1.0) -> Tensor:
    """The sum of KL(p || q) + KL(q || p) over rows, times `weight`: how far two passes with other masks disagree.

    Half of it times alpha, beside the cross-entropy of both passes, is R-Drop (Wu et al., 2021, eq. 4).

    Args:
        logits: (2 n, vocabulary): n rows of one pass, then the same n of the other
        weight: of the sum

    Returns:
        (), in float32 (nats).
    """
    return _Divergence.apply(logits, weight)


def doubly_stochastic_penalty(attention: Tensor, steps: Tensor, positions: Tensor | None = None) -> Tensor:
    """How far from 1 the attention paid to each position over the sentence is: sum_i (1 - sum_t alpha_ti)^2.

    The term of Show, Attend and Tell (Xu et al., 2015, eq. 14), of real positions and real steps.

    Args:
        attention: (rows, time, positions)
        steps: (rows, time), True where a word is real
        positions: the memory's mask (sentences, positions), True where real, whose rows serve as many rows of
            attention each, side by side; None where all are real

    Returns:
        (rows,), a value a sentence, in float32.
    """
    paid = (attention.transpose(1, 2) @ steps.to(attention.dtype).unsqueeze(2)).squeeze(2)  # (rows, positions)
    missing = (1 - paid).square()
    if positions is None:
        return missing.sum(1)
    real = positions.repeat_interleave(len(attention) // len(positions), 0)
    return missing.masked_fill(~real, 0).sum(1)
