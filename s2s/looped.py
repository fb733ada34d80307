"""Matrix products inside a loop over time, whose weights cost nothing there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from s2s.precision import product_dtype
from s2s.recurrent import RecurrentLayer, States

Product = Callable[[Tensor], Tensor]  # (rows, inputs) -> (rows, outputs)
ProductKind = Callable[[Tensor], Product]  # of a weight (outputs, inputs)


def single(weight: Tensor) -> Product:
    """The product x W^T of one step alone."""
    return partial(torch.nn.functional.linear, weight=weight)


@dataclass(frozen=True)
class _Tape:
    """Of each step on the way back, what the weight's gradient is made of: (rows, inputs) and (rows, outputs)."""

    inputs: list[Tensor] = field(default_factory=list)
    gradients: list[Tensor] = field(default_factory=list)


class Looped:
    """The products x W^T of all the steps of one loop.

    Autograd would form a gradient as large as the weight at each step and add them up, in bfloat16 where the products
    are. Here the weight is cast once, and its gradient is one product over all steps, after the last of them.
    """

    def __init__(self, weight: Tensor) -> None:
        self._weight = weight.detach().to(product_dtype(weight))
        self._tape = _Tape()
        self._token = _Collect.apply(weight, self._tape)

    def __call__(self, inputs: Tensor) -> Tensor:
        """(rows, inputs) -> (rows, outputs), in the precision of products."""
        return _Product.apply(inputs.to(self._weight.dtype), self._token, self._weight, self._tape)


class _Collect(torch.autograd.Function):
    """Gives a token that every step takes, so that autograd comes back here when it has been at all of them."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, tape: _Tape) -> Tensor:
        ctx.tape, ctx.precision = tape, weight.dtype
        return weight.new_zeros(())

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, _: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        gradient = torch.cat(ctx.tape.gradients).t() @ torch.cat(ctx.tape.inputs)
        ctx.tape.gradients.clear()
        ctx.tape.inputs.clear()
        return gradient.to(ctx.precision), None


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, inputs: Tensor, token: Tensor, weight: Tensor, tape: _Tape) -> Tensor:
        ctx.tape = tape
        ctx.save_for_backward(inputs, weight, token)
        return torch.nn.functional.linear(inputs, weight)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:  # type: ignore[override]
        inputs, weight, token = ctx.saved_tensors
        if ctx.needs_input_grad[1]:
            ctx.tape.inputs.append(inputs)
            ctx.tape.gradients.append(gradient)
        return gradient @ weight if ctx.needs_input_grad[0] else None, torch.zeros_like(token), None, None


def bound(layer: RecurrentLayer, product: ProductKind) -> Callable[[Tensor, States], States]:
    """The layer's step, (rows, input_dim) and a state -> the next state, with its products made by `product`."""
    inwards, recurrent = product(layer.weight_input), product(layer.weight_hidden)

    def step(inputs: Tensor, states: States) -> States:
        return layer.cell.advance(inwards(inputs) + layer.bias, recurrent(states[0]), states)

    return step
