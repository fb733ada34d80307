"""Text encoders, each registered by the type of its configuration: recurrent layers, or those of a Transformer."""

from __future__ import annotations

from typing import Any, overload

import torch
from torch import Tensor, nn

from s2s.models.configuration import RecurrentEncoderConfig, TextEncoderConfig, TransformerEncoderConfig
from s2s.models.memory import Memory, Segment, masked_mean
from s2s.models.transformer_encoder import TransformerEncoder
from s2s.nn.dropout import Dropout
from s2s.nn.recurrent import RecurrentEncoder
from s2s.text.padding import Padded
from s2s.text.tokens import PAD


class TextEncoder(nn.Module):
    """Embeddings and recurrent layers. The grid has one vector a token, and the summary is their mean.

    Attributes:
        config: the shape

    Args:
        config: the shape
        embedding: that of the decoder where source and target share one vocabulary
        extra_dim: the width of what `embed` of a subclass adds to the embeddings
    """

    def __init__(self, config: RecurrentEncoderConfig, embedding: nn.Embedding, extra_dim: int = 0) -> None:
        super().__init__()
        self.config, self.embedding = config, embedding
        self.drop_word = Dropout(config.word_dropout, shared=-1)
        self.drop_embedding = Dropout(config.embedding_dropout)
        self.layers = RecurrentEncoder(
            config.cell,
            embedding.embedding_dim + extra_dim,
            config.dim,
            layers=config.layers,
            bidirectional=config.bidirectional,
            residual=config.residual,
            dropout=config.hidden_dropout,
        )
        self.output_dim = self.layers.output_dim

    def forward(self, source: Padded) -> Memory:
        """Token ids (batch, positions) -> grid (batch, positions, output_dim) and summary (batch, output_dim)."""
        embedded = self.drop_embedding(self.drop_word(self.embed(source)))
        grid = self.layers(embedded, source.lengths).outputs
        mask = source.mask
        return Memory(grid, mask, masked_mean(grid, mask), (Segment("source", grid.shape[1]),))

    def embed(self, source: Padded) -> Tensor:
        """What the recurrent layers read of each token: (batch, positions, embedding_dim + extra_dim)."""
        return self.embedding(source.ids)


def source_embedding(vocabulary: int, dim: int) -> nn.Embedding:
    """Embeddings for a source whose vocabulary is not that of the target."""
    embedding = nn.Embedding(vocabulary, dim, padding_idx=PAD)
    torch.nn.init.normal_(embedding.weight, std=dim**-0.5)
    return embedding


TEXT_ENCODERS: dict[type[TextEncoderConfig], Any] = {
    RecurrentEncoderConfig: TextEncoder,
    TransformerEncoderConfig: TransformerEncoder,
}


@overload
def build_text_encoder(config: RecurrentEncoderConfig, embedding: nn.Embedding) -> TextEncoder: ...


@overload
def build_text_encoder(config: TextEncoderConfig, embedding: nn.Embedding) -> TextEncoder | TransformerEncoder: ...


def build_text_encoder(config: TextEncoderConfig, embedding: nn.Embedding) -> TextEncoder | TransformerEncoder:
    """The text encoder that a configuration describes."""
    return TEXT_ENCODERS[type(config)](config, embedding)
