"""Cross-entropy by a compiled operator, which reads the logits of a row while they are in the cache."""

from __future__ import annotations

import torch
from torch import Tensor

from s2s.kernels.operators import Operators


def entropies(
    operators: Operators,
    logits: Tensor,
    targets: Tensor,
    weights: Tensor | None,
    smoothing: float,
    *,
    wanted: bool,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return what `_entropies` in s2s/nn/loss.py returns.

    Args:
        operators: of this process
        logits: (rows, vocabulary), in float32 or bfloat16
        targets: (rows,)
        weights: of the rows (rows,), for the gradient; None for 1
        smoothing: see `smoothed_cross_entropy`
        wanted: whether the gradient is

    Returns:
        log-probabilities of the targets, and sums of all log-probabilities, both (rows, 1) in float32; and the gradient
        (rows, vocabulary) if it is wanted, else None
    """
    rows, size = logits.shape
    chosen = logits.new_empty(rows, 1, dtype=torch.float32)
    sums = torch.empty_like(chosen)
    gradient = torch.empty_like(logits, memory_format=torch.contiguous_format) if wanted else None
    factors = None if weights is None else weights.float().contiguous()
    arrays = logits.contiguous(), targets.contiguous(), factors, smoothing, chosen, sums, gradient
    operators.call("cross_entropy", logits.dtype, rows, size, *arrays)
    return chosen, sums, gradient
