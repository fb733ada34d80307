"""Attention in a graph: the keys, once a sentence, and the scores of a step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from onnx import TensorProto

from s2s.export.matrices import NetworkGraph, Weight, array_of
from s2s.nn.attention import AdditiveAttention, Attention, DotAttention, GeneralAttention
from s2s.nn.configuration import (
    AdditiveConfig,
    AttentionConfig,
    DotConfig,
    GeneralConfig,
    HardConfig,
    ScaledDotConfig,
    SoftAttentionConfig,
)
from s2s.nn.hard_attention import HardAttention

LOWEST = float(np.finfo(np.float32).min)


class Look(NamedTuple):
    """What attention finds: the context (rows, value_dim) and the weights (rows, positions)."""

    context: str
    weights: str


class AttentionGraph(NamedTuple):
    """How a kind of attention is computed in a graph.

    Attributes:
        keys: of the grid, (sentences, positions, dim) -> (sentences, positions, key_dim)
        score: of queries (rows, query_dim) by keys -> (sentences, rows of each, positions)
    """

    keys: Callable[[NetworkGraph, Any, str], str]
    score: Callable[[NetworkGraph, Any, str, str], str]


def look(
    graph: NetworkGraph, config: AttentionConfig, attention: Attention, queries: str, grid: tuple[str, str, str | None]
) -> Look:
    """Attend from queries (rows, query_dim) to the keys, the values and the mask of each sentence.

    Every sentence has a real position, so no weights have to be taken from a row of padding alone.
    """
    keys, values, mask = grid
    scores = ATTENTIONS[type(scored_by(config))].score(graph, scorer_of(attention), queries, keys)
    if mask is not None:
        real = graph.node("Unsqueeze", mask, graph.integers(1))
        scores = graph.node("Where", real, scores, graph.constant(LOWEST))
    # (sentences, rows of each, positions)
    weights = _likeliest(graph, scores) if isinstance(config, HardConfig) else graph.node("Softmax", scores, axis=-1)
    context = graph.node("MatMul", weights, values)
    positions = graph.length(weights, 2)
    context = graph.bounded(graph.reshape(context, -1, attention.memory_dim), graph.bound(values))  # it is a mean
    return Look(context, graph.reshape(weights, -1, positions))


def keys_of(graph: NetworkGraph, config: AttentionConfig, attention: Attention, grid: str) -> str:
    """The keys (sentences, positions, key_dim) of a grid (sentences, positions, dim)."""
    return ATTENTIONS[type(scored_by(config))].keys(graph, scorer_of(attention), grid)


def scored_by(config: AttentionConfig) -> SoftAttentionConfig:
    """The soft attention that scores the positions."""
    return config.score if isinstance(config, HardConfig) else config


def scorer_of(attention: Attention) -> Attention:
    """The module of the soft attention that scores the positions."""
    return attention.scorer if isinstance(attention, HardAttention) else attention


def _likeliest(graph: NetworkGraph, scores: str) -> str:
    """1 at the position with the highest score, 0 elsewhere; a graph draws no random numbers."""
    best = graph.node("ArgMax", scores, axis=-1, keepdims=1)  # (sentences, rows of each, 1)
    count = graph.node("Squeeze", graph.length(scores, 2), graph.integers(0))
    zero = graph.constant(0, np.dtype(np.int64))
    positions = graph.node("Range", zero, count, graph.constant(1, np.dtype(np.int64)))
    return graph.node("Cast", graph.node("Equal", best, positions), to=TensorProto.FLOAT)


def by_sentence(graph: NetworkGraph, value: str, like: str) -> str:
    """(rows, dim) -> (sentences, rows of each, dim), where `like` has a row for each sentence."""
    sentences, width = graph.length(like, 0), graph.length(value, 1)
    return graph.reshape(value, sentences, -1, width)


def _additive_keys(graph: NetworkGraph, attention: AdditiveAttention, grid: str) -> str:
    return dense(graph, grid, attention.key.weight, attention.key.bias)


def _additive_score(graph: NetworkGraph, attention: AdditiveAttention, queries: str, keys: str) -> str:
    """Return v . tanh(W q + U k), as the paper has it; the toolkit's layer computes the same by sigmoids."""
    projected = by_sentence(graph, graph.linear(queries, attention.query.weight), keys)
    sums = graph.node(
        "Add", graph.node("Unsqueeze", projected, graph.integers(2)), graph.node("Unsqueeze", keys, graph.integers(1))
    )
    energy = graph.constant(array_of(attention.energy)[:, None])  # (dim, 1)
    scores = graph.node("MatMul", graph.node("Tanh", sums), energy)  # (sentences, rows of each, positions, 1)
    return graph.node("Squeeze", scores, graph.integers(3))


def _grid_keys(graph: NetworkGraph, attention: DotAttention, grid: str) -> str:
    return grid


def _dot_score(graph: NetworkGraph, attention: DotAttention, queries: str, keys: str) -> str:
    scores = _product_score(graph, attention, queries, keys)
    return scores if attention.scale == 1 else graph.node("Mul", scores, graph.constant(attention.scale))


def _general_keys(graph: NetworkGraph, attention: GeneralAttention, grid: str) -> str:
    return dense(graph, grid, attention.key.weight)


def _product_score(graph: NetworkGraph, attention: Attention, queries: str, keys: str) -> str:
    turned = graph.node("Transpose", keys, perm=[0, 2, 1])
    return graph.node("MatMul", by_sentence(graph, queries, keys), turned)


ATTENTIONS: dict[type[SoftAttentionConfig], AttentionGraph] = {
    AdditiveConfig: AttentionGraph(_additive_keys, _additive_score),
    DotConfig: AttentionGraph(_grid_keys, _dot_score),
    ScaledDotConfig: AttentionGraph(_grid_keys, _dot_score),
    GeneralConfig: AttentionGraph(_general_keys, _product_score),
}


def dense(graph: NetworkGraph, inputs: str, weight: Weight, bias: Weight | None = None) -> str:
    """Return inputs W^T + bias in float32, of any number of dimensions."""
    turned = graph.node("Transpose", graph.matrix(weight), perm=[1, 0])
    product = graph.node("MatMul", inputs, turned)
    return product if bias is None else graph.node("Add", product, graph.vector(bias))
