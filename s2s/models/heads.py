"""Heads on an encoder, where a decoder would stand: one label a sentence, or one a word or frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from s2s.models.frame_encoder import FilmVectors, FrameEncoder
from s2s.models.label_configuration import (
    AttentionReadingConfig,
    ClassifierHeadConfig,
    HeadConfig,
    LastReadingConfig,
    MaxReadingConfig,
    MeanReadingConfig,
    ReadingConfig,
    TaggerHeadConfig,
)
from s2s.models.memory import Memory, masked_mean
from s2s.models.text_encoder import TextEncoder
from s2s.nn.attentions import build_attention
from s2s.nn.dropout import Dropout
from s2s.text.padding import Padded

# ------------------------------------------------------------------------------------- from a grid to one vector


class LastReading(nn.Module):
    """The last state of each direction: of the one from right to left, that at the first position."""

    def __init__(self, config: LastReadingConfig, encoder: TextEncoder) -> None:
        super().__init__()
        self.both = encoder.layers.bidirectional
        self.ahead = encoder.output_dim // (2 if self.both else 1)  # units of a direction

    def forward(self, memory: Memory) -> tuple[Tensor, None]:
        """See `Reading`."""
        assert memory.mask is not None
        last = memory.mask.sum(1) - 1
        ahead = memory.grid[torch.arange(len(last), device=last.device), last, : self.ahead]
        return torch.cat([ahead, memory.grid[:, 0, self.ahead :]], -1), None


class MeanReading(nn.Module):
    """The mean over the real positions."""

    def __init__(self, config: MeanReadingConfig, encoder: TextEncoder) -> None:
        super().__init__()

    def forward(self, memory: Memory) -> tuple[Tensor, None]:
        """See `Reading`."""
        return masked_mean(memory.grid, memory.mask), None


class MaxReading(nn.Module):
    """The largest value of each feature over the real positions."""

    def __init__(self, config: MaxReadingConfig, encoder: TextEncoder) -> None:
        super().__init__()

    def forward(self, memory: Memory) -> tuple[Tensor, None]:
        """See `Reading`."""
        assert memory.mask is not None
        lowest = torch.finfo(memory.grid.dtype).min
        return memory.grid.masked_fill(~memory.mask.unsqueeze(-1), lowest).amax(1), None


class AttentionReading(nn.Module):
    """The weighted mean over the real positions; the query of the attention is a parameter."""

    def __init__(self, config: AttentionReadingConfig, encoder: TextEncoder) -> None:
        super().__init__()
        dim = encoder.output_dim
        self.attention = build_attention(config.attention, dim, dim)
        self.query = nn.Parameter(torch.empty(dim))
        nn.init.normal_(self.query, std=dim**-0.5)

    def forward(self, memory: Memory) -> tuple[Tensor, Tensor]:
        """See `Reading`."""
        queries = self.query.expand(len(memory.grid), 1, -1)
        look = self.attention(queries, self.attention.keys(memory.grid), memory.grid, memory.mask)
        return look.context.squeeze(1), look.weights.squeeze(1)


# From a `Memory` to a vector (batch, dim), and the weights (batch, positions) of its positions, or None.
Reading = LastReading | MeanReading | MaxReading | AttentionReading

READINGS: dict[type[ReadingConfig], type[Reading]] = {
    LastReadingConfig: LastReading,
    MeanReadingConfig: MeanReading,
    MaxReadingConfig: MaxReading,
    AttentionReadingConfig: AttentionReading,
}


def build_reading(config: ReadingConfig, encoder: TextEncoder) -> Reading:
    """Build the module that turns the grid into one vector, as `config` says."""
    return READINGS[type(config)](config, encoder)  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------------------------- heads


@dataclass(frozen=True)
class LabelScores:
    """What a head says.

    Attributes:
        logits: (batch, labels) of a classifier; of a tagger (n, labels), at the n real positions, row by row
        attention: (batch, positions) of a classifier that reads by attention; else None
    """

    logits: Tensor
    attention: Tensor | None = None


class ClassifierNetwork(nn.Module):
    """One label a sentence: the encoder's grid is read to one vector, and that by a linear layer.

    Args:
        encoder: of the sentences
        config: the reading, and dropout
        labels: how many there are
    """

    def __init__(self, encoder: TextEncoder, config: ClassifierHeadConfig, labels: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.reading = build_reading(config.reading, encoder)
        self.dropout = Dropout(config.dropout)
        self.output = nn.Linear(encoder.output_dim, labels)

    def forward(self, source: Padded) -> LabelScores:
        """Sentences -> scores of their labels."""
        vector, weights = self.reading(self.encoder(source))
        return LabelScores(self.output(self.dropout(vector)), weights)


AnyEncoder = TypeVar("AnyEncoder", bound=TextEncoder | FrameEncoder)


class TaggerNetwork(nn.Module, Generic[AnyEncoder]):
    """One label a position, a word or a frame: a linear layer on each vector of the encoder's grid.

    Args:
        encoder: of the sentences or films
        config: dropout
        labels: how many there are
    """

    def __init__(self, encoder: AnyEncoder, config: TaggerHeadConfig, labels: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = Dropout(config.dropout)
        self.output = nn.Linear(encoder.output_dim, labels)

    def forward(self, source: Padded | FilmVectors) -> LabelScores:
        """Sentences or films -> scores of the labels of all their words or frames."""
        memory = self.encoder(source)
        return LabelScores(self.output(self.dropout(memory.grid[memory.mask])))


LabelNetwork = ClassifierNetwork | TaggerNetwork[TextEncoder]

HEADS: dict[type[HeadConfig], Any] = {ClassifierHeadConfig: ClassifierNetwork, TaggerHeadConfig: TaggerNetwork}


def build_label_network(encoder: TextEncoder, config: HeadConfig, labels: int) -> LabelNetwork:
    """The encoder with the head that a configuration describes."""
    return HEADS[type(config)](encoder, config, labels)
