"""The graph of a classifier or tagger: from token ids to the log-probabilities of labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from onnx import TensorProto

from s2s.export.attention import ATTENTIONS, dense, look
from s2s.export.builder import FLOAT, INT64, WEIGHTS_FILE, WeightFile
from s2s.export.cells import CELLS
from s2s.export.contracts import Storage
from s2s.export.decoders import EncodedGrid
from s2s.export.graphs import look_up
from s2s.export.matrices import NetworkGraph
from s2s.export.text_encoder import (
    TEXT_ENCODERS,
    masked_mean,
    read_embedded,
    recurrent_layers,
    sentence_inputs,
)
from s2s.models.configuration import RecurrentEncoderConfig
from s2s.models.heads import AttentionReading, ClassifierNetwork, LabelNetwork
from s2s.models.label_configuration import (
    AttentionReadingConfig,
    LastReadingConfig,
    MaxReadingConfig,
    MeanReadingConfig,
    ReadingConfig,
    SpellingConfig,
)
from s2s.models.text_encoder import TextEncoder
from s2s.models.word_encoder import WordEncoder

LABELS = "labels.onnx"
_LOWEST = float(np.finfo(np.float32).min)


def build_label_graph(
    network: LabelNetwork,
    encoder: RecurrentEncoderConfig,
    spelling: SpellingConfig | None,
    reading: ReadingConfig | None,
    precision: Storage,
) -> dict[str, bytes]:
    """Return the files `labels.onnx` and `light.weights` of a network.

    The graph takes the arrays of `Padded` or `PaddedWords`. Its output `log_probabilities` is (sentences, labels) of a
    classifier, (sentences, positions, labels) of a tagger; a classifier that reads by attention has the output
    `attention` (sentences, positions).

    Args:
        network: the trained network
        encoder: the configuration of its encoder
        spelling: of what reads the characters of words, or None
        reading: of a classifier; None of a tagger
        precision: of the stored weights

    Raises:
        UserError: a part of the network cannot be exported; the message names it.
    """
    look_up(TEXT_ENCODERS, encoder, "encoder")
    look_up(CELLS, encoder.cell, "encoder.cell")
    weights = WeightFile()
    graph = NetworkGraph("labels", weights, precision, integer_products=False)
    memory = _encoded(graph, network.encoder, encoder, spelling)
    labels = network.output.out_features
    if isinstance(network, ClassifierNetwork):
        assert reading is not None
        vector, attention = look_up(READINGS, reading, "head.reading")(graph, reading, network.reading, memory)
        if attention:
            graph.output("attention", attention, FLOAT, ["sentences", "positions"])
        shape = ["sentences", labels]
    else:
        vector, shape = memory.grid, ["sentences", "positions", labels]
    logits = dense(graph, vector, network.output.weight, network.output.bias)
    graph.output("log_probabilities", graph.node("LogSoftmax", logits, axis=-1), FLOAT, shape)
    return {LABELS: graph.model(), WEIGHTS_FILE: weights.content()}


def _encoded(
    graph: NetworkGraph, encoder: TextEncoder, config: RecurrentEncoderConfig, spelling: SpellingConfig | None
) -> EncodedGrid:
    """The grid of the encoder, with or without spellings."""
    if spelling is None:
        return look_up(TEXT_ENCODERS, config, "encoder")(graph, config, encoder)
    assert isinstance(encoder, WordEncoder)
    look_up(CELLS, spelling.cell, "spelling.cell")
    inputs = sentence_inputs(graph)
    words = graph.rows(encoder.embedding.weight, inputs[0])
    embedded = graph.node("Concat", words, _spelt(graph, encoder, spelling), axis=-1)
    return read_embedded(graph, config, encoder, embedded, inputs)


def _spelt(graph: NetworkGraph, encoder: WordEncoder, config: SpellingConfig) -> str:
    """`SpellingEncoder.forward`: (sentences, positions, 2 * dim)."""
    spellings = graph.input("spellings", INT64, ["words", "characters"])
    lengths = graph.input("spelling_lengths", INT64, ["words"])
    spelling_of = graph.input("spelling_of", INT64, ["sentences", "positions"])
    layers = encoder.spelling.layers
    embedded = graph.rows(encoder.spelling.embedding.weight, spellings)
    outputs = recurrent_layers(graph, config.cell, layers, embedded, lengths)
    vectors = _last(graph, outputs, lengths, config.dim, both=True)
    return graph.node("Gather", vectors, spelling_of, axis=0)


def _last(graph: NetworkGraph, grid: str, lengths: str, dim: int, *, both: bool) -> str:
    """The last state of each direction, (batch, time, directions * dim) -> (batch, directions * dim).

    The state from left to right is picked by a product with a row that is 1 at the last position and 0 elsewhere, since
    rows end at different positions.
    """
    zero, one = graph.constant(0, INT64), graph.constant(1, INT64)
    positions = graph.node("Range", zero, graph.node("Squeeze", graph.length(grid, 1)), one)
    ends = graph.node("Unsqueeze", lengths, graph.integers(1))
    inside, before = (
        graph.node("Cast", graph.node("Less", positions, end), to=TensorProto.FLOAT)
        for end in (ends, graph.node("Sub", ends, one))
    )
    picked = graph.node("Unsqueeze", graph.node("Sub", inside, before), graph.integers(1))  # (batch, 1, time)
    last = graph.node("Squeeze", graph.node("MatMul", picked, grid), graph.integers(1))
    if not both:
        return last
    first = graph.node("Gather", grid, graph.constant(0, INT64), axis=1)
    return graph.node("Concat", graph.split(last, dim, dim)[0], graph.split(first, dim, dim)[1], axis=-1)


class Read(NamedTuple):
    """The vector (sentences, dim) that a reading makes, and the weights (sentences, positions); "" without any."""

    vector: str
    attention: str = ""


def _last_reading(graph: NetworkGraph, config: LastReadingConfig, reading: Any, memory: EncodedGrid) -> Read:
    return Read(_last(graph, memory.grid, "lengths", reading.ahead, both=reading.both))


def _mean_reading(graph: NetworkGraph, config: MeanReadingConfig, reading: Any, memory: EncodedGrid) -> Read:
    return Read(masked_mean(graph, memory.grid, memory.mask))


def _max_reading(graph: NetworkGraph, config: MaxReadingConfig, reading: Any, memory: EncodedGrid) -> Read:
    assert memory.mask is not None
    real = graph.node("Unsqueeze", memory.mask, graph.integers(2))
    grid = graph.node("Where", real, memory.grid, graph.constant(_LOWEST))
    return Read(graph.node("ReduceMax", grid, graph.integers(1), keepdims=0))


def _attention_reading(
    graph: NetworkGraph, config: AttentionReadingConfig, reading: AttentionReading, memory: EncodedGrid
) -> Read:
    kind = look_up(ATTENTIONS, config.attention, "head.reading.attention")
    keys = kind.keys(graph, reading.attention, memory.grid)
    dim = reading.query.shape[0]
    query = graph.vector(reading.query[None])  # (1, dim)
    queries = graph.node("Expand", query, graph.node("Concat", graph.length(keys, 0), graph.integers(dim), axis=0))
    found = look(graph, config.attention, reading.attention, queries, (keys, memory.grid, memory.mask))
    return Read(found.context, found.weights)


READINGS: Mapping[type[ReadingConfig], Callable[[NetworkGraph, Any, Any, EncodedGrid], Read]] = {
    LastReadingConfig: _last_reading,
    MeanReadingConfig: _mean_reading,
    MaxReadingConfig: _max_reading,
    AttentionReadingConfig: _attention_reading,
}
