"""The two graphs of an encoder-decoder, and their weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from s2s.errors import UserError
from s2s.export.attention import ATTENTIONS, scored_by
from s2s.export.builder import WEIGHTS_FILE, WeightFile
from s2s.export.cells import CELLS
from s2s.export.contracts import Storage
from s2s.export.decoders import DECODERS, EncodedGrid
from s2s.export.matrices import NetworkGraph
from s2s.models.configuration import DecoderConfig, RecurrentDecoderConfig

ENCODER, STEP = "encoder.onnx", "step.onnx"
Entry = TypeVar("Entry")


def build_graphs(
    encode: Callable[[NetworkGraph], EncodedGrid], config: DecoderConfig, decoder: Any, precision: Storage
) -> dict[str, bytes]:
    """Return the files `encoder.onnx`, `step.onnx` and `light.weights` of a network.

    Args:
        encode: adds the encoder to a graph
        config: of the decoder
        decoder: the trained decoder
        precision: of the stored weights

    Raises:
        UserError: a part of the network cannot be exported; the message names it.
    """
    kind = look_up(DECODERS, config, "decoder")
    if isinstance(config, RecurrentDecoderConfig):
        look_up(ATTENTIONS, scored_by(config.attention), "decoder.attention")
        look_up(CELLS, config.cell, "decoder.cell")
    graphs = kind(config, decoder)
    weights = WeightFile()
    encoder = NetworkGraph("encoder", weights, precision, integer_products=False)
    memory = encode(encoder)
    graphs.start(encoder, memory)
    step = NetworkGraph("step", weights, precision, integer_products=True)
    graphs.step(step, masked=memory.mask is not None, bound=memory.bound)
    return {ENCODER: encoder.model(), STEP: step.model(), WEIGHTS_FILE: weights.content()}


def look_up(known: Mapping[Any, Entry], config: Any, key: str) -> Entry:
    """Return how a part of this configuration is exported; raise a UserError that names it if it cannot be."""
    if type(config) not in known:
        kind = getattr(config, "kind", type(config).__name__)
        kinds = ", ".join(each.kind for each in known)
        raise UserError(f"{key}.kind = {kind!r} cannot be exported (what can be: {kinds}); use --engine torch")
    return known[type(config)]
