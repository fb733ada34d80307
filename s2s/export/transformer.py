"""The layers of a Transformer in graphs: whole sentences in the encoder, one word and the cache in a step.

Queries are divided by sqrt(d) in their weights, and keys are turned once, so that a product of both needs neither.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from onnx import TensorProto

from s2s.export.attention import LOWEST, dense
from s2s.export.builder import FLOAT, INT64
from s2s.export.matrices import NetworkGraph, array_of
from s2s.nn.configuration import LearnedConfig, PositionConfig, SinusoidalConfig
from s2s.nn.multi_head import MultiHeadAttention
from s2s.nn.positions import LearnedPositions, SinusoidalPositions, wave_numbers
from s2s.nn.transformer_layers import EncoderLayer, FeedForward, PreNorm

Product = Callable[..., str]  # (graph, inputs, weight, bias): `dense` of whole sentences, `NetworkGraph.linear` of rows


class CachedKeys(NamedTuple):
    """What is looked at: keys (batch, heads, d, positions), turned, and values (batch, heads, positions, d)."""

    keys: str
    values: str


# --------------------------------------------------------------------------------------------------- positions


def _sinusoidal(graph: NetworkGraph, positions: SinusoidalPositions, times: str) -> str:
    waves = graph.constant(wave_numbers(positions.dim).numpy())
    places = graph.node("Unsqueeze", graph.node("Cast", times, to=TensorProto.FLOAT), graph.integers(1))
    angles = graph.node("Mul", places, waves)  # (count, dim / 2)
    return graph.node("Concat", graph.node("Sin", angles), graph.node("Cos", angles), axis=-1)


def _learned(graph: NetworkGraph, positions: LearnedPositions, times: str) -> str:
    last = graph.constant(positions.table.num_embeddings - 1, INT64)
    return graph.rows(positions.table.weight, graph.node("Min", times, last))


POSITIONS: Mapping[type[PositionConfig], Callable[[NetworkGraph, Any, str], str]] = {
    SinusoidalConfig: _sinusoidal,
    LearnedConfig: _learned,
}


def placed(graph: NetworkGraph, config: PositionConfig, positions: Any, words: str, times: str, scale: float) -> str:
    """Words times sqrt(dim), and their positions: words (..., count, dim), times (count,) int64 or (1,) for all."""
    scaled = graph.node("Mul", words, graph.constant(scale))
    return graph.node("Add", scaled, POSITIONS[type(config)](graph, positions, times))


# ------------------------------------------------------------------------------------------------------ layers


def normalised(graph: NetworkGraph, norm: Any, value: str) -> str:
    """A layer normalisation, or the value itself where there is none."""
    if not hasattr(norm, "normalized_shape"):
        return value
    scale, bias = graph.vector(norm.weight), graph.vector(norm.bias)
    return graph.node("LayerNormalization", value, scale, bias, axis=-1, epsilon=norm.eps)


def before(graph: NetworkGraph, around: PreNorm, inputs: str) -> str:
    """See `PreNorm.before`."""
    return normalised(graph, around.norm, inputs) if type(around) is PreNorm else inputs


def after(graph: NetworkGraph, around: PreNorm, inputs: str, found: str) -> str:
    """See `PreNorm.after`."""
    total = graph.node("Add", inputs, found)
    return total if type(around) is PreNorm else normalised(graph, around.norm, total)


def feed_forward(graph: NetworkGraph, layer: FeedForward, inputs: str, product: Product) -> str:
    """See `FeedForward`."""
    inner = graph.node("Relu", product(graph, inputs, layer.inner.weight, layer.inner.bias))
    return product(graph, inner, layer.outer.weight, layer.outer.bias)


def projected_queries(graph: NetworkGraph, attention: MultiHeadAttention, inputs: str, product: Product) -> str:
    """Queries divided by sqrt(d), with all features of the heads side by side."""
    query = attention.query
    scale = np.float32((query.out_features // attention.heads) ** -0.5)
    return product(graph, inputs, array_of(query.weight) * scale, array_of(query.bias) * scale)


def projected_memory(graph: NetworkGraph, attention: MultiHeadAttention, memory: str) -> CachedKeys:
    """Keys and values of whole sentences (batch, positions, memory_dim)."""
    layer, heads = attention.key_value, attention.heads
    dim = layer.out_features // 2
    parts = graph.split(dense(graph, memory, layer.weight, layer.bias), dim, dim)
    keys, values = (graph.reshape(part, 0, 0, heads, dim // heads) for part in parts)
    return CachedKeys(
        graph.node("Transpose", keys, perm=[0, 2, 3, 1]), graph.node("Transpose", values, perm=[0, 2, 1, 3])
    )


def head_weights(graph: NetworkGraph, queries: str, keys: str, mask: str | None) -> str:
    """(batch, heads, time, d), (batch, heads, d, positions), (batch, positions) -> (batch, heads, time, positions)."""
    scores = graph.node("MatMul", queries, keys)
    if mask is not None:
        scores = graph.node(
            "Where", graph.node("Unsqueeze", mask, graph.integers(1, 2)), scores, graph.constant(LOWEST)
        )
    return graph.node("Softmax", scores, axis=-1)


def encoder_layer(graph: NetworkGraph, layer: EncoderLayer, inputs: str, mask: str | None) -> str:
    """See `EncoderLayer`: (batch, positions, dim) -> the same."""
    attention, read = layer.attention, before(graph, layer.around_attention, inputs)
    dim, heads = attention.query.out_features, attention.heads
    queries = graph.reshape(projected_queries(graph, attention, read, dense), 0, 0, heads, dim // heads)
    queries = graph.node("Transpose", queries, perm=[0, 2, 1, 3])
    keys, values = projected_memory(graph, attention, read)
    context = graph.node("MatMul", head_weights(graph, queries, keys, mask), values)
    context = graph.reshape(graph.node("Transpose", context, perm=[0, 2, 1, 3]), 0, 0, dim)
    found = dense(graph, context, attention.output.weight, attention.output.bias)
    signal = after(graph, layer.around_attention, inputs, found)
    found = feed_forward(graph, layer.feed_forward, before(graph, layer.around_feed_forward, signal), dense)
    return after(graph, layer.around_feed_forward, signal, found)


# ------------------------------------------------------------------------------------------------------- a step


def look_back(
    graph: NetworkGraph, attention: MultiHeadAttention, read: str, past: CachedKeys
) -> tuple[str, CachedKeys]:
    """Self-attention of the word just read (rows, dim): what it finds, and the cache with the word in it."""
    dim, heads = attention.query.out_features, attention.heads
    layer = attention.key_value
    key, value = graph.split(graph.linear(read, layer.weight, layer.bias), dim, dim)
    keys = graph.node("Concat", past.keys, graph.reshape(key, 0, heads, dim // heads, 1), axis=3)
    values = graph.node("Concat", past.values, graph.reshape(value, 0, heads, 1, dim // heads), axis=2)
    queries = projected_queries(graph, attention, read, NetworkGraph.linear)
    queries = graph.reshape(queries, 0, heads, 1, dim // heads)
    context = graph.node("MatMul", head_weights(graph, queries, keys, None), values)  # (rows, heads, 1, d)
    output = attention.output
    return graph.linear(graph.reshape(context, 0, dim), output.weight, output.bias), CachedKeys(keys, values)


def look_at_memory(
    graph: NetworkGraph, attention: MultiHeadAttention, read: str, memory: CachedKeys, mask: str | None
) -> tuple[str, str]:
    """Attention from rows (rows, dim) to the memory of their sentences.

    Returns:
        what they find (rows, dim), and the mean over the heads of their weights (rows, positions)
    """
    dim, heads = attention.query.out_features, attention.heads
    queries = projected_queries(graph, attention, read, NetworkGraph.linear)
    queries = graph.reshape(queries, graph.length(memory.keys, 0), -1, heads, dim // heads)
    queries = graph.node("Transpose", queries, perm=[0, 2, 1, 3])  # (sentences, heads, rows of each, d)
    weights = head_weights(graph, queries, memory.keys, mask)
    context = graph.node("Transpose", graph.node("MatMul", weights, memory.values), perm=[0, 2, 1, 3])
    mean = graph.node("ReduceMean", weights, graph.integers(1), keepdims=0)
    found = graph.linear(graph.reshape(context, -1, dim), attention.output.weight, attention.output.bias)
    return found, graph.reshape(mean, -1, graph.length(weights, 3))


def cache_inputs(graph: NetworkGraph, name: str, number: int, shape: tuple[int, int], length: str) -> CachedKeys:
    """Declare inputs `NAME.keys.I` and `NAME.values.I`, where `shape` is (heads, d)."""
    (heads, width), rows = shape, name
    return CachedKeys(
        graph.input(f"{name}.keys.{number}", FLOAT, [rows, heads, width, length]),
        graph.input(f"{name}.values.{number}", FLOAT, [rows, heads, length, width]),
    )


def cache_outputs(
    graph: NetworkGraph, name: str, number: int, shape: tuple[int, int], length: str | int, cache: CachedKeys
) -> None:
    """Declare outputs `NAME.keys.I` and `NAME.values.I`, see `cache_inputs`."""
    (heads, width), rows = shape, name.removeprefix("next.")
    graph.output(f"{name}.keys.{number}", cache.keys, FLOAT, [rows, heads, width, length])
    graph.output(f"{name}.values.{number}", cache.values, FLOAT, [rows, heads, length, width])
