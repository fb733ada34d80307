"""The layers of a Transformer: attention and feed-forward sublayers, each inside a sum with its input.

pre-norm     x + dropout(sublayer(norm(x)))      (Xiong et al., 2020): trains without a long warm-up
post-norm    norm(x + dropout(sublayer(x)))      (Vaswani et al., 2017)
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from s2s.nn.configuration import NormKind
from s2s.nn.dropout import Dropout
from s2s.nn.multi_head import KeysValues, MultiHeadAttention


@dataclass(frozen=True)
class LayerShape:
    """The shape of a layer, and its rates of dropout; see `s2s.models.configuration.TransformerShape`."""

    dim: int
    heads: int
    feedforward_dim: int
    norm: NormKind
    residual_dropout: float = 0.0
    feedforward_dropout: float = 0.0
    attention_dropout: float = 0.0


class PreNorm(nn.Module):
    """What stands around a sublayer: x + dropout(sublayer(norm(x)))."""

    def __init__(self, dim: int, dropout: float) -> None:
        super().__init__()
        self.norm, self.dropout = nn.LayerNorm(dim), Dropout(dropout)

    def before(self, inputs: Tensor) -> Tensor:
        """What the sublayer reads."""
        return self.norm(inputs)

    def after(self, inputs: Tensor, found: Tensor) -> Tensor:
        """What follows from the inputs and from what the sublayer found."""
        return inputs + self.dropout(found)


class PostNorm(PreNorm):
    """What stands around a sublayer: norm(x + dropout(sublayer(x)))."""

    def before(self, inputs: Tensor) -> Tensor:
        """See `PreNorm.before`."""
        return inputs

    def after(self, inputs: Tensor, found: Tensor) -> Tensor:
        """See `PreNorm.after`."""
        return self.norm(inputs + self.dropout(found))


NORMS: dict[NormKind, type[PreNorm]] = {"pre": PreNorm, "post": PostNorm}


class FeedForward(nn.Module):
    """W_2 relu(W_1 x + b_1) + b_2, at each position (Vaswani et al., 2017, 3.3)."""

    def __init__(self, dim: int, units: int, dropout: float) -> None:
        super().__init__()
        self.inner, self.outer, self.dropout = nn.Linear(dim, units), nn.Linear(units, dim), Dropout(dropout)
        for layer in (self.inner, self.outer):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, inputs: Tensor) -> Tensor:
        """(..., dim) -> (..., dim)."""
        return self.outer(self.dropout(self.inner(inputs).relu()))


class EncoderLayer(nn.Module):
    """Self-attention, then feed-forward."""

    def __init__(self, shape: LayerShape) -> None:
        super().__init__()
        around = NORMS[shape.norm]
        self.attention = MultiHeadAttention(shape.dim, shape.dim, shape.heads, shape.attention_dropout)
        self.feed_forward = FeedForward(shape.dim, shape.feedforward_dim, shape.feedforward_dropout)
        self.around_attention = around(shape.dim, shape.residual_dropout)
        self.around_feed_forward = around(shape.dim, shape.residual_dropout)

    def forward(self, inputs: Tensor, allowed: Tensor | None) -> Tensor:
        """(batch, positions, dim) -> (batch, positions, dim); see `head_weights` for `allowed`."""
        read = self.around_attention.before(inputs)
        inputs = self.around_attention.after(inputs, self.attention(read, self.attention.project(read), allowed))
        found = self.feed_forward(self.around_feed_forward.before(inputs))
        return self.around_feed_forward.after(inputs, found)


class DecoderLayer(nn.Module):
    """Self-attention over what was written, attention over the memory, then feed-forward.

    Args:
        shape: of the layer
        memory_dim: width of the memory's vectors; None without a memory
    """

    def __init__(self, shape: LayerShape, memory_dim: int | None) -> None:
        super().__init__()
        around, self.memory_attention = NORMS[shape.norm], None
        self.attention = MultiHeadAttention(shape.dim, shape.dim, shape.heads, shape.attention_dropout)
        self.around_attention = around(shape.dim, shape.residual_dropout)
        if memory_dim is not None:
            self.memory_attention = MultiHeadAttention(shape.dim, memory_dim, shape.heads, shape.attention_dropout)
            self.around_memory_attention = around(shape.dim, shape.residual_dropout)
        self.feed_forward = FeedForward(shape.dim, shape.feedforward_dim, shape.feedforward_dropout)
        self.around_feed_forward = around(shape.dim, shape.residual_dropout)

    def forward(
        self,
        inputs: Tensor,
        past: KeysValues | None,
        memory: KeysValues | None,
        causal: Tensor | None,
        mask: Tensor | None,
        *,
        looking: bool = False,
    ) -> tuple[Tensor, KeysValues, Tensor | None]:
        """Read some more words.

        Args:
            inputs: (rows, time, dim)
            past: keys and values of the words before; None at the beginning
            memory: keys and values of the memory, for each sentence; None without one
            causal: (time, words before + time), True where a word may look; None for everywhere
            mask: (sentences, 1, 1, positions), True where the memory is real; None for everywhere
            looking: whether the weights of the attention over the memory are returned

        Returns:
            (rows, time, dim); the keys and values of all words; the weights (rows, time, positions), or None
        """
        read, weights = self.around_attention.before(inputs), None
        own = self.attention.project(read)
        if past is not None:
            own = past.then(own)
        inputs = self.around_attention.after(inputs, self.attention(read, own, causal))
        if self.memory_attention is not None and memory is not None:
            read = self.around_memory_attention.before(inputs)
            if looking:
                weights = self.memory_attention.weights(read, memory, mask)
            inputs = self.around_memory_attention.after(inputs, self.memory_attention(read, memory, mask))
        found = self.feed_forward(self.around_feed_forward.before(inputs))
        return self.around_feed_forward.after(inputs, found), own, weights


def last_norm(shape: LayerShape) -> nn.Module:
    """What stands above the last layer: a normalisation, where the layers have none after their sums."""
    return nn.LayerNorm(shape.dim) if shape.norm == "pre" else nn.Identity()


def causal_mask(before: int, time: int, device: torch.device) -> Tensor | None:
    """(time, before + time), True where a word may look: at itself and all words before it; None for one word."""
    if time == 1:
        return None
    return torch.ones(time, before + time, dtype=torch.bool, device=device).tril(before)
