"""Multi-head attention: several small attentions side by side, each by scaled dot products (Vaswani et al., 2017, 3.2).

    MultiHead(X, M) = [head_1; ...; head_n] W_o,   head_i = softmax(Q_i K_i^T / sqrt(d)) V_i

    Q = X W_q   of what looks, (batch, time, dim)           d = dim / n, the width of a head
    K = M W_k   of what is looked at,                       Q_i: the i-th part of Q, d features wide
    V = M W_v   (batch, positions, memory_dim)

In self-attention M is X. Keys and values are projected apart from the queries, so that a cache can hold them.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention


class KeysValues(NamedTuple):
    """What is looked at, as the heads see it: each (batch, heads, positions, dim / heads)."""

    keys: Tensor
    values: Tensor

    def then(self, later: KeysValues) -> KeysValues:
        """These positions, and later ones behind them."""
        return KeysValues(*(torch.cat(pair, 2) for pair in zip(self, later)))


def head_weights(queries: Tensor, keys: Tensor, allowed: Tensor | None) -> Tensor:
    """The weights that `ScaledDotProduct` takes the mean with: (batch, heads, time, positions) in float32.

    Args:
        queries: (batch, heads, time, d)
        keys: (batch, heads, positions, d)
        allowed: broadcast to the weights, True where may be looked at; None for everywhere. Where nothing is allowed,
            the weights are 0
    """
    scores = (queries * queries.shape[-1] ** -0.5) @ keys.transpose(2, 3)
    scores = scores.to(torch.promote_types(scores.dtype, torch.float32))
    if allowed is None:
        return scores.softmax(-1)
    return scores.masked_fill(~allowed, torch.finfo(scores.dtype).min).softmax(-1).masked_fill(~allowed, 0)


class ScaledDotProduct(nn.Module):
    """softmax(Q K^T / sqrt(d)) V, of all heads at once.

    Args:
        dropout: share of the weights that are dropped in training
    """

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.dropout = dropout

    def forward(self, queries: Tensor, keys: Tensor, values: Tensor, allowed: Tensor | None) -> Tensor:
        """(batch, heads, time, d); see `head_weights` for the arguments."""
        dropout, where = self.dropout if self.training else 0.0, queries.device.type
        if where == "cpu" and queries.dtype == torch.bfloat16 and torch.is_grad_enabled():
            # In bfloat16 the backward pass of PyTorch's kernel for CPUs takes seven times as long (torch 2.15).
            queries, keys, values = (each.float() for each in (queries, keys, values))
            with torch.autocast(where, enabled=False):
                return scaled_dot_product_attention(queries, keys, values, attn_mask=allowed, dropout_p=dropout)
        return scaled_dot_product_attention(queries, keys, values, attn_mask=allowed, dropout_p=dropout)


class MultiHeadAttention(nn.Module):
    """See the module's docstring.

    Args:
        dim: width of what looks, and of the result
        memory_dim: width of what is looked at
        heads: how many there are; divides `dim`
        dropout: share of the weights that are dropped in training
    """

    def __init__(self, dim: int, memory_dim: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(dim, dim)
        self.key_value = nn.Linear(memory_dim, 2 * dim)
        self.product = ScaledDotProduct(dropout)
        self.output = nn.Linear(dim, dim)
        for layer in (self.query, self.key_value):
            nn.init.xavier_uniform_(layer.weight, gain=2**-0.5)  # as PyTorch's, which draws all three as one matrix
        nn.init.xavier_uniform_(self.output.weight)
        for layer in (self.query, self.key_value, self.output):
            nn.init.zeros_(layer.bias)

    def project(self, memory: Tensor) -> KeysValues:
        """What is looked at, (batch, positions, memory_dim), as the heads see it."""
        return KeysValues(*(self._split(part) for part in self.key_value(memory).chunk(2, -1)))

    def forward(self, inputs: Tensor, memory: KeysValues, allowed: Tensor | None) -> Tensor:
        """Look from inputs (batch, time, dim) -> (batch, time, dim).

        The rows of `inputs` may be several to one of `memory`, side by side: they look at one memory, which is not
        copied. Then `allowed` must not tell one time from another.
        """
        context = self.product(self._queries(inputs, memory), *memory, allowed)  # (batch, heads, time, d)
        return self.output(context.transpose(1, 2).reshape(inputs.shape))

    def weights(self, inputs: Tensor, memory: KeysValues, allowed: Tensor | None) -> Tensor:
        """The mean over the heads of the weights that `forward` looks with: (batch, time, positions) in float32."""
        looks = head_weights(self._queries(inputs, memory), memory.keys, allowed).mean(1)
        return looks.reshape(*inputs.shape[:2], -1)

    def _queries(self, inputs: Tensor, memory: KeysValues) -> Tensor:
        """(batch, heads, time, d), where all rows that look at one memory are one after the other along time."""
        queries = self.query(inputs)
        return self._split(queries.reshape(len(memory.keys), -1, queries.shape[-1]))

    def _split(self, vectors: Tensor) -> Tensor:
        """(batch, time, dim) -> (batch, heads, time, d)."""
        return vectors.unflatten(-1, (self.heads, -1)).transpose(1, 2)
