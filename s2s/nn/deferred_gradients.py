"""Weight gradients of a loop over time, computed in one product after the loop instead of one small product per step.

    with deferred_gradients(decoder):
        for words in steps:
            ...

In the block a `DeferredWeight` stands in for every weight matrix W of the module (see `s2s.nn.weight_proxy`).

    forward,     W ----> _Gather ----> token
    once                                 |
                                         | every step takes the token
    forward,                             v
    each step    x_t ----------------> _Linear ----> y_t = x_t W^T          t = 1 ... T

    backward,    dx_t <--------------- _Linear <---- dy_t                   t = T ... 1
    each step                            |
                                         +----> steps[t] = (x_t, dy_t)      no gradient of W yet

    backward,    dW = D^T X <--------- _Gather <---- steps                  X = [x_1; ...; x_T]    (T x batch, inputs)
    last                                                                    D = [dy_1; ...; dy_T]  (T x batch, outputs)

Autograd runs the backward pass of `_Gather` last because every step depends on its token; the token carries no value.
One product of tall matrices is several times as fast as T products of `batch` rows, each of which reads and writes a
gradient as large as W.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from s2s.nn.weight_proxy import WeightProxy, weight_matrices

# Step number -> (inputs of the step (rows, inputs), gradient of its outputs (rows, outputs)).
_Steps = dict[int, tuple[Tensor, Tensor]]


class DeferredWeight(WeightProxy):
    """A matrix (outputs, inputs) whose gradient is computed after the backward pass of all steps."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self._weight = weight
        self._shared: tuple[Tensor, Tensor, _Steps] | None = None  # by all steps: the cast matrix, the token, the store
        self._step_count = 0

    def linear(self, inputs: Tensor, bias: Tensor | None = None) -> Tensor:
        """See `WeightProxy`."""
        if self._shared is None:
            steps: _Steps = {}
            cast = self._weight.detach().to(_products_dtype(self._weight))
            self._shared = cast, _Gather.apply(self._weight, steps), steps
        self._step_count += 1
        return _Linear.apply(inputs.to(self._shared[0].dtype), bias, *self._shared, self._step_count)

    def columns(self, where: tuple[slice, slice]) -> DeferredWeight:
        """See `WeightProxy`; the gradient of the columns flows into that of the whole matrix."""
        return DeferredWeight(self._weight[where])


@contextmanager
def deferred_gradients(module: nn.Module) -> Iterator[None]:
    """Defer the gradients of all weight matrices of `module` except embeddings; does nothing under `torch.no_grad`."""
    trained = weight_matrices(module) if torch.is_grad_enabled() else ()
    places = [(owner, name) for owner, name, weight in trained if weight.requires_grad]
    for owner, name in places:
        owner.__dict__[name] = DeferredWeight(getattr(owner, name))  # hides the parameter, which stays registered
    try:
        yield
    finally:
        for owner, name in places:
            del owner.__dict__[name]


class _Gather(torch.autograd.Function):
    """Turns a matrix into a token that every step takes, so that its backward pass runs after those of all steps."""

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
    """The product of one step; its backward pass stores what the weight gradient needs in `steps`."""

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
    """The dtype that autocast would use for a product with `weight`; outside autocast, the dtype of `weight`."""
    kind = weight.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else weight.dtype
