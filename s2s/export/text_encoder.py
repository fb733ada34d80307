"""Text encoders in a graph: token ids to the grid, its mask and its mean."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from onnx import TensorProto
from torch import nn

from s2s.export.attention import dense
from s2s.export.builder import INT64
from s2s.export.cells import encoder_layer
from s2s.export.matrices import NetworkGraph, array_of
from s2s.export.steps import EncodedGrid
from s2s.export.transformer import encoder_layer as self_attention_layer
from s2s.export.transformer import normalised, placed
from s2s.models.configuration import RecurrentEncoderConfig, TextEncoderConfig, TransformerEncoderConfig
from s2s.models.text_encoder import TextEncoder
from s2s.models.transformer_encoder import TransformerEncoder
from s2s.nn.configuration import CellConfig
from s2s.nn.recurrent import RecurrentEncoder


def encode_text(graph: NetworkGraph, config: RecurrentEncoderConfig, encoder: TextEncoder) -> EncodedGrid:
    """Add the inputs `ids` and `lengths` and the recurrent layers; see `TextEncoder.forward`."""
    ids, lengths = sentence_inputs(graph)
    return read_embedded(graph, config, encoder, graph.rows(encoder.embedding.weight, ids), (ids, lengths))


def sentence_inputs(graph: NetworkGraph) -> tuple[str, str]:
    """Add the inputs `ids` (sentences, positions) and `lengths` (sentences,)."""
    return graph.input("ids", INT64, ["sentences", "positions"]), graph.input("lengths", INT64, ["sentences"])


def read_embedded(
    graph: NetworkGraph, config: RecurrentEncoderConfig, encoder: TextEncoder, embedded: str, inputs: tuple[str, str]
) -> EncodedGrid:
    """The recurrent layers over embedded tokens (sentences, positions, dim); `inputs` are their ids and lengths."""
    ids, lengths = inputs
    grid = recurrent_layers(graph, config.cell, encoder.layers, embedded, lengths)
    mask = _mask(graph, ids, lengths)
    bound = math.inf if config.residual else 1  # of a cell's hidden state
    return EncodedGrid(grid, mask, masked_mean(graph, grid, mask), bound)


def recurrent_layers(graph: NetworkGraph, cell: CellConfig, layers: RecurrentEncoder, inputs: str, lengths: str) -> str:
    """`RecurrentEncoder.forward`: (batch, time, input_dim), lengths (batch,) int64 -> (batch, time, output_dim)."""
    real = graph.node("Cast", lengths, to=TensorProto.INT32)
    signal = graph.node("Transpose", inputs, perm=[1, 0, 2])  # (time, batch, dim)
    width = layers.ahead[0].weight_input.shape[1]
    for number, ahead in enumerate(layers.ahead):
        back = [layers.back[number]] if layers.bidirectional else []
        outputs = encoder_layer(graph, cell, [ahead, *back], signal, real)
        same = width == layers.output_dim
        signal = graph.node("Add", outputs, signal) if layers.residual and same else outputs
        width = layers.output_dim
    return graph.node("Transpose", signal, perm=[1, 0, 2])


def encode_by_self_attention(
    graph: NetworkGraph, config: TransformerEncoderConfig, encoder: TransformerEncoder
) -> EncodedGrid:
    """Add the inputs `ids` and `lengths` and the layers of a Transformer; see `TransformerEncoder.forward`."""
    ids, lengths = sentence_inputs(graph)
    mask, words, scale = _mask(graph, ids, lengths), graph.rows(encoder.embedding.weight, ids), encoder.scale
    if isinstance(encoder.input, nn.Linear):
        words = dense(graph, words, array_of(encoder.input.weight) * np.float32(scale), encoder.input.bias)
        scale = 1.0
    signal = placed(graph, config.positions, encoder.positions, words, _positions(graph, ids), scale)
    for layer in encoder.layers:
        signal = self_attention_layer(graph, layer, signal, mask)  # type: ignore[arg-type]
    grid = normalised(graph, encoder.norm, signal)
    return EncodedGrid(grid, mask, masked_mean(graph, grid, mask))


TEXT_ENCODERS: Mapping[type[TextEncoderConfig], Callable[[NetworkGraph, Any, Any], EncodedGrid]] = {
    RecurrentEncoderConfig: encode_text,
    TransformerEncoderConfig: encode_by_self_attention,
}


def _mask(graph: NetworkGraph, ids: str, lengths: str) -> str:
    """(sentences, positions) bool, True where a token is real."""
    return graph.node("Less", _positions(graph, ids), graph.node("Unsqueeze", lengths, graph.integers(1)))


def _positions(graph: NetworkGraph, ids: str) -> str:
    """0, 1, 2, ...: (positions,) int64."""
    zero, one = graph.constant(0, INT64), graph.constant(1, INT64)
    return graph.node("Range", zero, graph.node("Squeeze", graph.length(ids, 1)), one)


def masked_mean(graph: NetworkGraph, grid: str, mask: str | None) -> str:
    """The mean over the real positions, of which there is at least one: (batch, positions, dim) -> (batch, dim)."""
    if mask is None:
        return graph.node("ReduceMean", grid, graph.integers(1), keepdims=0)
    real = graph.node("Unsqueeze", graph.node("Cast", mask, to=TensorProto.FLOAT), graph.integers(1))
    total = graph.node("Squeeze", graph.node("MatMul", real, grid), graph.integers(1))
    return graph.node("Div", total, graph.node("ReduceSum", real, graph.integers(2), keepdims=0))
