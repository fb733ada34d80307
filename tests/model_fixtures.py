"""The kinds of cells, attention and decoders by their names, for tests that try them all."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import torch
from torch import Tensor, nn

from s2s.models.configuration import RecurrentDecoderConfig
from s2s.models.decoders import DECODERS
from s2s.models.encoder_decoder import EncoderDecoder
from s2s.models.recurrent_decoder import RecurrentDecoder
from s2s.nn.attentions import ATTENTIONS
from s2s.nn.cells import CELLS
from s2s.nn.configuration import AdditiveConfig, AttentionConfig

# The recurrent ones: those of one shape. The Transformer has its own tests.
DECODER_KINDS: dict[str, Any] = {
    config.kind: config for config in DECODERS if issubclass(config, RecurrentDecoderConfig)
}
CELL_KINDS: dict[str, Any] = {config.kind: config for config in CELLS}
ATTENTION_KINDS: dict[str, Any] = {config.kind: config for config in ATTENTIONS}


def as_kind(config: Any, kind: str) -> Any:
    """The shape of a recurrent decoder as that of another kind."""
    return DECODER_KINDS[kind](**{field.name: getattr(config, field.name) for field in fields(config)})


def decoder_of(
    kind: str, config: RecurrentDecoderConfig, vocabulary: int, memory_dim: int | None, summary_dim: int | None = None
) -> RecurrentDecoder:
    """A decoder of a kind, in the shape of `config`."""
    shape = as_kind(config, kind)
    return DECODERS[type(shape)](shape, vocabulary, memory_dim, summary_dim)


def attention_of(kind: str, dim: int) -> AttentionConfig:
    """The configuration of a kind of attention; `dim` is that of additive attention."""
    return AdditiveConfig(dim) if kind == AdditiveConfig.kind else ATTENTION_KINDS[kind]()


def logits_of(network: nn.Module, inputs: Any, tokens: Tensor) -> Tensor:
    """The logits of all steps under teacher forcing: (rows, time, vocabulary)."""
    return network(inputs, tokens, torch.ones_like(tokens, dtype=torch.bool)).logits.unflatten(0, tokens.shape)


def recurrent(network: EncoderDecoder) -> RecurrentDecoder:
    """The decoder of a network, which is recurrent."""
    assert isinstance(network.decoder, RecurrentDecoder)
    return network.decoder


def encoder_of(network: EncoderDecoder) -> nn.Module:
    """The encoder of a network that has one."""
    assert network.encoder is not None
    return network.encoder
