"""The Transformer decoder in graphs. Names of a state's values, for each layer I, where d = dim / heads:

    rows.keys.I        keys of the words so far, turned: (rows, heads, d, words)
    rows.values.I      their values, (rows, heads, words, d)
    sentences.keys.I   keys of the grid, turned: (sentences, heads, d, positions)
    sentences.values.I its values, (sentences, heads, positions, d)
    sentences.mask     (sentences, positions) bool, True where real; missing where all are

Before the first step there are 0 words, and each step adds one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, cast

from s2s.export.builder import BOOL, FLOAT, INT64
from s2s.export.matrices import NetworkGraph
from s2s.export.steps import EncodedGrid, add_answer
from s2s.export.transformer import (
    CachedKeys,
    after,
    before,
    cache_inputs,
    cache_outputs,
    feed_forward,
    look_at_memory,
    look_back,
    normalised,
    placed,
    projected_memory,
)
from s2s.models.configuration import TransformerDecoderConfig
from s2s.nn.transformer_layers import DecoderLayer

_ROWS, _SENTENCES, _NEXT, _MASK = "rows", "sentences", "next.rows", "sentences.mask"


class TransformerGraphs:
    """A Transformer decoder's part of both graphs.

    Args:
        config: its shape
        decoder: the trained decoder, a `TransformerDecoder`
    """

    def __init__(self, config: TransformerDecoderConfig, decoder: Any) -> None:
        self.config, self.decoder = config, decoder
        self.layers = list(cast("Iterable[DecoderLayer]", decoder.layers))
        self.shape = config.heads, config.dim // config.heads

    def start(self, graph: NetworkGraph, memory: EncodedGrid) -> None:
        """Add the first state to the outputs of the encoder's graph; see `TransformerDecoder.start`."""
        heads, width = self.shape
        for number, attention in enumerate(self.decoder.memory_attentions):
            projected = projected_memory(graph, attention, memory.grid)
            cache_outputs(graph, _SENTENCES, number, self.shape, "positions", projected)
        if memory.mask is not None and self.decoder.memory_attentions:
            graph.output(_MASK, memory.mask, BOOL, ["sentences", "positions"])
        count = graph.length(memory.grid, 0)
        shapes = ([heads, width, 0], [heads, 0, width])
        nothing = [
            graph.node("ConstantOfShape", graph.node("Concat", count, graph.integers(*shape), axis=0))
            for shape in shapes
        ]
        for number in range(len(self.layers)):
            cache_outputs(graph, _ROWS, number, self.shape, 0, CachedKeys(*nothing))

    def step(self, graph: NetworkGraph, *, masked: bool, bound: float = math.inf) -> None:
        """The whole graph of a step, see `DecoderGraphs.step`; `bound` is not used: keys and values have none."""
        decoder, config = self.decoder, self.config
        tokens, count = graph.input("tokens", INT64, ["rows"]), graph.input("count", INT64, [1])
        past = [cache_inputs(graph, _ROWS, number, self.shape, "words") for number in range(len(self.layers))]
        looking = range(len(decoder.memory_attentions))
        memory = [cache_inputs(graph, _SENTENCES, number, self.shape, "positions") for number in looking]
        mask = graph.input(_MASK, BOOL, ["sentences", "positions"]) if masked and memory else None
        words, read = graph.rows(decoder.embedding.weight, tokens), graph.length(past[0].values, 2)
        signal = placed(graph, config.positions, decoder.positions, words, read, decoder.scale)
        for number, layer in enumerate(self.layers):
            signal, weights = self.advance(graph, number, layer, signal, past[number], memory, mask)
            if weights is not None and number == decoder.looking_layer:
                graph.output("attention", weights, FLOAT, ["rows", "positions"])
        add_answer(graph, decoder.projection, normalised(graph, decoder.norm, signal), count)

    def advance(
        self,
        graph: NetworkGraph,
        number: int,
        layer: DecoderLayer,
        inputs: str,
        past: CachedKeys,
        memory: list[CachedKeys],
        mask: str | None,
    ) -> tuple[str, str | None]:
        """A layer: its result (rows, dim), and the weights of its attention over the grid, or None."""
        found, own = look_back(graph, layer.attention, before(graph, layer.around_attention, inputs), past)
        cache_outputs(graph, _NEXT, number, self.shape, "words_and_this", own)
        signal, weights = after(graph, layer.around_attention, inputs, found), None
        if layer.memory_attention is not None:
            read = before(graph, layer.around_memory_attention, signal)
            found, weights = look_at_memory(graph, layer.memory_attention, read, memory[number], mask)
            signal = after(graph, layer.around_memory_attention, signal, found)
        read = before(graph, layer.around_feed_forward, signal)
        found = feed_forward(graph, layer.feed_forward, read, NetworkGraph.linear)
        return after(graph, layer.around_feed_forward, signal, found), weights
