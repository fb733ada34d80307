"""Attention: score every position of the grid, mask, softmax, and take the weighted mean of the values.

The same call serves all steps of teacher forcing and a single step of search: queries (batch, queries, query_dim) look
at keys (batch, positions, key_dim). In search the queries of a sentence are its hypotheses, so the grid is not copied.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from s2s.errors import check
from s2s.kernels.additive import CompiledAdditiveScore
from s2s.kernels.operators import operators_for
from s2s.nn.configuration import (
    AdditiveConfig,
    AttentionConfig,
    DotConfig,
    GeneralConfig,
    ScaledDotConfig,
    SoftAttentionConfig,
)

_CACHED = 2**22  # elements of a block, which several passes read: it should stay in the processor's cache


class Look(NamedTuple):
    """What attention returns.

    Attributes:
        context: (batch, queries, value_dim), the weighted mean of the values
        weights: (batch, queries, positions) in float32 (float64 where the scores are). They sum to 1, are 0 on padding,
            and are all 0 where no position is real
        log_probability: (batch, queries), of the positions that were sampled; None for attention that does not sample
        entropy: (batch, queries), in nats, of the distribution that they were sampled from; None likewise
    """

    context: Tensor
    weights: Tensor
    log_probability: Tensor | None = None
    entropy: Tensor | None = None


class Attention(nn.Module):
    """What all kinds of attention share. A kind defines how keys are projected and how a query scores them.

    Args:
        config: the kind and its shape
        query_dim: width of the decoder's state
        memory_dim: width of the grid's vectors
    """

    def __init__(self, config: AttentionConfig, query_dim: int, memory_dim: int) -> None:
        super().__init__()
        self.query_dim, self.memory_dim = query_dim, memory_dim

    def keys(self, grid: Tensor) -> Tensor:
        """(batch, positions, memory_dim) -> (batch, positions, key_dim), computed once a sentence."""
        raise NotImplementedError

    def score(self, queries: Tensor, keys: Tensor) -> Tensor:
        """(batch, queries, query_dim), (batch, positions, key_dim) -> (batch, queries, positions)."""
        raise NotImplementedError

    def forward(self, queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Look:
        """Look at the grid.

        Args:
            queries: (batch, queries, query_dim)
            keys: (batch, positions, key_dim), from `keys`
            values: (batch, positions, value_dim)
            mask: (batch, positions), True where real, or None where all are
        """
        weights = masked(self.score(queries, keys), mask).softmax(-1)
        if mask is not None:
            weights = weights.masked_fill(~mask.unsqueeze(1), 0)
        return Look(weights.to(values.dtype) @ values, weights)


def masked(scores: Tensor, mask: Tensor | None) -> Tensor:
    """Scores in at least float32, with the lowest number at padding.

    Args:
        scores: (batch, queries, positions)
        mask: (batch, positions), True where real, or None where all are

    The number is the lowest finite number, not -inf: a row of padding alone would become NaN in a softmax.
    """
    scores = scores.to(torch.promote_types(scores.dtype, torch.float32))
    return scores if mask is None else scores.masked_fill(~mask.unsqueeze(1), torch.finfo(scores.dtype).min)


class DotAttention(Attention):
    """score = q . k (Luong et al., 2015, eq. 8, dot): it has no parameters, so queries and grid need the same width."""

    scale = 1.0

    def __init__(self, config: AttentionConfig, query_dim: int, memory_dim: int) -> None:
        super().__init__(config, query_dim, memory_dim)
        check(
            query_dim == memory_dim,
            f"dot attention needs a decoder as wide as the memory, not {query_dim} against {memory_dim}: "
            "change the dimensions, or choose 'general' or 'additive'",
        )

    def keys(self, grid: Tensor) -> Tensor:
        """The grid itself."""
        return grid

    def score(self, queries: Tensor, keys: Tensor) -> Tensor:
        """See the equation in the class."""
        return (queries.to(keys.dtype) * self.scale) @ keys.transpose(1, 2)


class ScaledDotAttention(DotAttention):
    """score = q . k / sqrt(dim) (Vaswani et al., 2017, eq. 1)."""

    def __init__(self, config: AttentionConfig, query_dim: int, memory_dim: int) -> None:
        super().__init__(config, query_dim, memory_dim)
        self.scale = query_dim**-0.5


class GeneralAttention(Attention):
    """score = q W k (Luong et al., 2015, eq. 8, general)."""

    def __init__(self, config: AttentionConfig, query_dim: int, memory_dim: int) -> None:
        super().__init__(config, query_dim, memory_dim)
        self.key = nn.Linear(memory_dim, query_dim, bias=False)

    def keys(self, grid: Tensor) -> Tensor:
        """W k, in the queries' space."""
        return self.key(grid)

    def score(self, queries: Tensor, keys: Tensor) -> Tensor:
        """See the equation in the class."""
        return queries.to(keys.dtype) @ keys.transpose(1, 2)


