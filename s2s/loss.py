"""The loss: label-smoothed cross-entropy over real positions."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

_ROWS = 128  # at a time: their float32 logits stay in the processor's cache


class _SmoothedCrossEntropy(torch.autograd.Function):
    """Forms the gradient on the way forward, while a block of logits is in the cache."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
        rows, size = logits.shape
        gradient = torch.empty_like(logits)
        total = logits.new_zeros((), dtype=torch.float32)
        exact = torch.zeros_like(total)
        step = _ROWS if logits.device.type == "cpu" else rows
        for first in range(0, rows, max(step, 1)):
            block = slice(first, first + step)
            log_probabilities = logits[block].float().log_softmax(-1)
            truth = targets[block].unsqueeze(1)
            chosen = log_probabilities.gather(1, truth)
            exact -= chosen.sum()
            total -= log_probabilities.sum() * (smoothing / size)
            slope = log_probabilities.exp_().sub_(smoothing / size)
            slope.scatter_add_(1, truth, torch.full_like(chosen, smoothing - 1))
            gradient[block] = slope
        ctx.save_for_backward(gradient)
        ctx.mark_non_differentiable(exact)
        return total + (1 - smoothing) * exact, exact

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor, _: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[override]
        (gradient,) = ctx.saved_tensors
        return gradient * upstream.to(gradient.dtype), None, None


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
    return _SmoothedCrossEntropy.apply(logits, targets, smoothing)
