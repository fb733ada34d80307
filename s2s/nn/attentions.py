"""The kinds of attention, each registered by the type of its configuration."""

from __future__ import annotations

from s2s.nn.attention import SOFT_ATTENTIONS, Attention
from s2s.nn.configuration import AttentionConfig, HardConfig
from s2s.nn.hard_attention import HardAttention

ATTENTIONS: dict[type[AttentionConfig], type[Attention]] = {**SOFT_ATTENTIONS, HardConfig: HardAttention}


def build_attention(config: AttentionConfig, query_dim: int, memory_dim: int) -> Attention:
    """The attention that a configuration describes.

    Args:
        config: the kind and its shape
        query_dim: width of the decoder's state
        memory_dim: width of the grid's vectors
    """
    return ATTENTIONS[type(config)](config, query_dim, memory_dim)
