"""Losses: smoothed or weighted cross-entropy, and two terms that can be added to it.

The terms are the symmetric divergence of two passes with different dropout masks (R-Drop) and the doubly stochastic
attention penalty (Show, Attend and Tell).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from s2s.kernels.cross_entropy import entropies
from s2s.kernels.operators import operators_for

_ROWS = 128  # rows per block on a CPU: their float32 logits fit into the processor's cache


class _CrossEntropy(torch.autograd.Function):
    """Cross-entropy that computes its gradient in the forward pass, while a block of logits is in the cache.

    It computes no gradient if the logits need none.
    """

    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, targets: Tensor, weights: Tensor | None, smoothing: float
    ) -> tuple[Tensor, Tensor]:
        """Return the loss (), summed over rows, and the log-probabilities of the targets (rows,), both in float32."""
        wanted = ctx.needs_input_grad[0]
        if operators := operators_for(logits):
            chosen, sums, gradient = entropies(operators, logits, targets, weights, smoothing, wanted=wanted)
        else:
            chosen, sums, gradient = _entropies(logits, targets, weights, smoothing, wanted=wanted)
        if gradient is not None:
            ctx.save_for_backward(gradient)
        losses = sums.mul_(-smoothing / logits.shape[1]).sub_(chosen, alpha=1 - smoothing)
        total = losses.sum() if weights is None else losses.squeeze(1) @ weights.float()
        exact = chosen.squeeze(1)
        ctx.mark_non_differentiable(exact)
        return total, exact

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor, _: Tensor) -> tuple[Tensor, None, None, None]:  # type: ignore[override]
        (gradient,) = ctx.saved_tensors
        return _scaled(gradient, upstream), None, None, None


def _entropies(
    logits: Tensor, targets: Tensor, weights: Tensor | None, smoothing: float, *, wanted: bool
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return log-probabilities of the targets, sums of all log-probabilities, both (rows, 1), and the gradient."""
    rows, size = logits.shape
    gradient = torch.empty_like(logits) if wanted else None
    chosen = logits.new_empty(rows, 1, dtype=torch.float32)
    sums = torch.empty_like(chosen)
    for block in _blocks(rows, logits.device):
        scores, truth = logits[block].float(), targets[block].unsqueeze(1)
        slope = scores.softmax(-1)
        # The log of the normaliser, computed from the likeliest word, whose probability is at least 1 / size: the
        # log of a smaller one could lose precision or be infinite.
        normaliser = scores.amax(-1, keepdim=True) - slope.amax(-1, keepdim=True).log()
        torch.sub(scores.gather(1, truth), normaliser, out=chosen[block])
        torch.sub(scores.sum(1, keepdim=True), normaliser, alpha=size, out=sums[block])
        if gradient is not None:
            slope.sub_(smoothing / size).scatter_add_(1, truth, torch.full_like(normaliser, smoothing - 1))
            gradient[block] = slope if weights is None else slope.mul_(weights[block].unsqueeze(1))
    return chosen, sums, gradient


def _blocks(rows: int, device: torch.device) -> Iterator[slice]:
    """Yield slices of rows: blocks that fit into the cache on a CPU, all rows at once on other devices."""
    step = _ROWS if device.type == "cpu" else max(rows, 1)
    return (slice(first, min(first + step, rows)) for first in range(0, rows, step))


def _scaled(gradient: Tensor, upstream: Tensor) -> Tensor:
    """Return gradient * upstream. In training `upstream` is 1, and on a CPU a pass over all logits is then saved."""
    if upstream.device.type == "cpu" and upstream == 1:
        return gradient
    return gradient * upstream.to(gradient.dtype)


def smoothed_cross_entropy(logits: Tensor, targets: Tensor, smoothing: float = 0.0) -> tuple[Tensor, Tensor]:
    """Cross-entropy with label smoothing (Szegedy et al., 2016, section 7).

    The target distribution has 1 - smoothing on the target, and smoothing spread evenly over the whole vocabulary. The
    loss equals that of `torch.nn.functional.cross_entropy(..., label_smoothing=smoothing, reduction="sum")`.

    Args:
        logits: (rows, vocabulary), without padding
        targets: (rows,)
        smoothing: 0 <= smoothing < 1

    Returns:
        The smoothed loss (), summed over rows, with a gradient; and the plain cross-entropy () in nats, summed over
        rows, without a gradient.
    """
    total, log_probabilities = cross_entropy_of_rows(logits, targets, smoothing)
    return total, -log_probabilities.sum()


def cross_entropy_of_rows(logits: Tensor, targets: Tensor, smoothing: float = 0.0) -> tuple[Tensor, Tensor]:
    """As `smoothed_cross_entropy`, but the second value is log p_i(target_i) (rows,) in nats, without a gradient."""
    return _CrossEntropy.apply(logits, targets, None, smoothing)


def weighted_cross_entropy(logits: Tensor, targets: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-entropy with a weight per row: sum_i w_i * -log p_i(target_i).

    If the targets are sampled from the model and the weights are the advantages of their sentences, the gradient is
    that of REINFORCE (Williams, 1992), as in self-critical training (Rennie et al., 2017, eq. 7).

    Args:
        logits: (rows, vocabulary), without padding
        targets: (rows,)
        weights: (rows,), positive or negative; they get no gradient

    Returns:
        The sum (), with a gradient; and log p_i(target_i) (rows,) in float32 (nats), without a gradient.
    """
    return _CrossEntropy.apply(logits, targets, weights, 0.0)


class _Divergence(torch.autograd.Function):
    """Symmetric divergence; like `_CrossEntropy` it computes its gradient in the forward pass."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, weight: float) -> Tensor:
        """Return the weighted sum () in float32 over the pairs of rows i and i + rows / 2."""
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
    """Return weight * sum_i KL(p_i || q_i) + KL(q_i || p_i), where p and q are two passes over the same rows.

    R-Drop (Wu et al., 2021, eq. 4) adds alpha / 2 times this sum to the cross-entropy of both passes, which differ in
    their dropout masks.

    Args:
        logits: (2 n, vocabulary): n rows of the first pass, then the same n rows of the second
        weight: factor of the sum

    Returns:
        (), in float32 (nats).
    """
    return _Divergence.apply(logits, weight)


def doubly_stochastic_penalty(attention: Tensor, steps: Tensor, positions: Tensor | None = None) -> Tensor:
    """Doubly stochastic attention penalty of Show, Attend and Tell (Xu et al., 2015, eq. 14).

    It is sum_i (1 - sum_t alpha_ti)^2 over the real positions i and the real steps t: how far the total attention paid
    to each position is from 1.

    Args:
        attention: (rows, time, positions)
        steps: (rows, time), True at real words
        positions: the mask of the memory (sentences, positions), True at real positions; None if all are real. If
            there are more rows than sentences, each sentence has `rows / sentences` neighbouring rows of attention.

    Returns:
        (rows,) in float32.
    """
    paid = (attention.transpose(1, 2) @ steps.to(attention.dtype).unsqueeze(2)).squeeze(2)  # (rows, positions)
    missing = (1 - paid).square()
    if positions is None:
        return missing.sum(1)
    real = positions.repeat_interleave(len(attention) // len(positions), 0)
    return missing.masked_fill(~real, 0).sum(1)
