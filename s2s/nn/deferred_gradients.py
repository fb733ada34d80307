"""Weights in a loop over time: their gradients are one product after the loop, not a small one at each step.

    with deferred_gradients(decoder):
        for words in steps:
            ...

In the block a proxy takes the place of every matrix, and keeps what flows back at each step. The gradient over all
steps is one product of tall matrices, several times as fast as the sum of as many products of a batch's few rows, each
as large as the weight itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from s2s.nn.weight_proxy import WeightProxy, weight_matrices

_Steps = dict[int, tuple[Tensor, Tensor]]  # by their number: what went in, the gradient of what came out; (rows, dim)


class DeferredWeight(WeightProxy):
    """A matrix (outputs, inputs) whose gradient is made when all steps have been gone back."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self._weight = weight
        self._used: tuple[Tensor, Tensor, _Steps] | None = None
        self._uses = 0

    def linear(self, inputs: Tensor, bias: Tensor | None = None) -> Tensor:
        """See `WeightProxy`."""
        if self._used is None:
            steps: _Steps = {}
            cast = self._weight.detach().to(_products_dtype(self._weight))
            self._used = cast, _Gather.apply(self._weight, steps), steps
        self._uses += 1
        return _Linear.apply(inputs.to(self._used[0].dtype), bias, *self._used, self._uses)

    def columns(self, where: tuple[slice, slice]) -> DeferredWeight:
        """Taken with a gradient."""
        return DeferredWeight(self._weight[where])


@contextmanager
def deferred_gradients(module: nn.Module) -> Iterator[None]:
    """Defer the gradients of all matrices of `module` but embeddings, where there are gradients at all."""
    learned = weight_matrices(module) if torch.is_grad_enabled() else ()
    places = [(owner, name) for owner, name, weight in learned if weight.requires_grad]
    for owner, name in places:
        owner.__dict__[name] = DeferredWeight(getattr(owner, name))  # hides the parameter, which stays where it is
    try:
        yield
    finally:
        for owner, name in places:
            del owner.__dict__[name]


class _Gather(torch.autograd.Function):
    """A token that every step takes: so its backward pass is after theirs, when all of `steps` is there."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, steps: _Steps) -> Tensor:
        ctx.steps, ctx.precision = steps, weight.dtype
        return weight.new_zeros(())

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, _: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        inputs, gradients = map(torch.cat, zip(*ctx.steps.values()))
        ctx.steps.clear()
        return (gradients.t() @ inputs).to(ctx.precision), None


class _Linear(torch.autograd.Function):
    """One step's product."""

    @staticmethod
    def forward(
        ctx: Any, inputs: Tensor, bias: Tensor | None, weight: Tensor, token: Tensor, steps: _Steps, number: int
    ) -> Tensor:
        ctx.save_for_backward(inputs, weight)
        ctx.steps, ctx.number, ctx.bias = steps, number, None if bias is None else bias.dtype
        return nn.functional.linear(inputs, weight, None if bias is None else bias.to(weight.dtype))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        inputs, weight = ctx.saved_tensors
        rows = gradient.flatten(0, -2)
        ctx.steps[ctx.number] = inputs.flatten(0, -2), rows
        bias = None if ctx.bias is None else rows.sum(0, dtype=ctx.bias)
        return gradient @ weight, bias, None, weight.new_zeros(()), None, None


def _products_dtype(weight: Tensor) -> torch.dtype:
    """Of a product under autocast, as it would cast; else the weight's own."""
    kind = weight.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else weight.dtype
