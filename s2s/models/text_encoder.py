"""The text encoder: recurrent layers over a source sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from s2s.config import option
from s2s.models.memory import Memory, Segment, masked_mean
from s2s.nn.dropout import Dropout
from s2s.nn.recurrent import MAX_LAYERS, MAX_UNITS, RecurrentEncoder
from s2s.text.padding import Padded
from s2s.text.tokens import PAD


@dataclass(frozen=True)
class EncoderConfig:
    """The text encoder's shape."""

    cell: Literal["lstm", "gru", "rnn"] = option("lstm")
    dim: int = option(256, low=1, high=MAX_UNITS, help="units of a layer, a direction")
    layers: int = option(1, low=1, high=MAX_LAYERS)
    bidirectional: bool = option(True)
    residual: bool = option(False, help="add a layer's input to its output where the shapes agree")
    word_dropout: float = option(0.0, low=0, below=1, help="whole source words")
    embedding_dropout: float = option(0.3, low=0, below=1)
    hidden_dropout: float = option(0.3, low=0, below=1, help="between layers")


class TextEncoder(nn.Module):
    """Embeddings and recurrent layers: the grid is one vector a token, the summary their mean.

    Args:
        config: the shape.
        embedding: shared with the decoder's where source and target have one vocabulary.
    """

    def __init__(self, config: EncoderConfig, embedding: nn.Embedding) -> None:
        super().__init__()
        self.embedding = embedding
        self.drop_word = Dropout(config.word_dropout, shared=-1)
        self.drop_embedding = Dropout(config.embedding_dropout)
        self.layers = RecurrentEncoder(
            config.cell,
            embedding.embedding_dim,
            config.dim,
            layers=config.layers,
            bidirectional=config.bidirectional,
            residual=config.residual,
            dropout=config.hidden_dropout,
        )
        self.output_dim = self.layers.output_dim

    def forward(self, source: Padded) -> Memory:
        """Words (batch, positions) -> grid (batch, positions, output_dim), summary (batch, output_dim)."""
        embedded = self.drop_embedding(self.drop_word(self.embedding(source.ids)))
        grid: Tensor = self.layers(embedded, source.lengths)
        mask = source.mask
        return Memory(grid, mask, masked_mean(grid, mask), (Segment("source", grid.shape[1]),))


def source_embedding(vocabulary: int, dim: int) -> nn.Embedding:
    """Embeddings of their own for a source with a vocabulary of its own."""
    embedding = nn.Embedding(vocabulary, dim, padding_idx=PAD)
    torch.nn.init.normal_(embedding.weight, std=dim**-0.5)
    return embedding
