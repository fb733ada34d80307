"""Weights in a loop over time: their gradients are one product after the loop, not a small one at each step.

    with deferred(decoder):
        for words in steps:
            ...

In the block every matrix by which `torch.nn.functional.linear` multiplies is replaced by an object that keeps what
flows back at each step. The gradient over all steps is one product of tall matrices, several times as fast as the sum
of as many products of a batch's few rows, each as large as the weight itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

_Steps = list[tuple[Tensor, Tensor]]  # of each: what went in, and the gradient of what came out; both (rows, dim)


class DeferredWeight:
    """A matrix (outputs, inputs) by which `linear` multiplies, and from which columns can be taken."""

    def __init__(self, weight: Tensor) -> None:
        self._weight = weight
        self._columns: dict[str, DeferredWeight] = {}
        self._used: tuple[Tensor, Tensor, _Steps] | None = None

    def linear(self, inputs: Tensor, bias: Tensor | None = None) -> Tensor:
        """(..., inputs) -> inputs W^T + bias (..., outputs)."""
        if self._used is None:
            steps: _Steps = []
            cast = self._weight.detach().to(_products_dtype(self._weight))
            self._used = cast, _Gather.apply(self._weight, steps), steps
        weight, token, steps = self._used
        return _Linear.apply(inputs.to(weight.dtype), weight, bias, token, steps)

    def __getitem__(self, where: tuple[slice, slice]) -> DeferredWeight:
        """Columns, which are taken once."""
        return self._columns.setdefault(repr(where), DeferredWeight(self._weight[where]))

    @classmethod
    def __torch_function__(
        cls,
        function: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """What PyTorch calls where one of these is among the arguments of one of its functions."""
        if function is not nn.functional.linear:
            return NotImplemented
        inputs, weight, *bias = args
        return weight.linear(inputs, *bias)


@contextmanager
def deferred(module: nn.Module) -> Iterator[None]:
    """Defer the gradients of all matrices of `module` but embeddings, where there are gradients at all."""
    places = [
        (owner, name, weight)
        for owner in (module.modules() if torch.is_grad_enabled() else ())
        if not isinstance(owner, nn.Embedding)
        for name, weight in owner.named_parameters(recurse=False)
        if weight.dim() == 2 and weight.requires_grad
    ]
    for owner, name, weight in places:
        owner.__dict__[name] = DeferredWeight(weight)  # hides the parameter, which stays where it is
    try:
        yield
    finally:
        for owner, name, _ in places:
            del owner.__dict__[name]


class _Gather(torch.autograd.Function):
    """A token that every step takes: so its backward pass is after theirs, when all of `steps` is there."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, steps: _Steps) -> Tensor:
        ctx.steps, ctx.precision = steps, weight.dtype
        return weight.new_zeros(())

    @staticmethod
    def backward(ctx: Any, _: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        inputs, gradients = map(torch.cat, zip(*ctx.steps))
        ctx.steps.clear()
        return (gradients.t() @ inputs).to(ctx.precision), None


class _Linear(torch.autograd.Function):
    """One step's product."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, weight: Tensor, bias: Tensor | None, token: Tensor, steps: _Steps) -> Tensor:
        ctx.save_for_backward(inputs, weight)
        ctx.steps, ctx.bias = steps, None if bias is None else bias.dtype
        return nn.functional.linear(inputs, weight, None if bias is None else bias.to(weight.dtype))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, Tensor | None, Tensor, None]:  # type: ignore[override]
        inputs, weight = ctx.saved_tensors
        rows = gradient.flatten(0, -2)
        ctx.steps.append((inputs.flatten(0, -2), rows))
        bias = None if ctx.bias is None else rows.sum(0, dtype=ctx.bias)
        return gradient @ weight, None, bias, weight.new_zeros(()), None


def _products_dtype(weight: Tensor) -> torch.dtype:
    """Of a product under autocast, as it would cast; else the weight's own."""
    kind = weight.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else weight.dtype
