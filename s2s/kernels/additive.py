"""Scores of additive attention by compiled operators, which store no (batch, queries, positions, dim) tensor."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.autograd.function import Function, once_differentiable

from s2s.kernels.operators import Operators


class CompiledAdditiveScore(Function):
    """See `_AdditiveScore` in s2s/nn/attention.py; the way back computes the sigmoids again."""

    @staticmethod
    def forward(ctx: Any, queries: Tensor, keys: Tensor, energy: Tensor, operators: Operators) -> Tensor:
        """(batch, queries, dim), (batch, positions, dim), (dim,) -> (batch, queries, positions) in float32."""
        queries, keys, doubled = (2 * queries).contiguous(), keys.contiguous(), 2 * energy.float()
        (batch, count, dim), positions = queries.shape, keys.shape[1]
        scores = doubled.new_empty(batch, count, positions)
        sizes = batch, count, positions, dim
        operators.call("additive_forward", queries.dtype, *sizes, queries, keys, doubled, scores)
        ctx.save_for_backward(queries, keys, doubled)
        ctx.operators, ctx.precision = operators, energy.dtype
        return scores

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:  # type: ignore[override]
        """The derivative of a sigmoid s is s (1 - s)."""
        queries, keys, doubled = ctx.saved_tensors
        (batch, count, dim), positions = queries.shape, keys.shape[1]
        upstream = gradient.float().contiguous()
        of_queries, of_keys = doubled.new_zeros(batch, count, dim), doubled.new_zeros(batch, positions, dim)
        of_energy = doubled.new_zeros(batch, dim)
        arrays = queries, keys, upstream, of_queries, of_keys, of_energy
        ctx.operators.call("additive_backward", queries.dtype, batch, count, positions, dim, *arrays)
        of_queries.mul_(2 * doubled)
        of_keys.mul_(doubled)
        return of_queries.to(queries.dtype), of_keys.to(keys.dtype), of_energy.sum(0).mul_(2).to(ctx.precision), None
