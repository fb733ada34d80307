"""What the heads of a Transformer look at while it reads: their weights, for pages that show them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from s2s.models.memory import Memory
from s2s.models.transformer_decoder import TransformerDecoder
from s2s.models.transformer_encoder import TransformerEncoder
from s2s.nn.recording_heads import recorded_heads
from s2s.text.padding import Padded

Weights = NDArray[np.float32]  # (layers, heads, rows, columns), of one sentence


def encoder_looks(encoder: TransformerEncoder, source: Padded) -> Weights:
    """Where the words of one sentence look."""
    with recorded_heads([layer.attention for layer in encoder.layers]) as looks:  # type: ignore[misc]
        encoder(source)
    return _stacked(looks)


def decoder_looks(decoder: TransformerDecoder, tokens: Tensor, memory: Memory) -> tuple[Weights, Weights]:
    """Where the words that a decoder reads, (1, time), look: among each other, and on the grid."""
    own: Any = [layer.attention for layer in decoder.layers]
    with recorded_heads(own) as back, recorded_heads(decoder.memory_attentions) as over:
        decoder(tokens, decoder.start(memory))
    return _stacked(back), _stacked(over)


def _stacked(looks: list[Tensor]) -> Weights:
    return torch.stack([each[0] for each in looks]).float().cpu().numpy()
