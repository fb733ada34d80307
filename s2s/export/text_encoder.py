"""The text encoder in a graph: token ids to the grid, its mask and its mean."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from onnx import TensorProto

from s2s.export.builder import INT64
from s2s.export.cells import encoder_layer
from s2s.export.decoders import EncodedGrid
from s2s.export.matrices import NetworkGraph
from s2s.models.configuration import RecurrentEncoderConfig, TextEncoderConfig
from s2s.models.text_encoder import TextEncoder


def encode_text(graph: NetworkGraph, config: RecurrentEncoderConfig, encoder: TextEncoder) -> EncodedGrid:
    """Add the inputs `ids` and `lengths` and the recurrent layers; see `TextEncoder.forward`."""
    ids = graph.input("ids", INT64, ["sentences", "positions"])
    lengths = graph.input("lengths", INT64, ["sentences"])
    real = graph.node("Cast", lengths, to=TensorProto.INT32)
    embedded = graph.rows(encoder.embedding.weight, ids)
    signal = graph.node("Transpose", embedded, perm=[1, 0, 2])  # (positions, sentences, dim)
    width = encoder.embedding.embedding_dim
    for number, ahead in enumerate(encoder.layers.ahead):
        back = [encoder.layers.back[number]] if config.bidirectional else []
        outputs = encoder_layer(graph, config.cell, [ahead, *back], signal, real)
        same = width == encoder.output_dim
        signal = graph.node("Add", outputs, signal) if config.residual and same else outputs
        width = encoder.output_dim
    grid = graph.node("Transpose", signal, perm=[1, 0, 2])
    mask = _mask(graph, ids, lengths)
    bound = math.inf if config.residual else 1  # of a cell's hidden state
    return EncodedGrid(grid, mask, masked_mean(graph, grid, mask), bound)


TEXT_ENCODERS: Mapping[type[TextEncoderConfig], Callable[[NetworkGraph, Any, Any], EncodedGrid]] = {
    RecurrentEncoderConfig: encode_text
}


def _mask(graph: NetworkGraph, ids: str, lengths: str) -> str:
    """(sentences, positions) bool, True where a token is real."""
    zero, one = graph.constant(0, INT64), graph.constant(1, INT64)
    positions = graph.node("Range", zero, graph.node("Squeeze", graph.length(ids, 1)), one)
    return graph.node("Less", positions, graph.node("Unsqueeze", lengths, graph.integers(1)))


def masked_mean(graph: NetworkGraph, grid: str, mask: str | None) -> str:
    """The mean over the real positions, of which there is at least one: (batch, positions, dim) -> (batch, dim)."""
    if mask is None:
        return graph.node("ReduceMean", grid, graph.integers(1), keepdims=0)
    real = graph.node("Unsqueeze", graph.node("Cast", mask, to=TensorProto.FLOAT), graph.integers(1))
    total = graph.node("Squeeze", graph.node("MatMul", real, grid), graph.integers(1))
    return graph.node("Div", total, graph.node("ReduceSum", real, graph.integers(2), keepdims=0))