class AdditiveAttention(Attention):
    """score = v . tanh(W q + U k) (Bahdanau et al., 2015, A.1.2).

    tanh(x) = 2 sigmoid(2x) - 1, so v . tanh(x) = 2 v . sigmoid(2x) - sum(v). The softmax ignores the constant sum(v).
    The keys hold 2 U k, so that the doubling is done once a sentence and not at every step.
    """

    def __init__(self, config: AdditiveConfig, query_dim: int, memory_dim: int) -> None:
        super().__init__(config, query_dim, memory_dim)
        dim = config.dim
        self.query = nn.Linear(query_dim, dim, bias=False)
        self.key = nn.Linear(memory_dim, dim)
        self.energy = nn.Parameter(torch.empty(dim).uniform_(-(dim**-0.5), dim**-0.5))

    def keys(self, grid: Tensor) -> Tensor:
        """2 U k."""
        return 2 * self.key(grid)

    def score(self, queries: Tensor, keys: Tensor) -> Tensor:
        """See the equation in the class."""
        queries = self.query(queries)
        if operators := operators_for(queries, keys):
            return CompiledAdditiveScore.apply(queries, keys, self.energy, operators)
        return _AdditiveScore.apply(queries, keys, self.energy)


class _AdditiveScore(torch.autograd.Function):
    """2 v . sigmoid(2q + k). The sigmoids, (batch, queries, positions, dim), are kept for the backward pass."""

    @staticmethod
    def forward(ctx: Any, queries: Tensor, keys: Tensor, energy: Tensor) -> Tensor:
        """(batch, queries, dim), (batch, positions, dim), (dim,) -> (batch, queries, positions)."""
        ctx.precision = energy.dtype
        energy, queries = 2 * energy.to(queries.dtype), (2 * queries).unsqueeze(2)
        (batch, count, _, dim), positions = queries.shape, keys.shape[1]
        dtype = torch.promote_types(queries.dtype, keys.dtype)
        cube = queries.new_empty(batch, count, positions, dim, dtype=dtype)
        scores = cube.new_empty(batch, count, positions)
        for block in _blocks(cube):
            part = torch.add(queries[block], keys[block].unsqueeze(1), out=cube[block]).sigmoid_()
            scores[block] = part @ energy
        ctx.save_for_backward(cube, energy)
        return scores

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:  # type: ignore[override]
        """The derivative of a sigmoid s is s (1 - s)."""
        cube, energy = ctx.saved_tensors
        gradient = gradient.to(cube.dtype)
        batch, count, positions, dim = cube.shape
        queries, keys = cube.new_empty(batch, count, dim), cube.new_empty(batch, positions, dim)
        energies = torch.zeros_like(energy, dtype=ctx.precision)
        for block in _blocks(cube):
            part, upstream = cube[block], gradient[block]
            energies += upstream.flatten() @ part.flatten(0, 2)
            slope = torch.addcmul(part, part, part, value=-1).mul_(upstream.unsqueeze(-1))
            torch.sum(slope, 2, out=queries[block])
            torch.mul(slope.squeeze(1) if count == 1 else slope.sum(1), energy, out=keys[block])
        return queries.mul_(2 * energy), keys, energies.mul_(2)


def _blocks(cube: Tensor) -> list[slice]:
    """Slices of sentences, each so small that its part of the cube stays in the cache between passes."""
    step = len(cube) if cube.device.type != "cpu" else max(1, _CACHED // max(1, cube[:1].numel()))
    return [slice(first, first + step) for first in range(0, len(cube), max(step, 1))]


SOFT_ATTENTIONS: dict[type[SoftAttentionConfig], type[Attention]] = {
    AdditiveConfig: AdditiveAttention,
    DotConfig: DotAttention,
    ScaledDotConfig: ScaledDotAttention,
    GeneralConfig: GeneralAttention,
}
