"""The Transformer encoder: self-attention over a source sentence (Vaswani et al., 2017)."""

from __future__ import annotations

from torch import Tensor, nn

from s2s.models.configuration import TransformerDropout, TransformerEncoderConfig, TransformerShape
from s2s.models.memory import Memory, Segment, masked_mean
from s2s.nn.dropout import Dropout
from s2s.nn.positions import build_positions
from s2s.nn.transformer_layers import EncoderLayer, LayerShape, last_norm
from s2s.text.padding import Padded


def layer_shape(config: TransformerShape, dropout: TransformerDropout) -> LayerShape:
    """What a layer needs to know of a configuration."""
    rates = dropout.residual, dropout.feedforward, dropout.attention
    return LayerShape(config.dim, config.heads, config.feedforward_dim, config.norm, *rates)


class TransformerEncoder(nn.Module):
    """Embeddings with positions, and layers of self-attention. The grid has one vector a token.

    x_0 = dropout(sqrt(dim) E w + PE),   x_l = layer_l(x_{l-1}),   grid = norm(x_n) (pre-norm) or x_n (post-norm)

    Embeddings of another width are projected. The summary is the mean of the grid, for decoders that start from one.

    Args:
        config: the shape
        embedding: that of the decoder where source and target share one vocabulary
    """

    def __init__(self, config: TransformerEncoderConfig, embedding: nn.Embedding) -> None:
        super().__init__()
        self.config, self.embedding, self.output_dim = config, embedding, config.dim
        shape, width = layer_shape(config, config.dropout), embedding.embedding_dim
        self.scale = width**0.5
        self.input = nn.Identity() if width == config.dim else nn.Linear(width, config.dim)
        self.positions = build_positions(config.positions, config.dim)
        self.drop_word = Dropout(config.dropout.word, shared=-1)
        self.drop_embedding = Dropout(config.dropout.embedding)
        self.layers = nn.ModuleList(EncoderLayer(shape) for _ in range(config.layers))
        self.norm = last_norm(shape)

    def forward(self, source: Padded) -> Memory:
        """Token ids (batch, positions) -> grid (batch, positions, dim) and summary (batch, dim)."""
        signal, mask = self.embed(source), source.mask
        allowed = mask[:, None, None, :]  # (batch, heads, positions that look, positions looked at)
        for layer in self.layers:
            signal = layer(signal, allowed)
        grid = self.norm(signal)
        return Memory(grid, mask, masked_mean(grid, mask), (Segment("source", grid.shape[1]),))

    def embed(self, source: Padded) -> Tensor:
        """What the lowest layer reads of each token: (batch, positions, dim)."""
        words = self.input(self.drop_word(self.embedding(source.ids)) * self.scale)
        return self.drop_embedding(words + self.positions(0, words.shape[1], words))
