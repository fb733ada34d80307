"""The kinds of decoders, each registered by the type of its configuration."""

from __future__ import annotations

from typing import Any

from s2s.models.configuration import (
    DecoderConfig,
    InputFeedingConfig,
    ParallelConfig,
    ShowAndTellConfig,
    ShowAttendTellConfig,
    TopDownConfig,
    TransformerDecoderConfig,
)
from s2s.models.decoder import Decoder
from s2s.models.input_feeding import InputFeedingDecoder
from s2s.models.parallel_decoder import ParallelDecoder
from s2s.models.show_and_tell import ShowAndTellDecoder
from s2s.models.show_attend_tell import ShowAttendTellDecoder
from s2s.models.top_down import TopDownDecoder
from s2s.models.transformer_decoder import TransformerDecoder

# Each is built from (configuration, vocabulary, memory_dim, summary_dim), see `build_decoder`.
DECODERS: dict[type[DecoderConfig], Any] = {
    ParallelConfig: ParallelDecoder,
    InputFeedingConfig: InputFeedingDecoder,
    ShowAndTellConfig: ShowAndTellDecoder,
    ShowAttendTellConfig: ShowAttendTellDecoder,
    TopDownConfig: TopDownDecoder,
    TransformerDecoderConfig: TransformerDecoder,
}


def build_decoder(
    config: DecoderConfig, vocabulary: int, memory_dim: int | None, summary_dim: int | None = None
) -> Decoder:
    """The decoder that a configuration describes, freshly initialised.

    Args:
        config: the kind and its shape
        vocabulary: how many tokens there are
        memory_dim: width of the grid's vectors; None without a memory, as in a language model
        summary_dim: width of the memory's summary; None where there is none
    """
    return DECODERS[type(config)](config, vocabulary, memory_dim, summary_dim)
