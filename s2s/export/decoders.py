"""Decoders in graphs: the first state at the end of the encoder's graph, and the graph of a step.

Recurrent decoders are here, the Transformer is in transformer_decoder.py. Each kind computes what `step` of its decoder
does in evaluation mode. Names of a recurrent state's values:

    rows.hidden.I, rows.cell.I   of recurrent layer I, (rows, dim); the LSTM alone has a cell
    rows.feed                    the attentional vector of input feeding, (rows, embedding_dim)
    sentences.keys, .values      what attention looks at, (sentences, positions, ...)
    sentences.mask               (sentences, positions) bool, True where real; missing where all are
    sentences.fixed              a part of the first layer's gates, (sentences, gates * dim), of the top-down decoder
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from s2s.export.attention import Look, dense, keys_of, look, scored_by
from s2s.export.builder import BOOL, FLOAT, INT64
from s2s.export.cells import Part, step_layer
from s2s.export.matrices import NetworkGraph, array_of
from s2s.export.steps import EncodedGrid, add_answer
from s2s.export.transformer_decoder import TransformerGraphs
from s2s.models.configuration import (
    DecoderConfig,
    InputFeedingConfig,
    ParallelConfig,
    RecurrentDecoderConfig,
    ShowAndTellConfig,
    ShowAttendTellConfig,
    TopDownConfig,
    TransformerDecoderConfig,
)
from s2s.nn.cells import CELLS as TORCH_CELLS


@dataclass
class Advance:
    """What a step finds.

    Attributes:
        layers: the next states of each layer
        features: (rows, embedding_dim), from which the next token is read
        look: what attention found; None where the decoder does not look
        feed: the next attentional vector of input feeding; None for other kinds
    """

    layers: list[list[str]]
    features: str
    look: Look | None = None
    feed: str | None = None


class DecoderGraphs:
    """A decoder's part of both graphs. A kind of it defines `advance`.

    Args:
        config: the kind and its shape
        decoder: the trained decoder, one that `s2s.models.decoders` builds for this configuration
    """

    def __init__(self, config: RecurrentDecoderConfig, decoder: Any) -> None:
        self.config, self.decoder = config, decoder
        self.state_names = ["hidden", "cell"][: TORCH_CELLS[type(config.cell)].states]

    # ------------------------------------------------------------------------------------------ the first state

    def start(self, graph: NetworkGraph, memory: EncodedGrid) -> None:
        """Add the first state to the outputs of the encoder's graph; see `RecurrentDecoder.start`."""
        for number, states in enumerate(self.first_states(graph, memory)):
            for name, value in zip(self.state_names, states):
                graph.output(f"rows.{name}.{number}", value, FLOAT, ["sentences", self.config.dim])
        attention = self.decoder.attention
        if attention is not None:
            keys = keys_of(graph, self.config.attention, attention, memory.grid)
            graph.output("sentences.keys", keys, FLOAT, ["sentences", "positions", self.key_dim])
            graph.output("sentences.values", memory.grid, FLOAT, ["sentences", "positions", attention.memory_dim])
            if memory.mask is not None:
                graph.output("sentences.mask", memory.mask, BOOL, ["sentences", "positions"])

    def first_states(self, graph: NetworkGraph, memory: EncodedGrid) -> list[list[str]]:
        """The first states of each layer: h_0 = tanh(W summary), all else zero."""
        bridge, count = self.decoder.bridge, len(self.decoder.layers)
        zeros = self.zeros(graph, memory, self.config.dim)
        hidden = [zeros] * count if bridge is None else self.bridged(graph, bridge, memory.summary)
        return [[each, *[zeros] * (len(self.state_names) - 1)] for each in hidden]

    def bridged(self, graph: NetworkGraph, bridge: Any, summary: str) -> list[str]:
        """tanh(W summary), cut into a part for each layer."""
        states = graph.node("Tanh", dense(graph, summary, bridge.weight, bridge.bias))
        return graph.split(states, *[self.config.dim] * len(self.decoder.layers))

    def zeros(self, graph: NetworkGraph, memory: EncodedGrid, dim: int) -> str:
        """(sentences, dim)."""
        shape = graph.node("Concat", graph.length(memory.summary, 0), graph.integers(dim), axis=0)
        return graph.node("ConstantOfShape", shape)

    @property
    def key_dim(self) -> int:
        """Width of the keys."""
        return getattr(scored_by(self.config.attention), "dim", self.config.dim)

    # --------------------------------------------------------------------------------------------------- a step

    def step(self, graph: NetworkGraph, *, masked: bool, bound: float = math.inf) -> None:
        """The whole graph of a step.

        Args:
            graph: an empty one
            masked: whether some positions of the memory may be padding
            bound: of the memory's grid, see `EncodedGrid`
        """
        config, decoder = self.config, self.decoder
        tokens = graph.input("tokens", INT64, ["rows"])
        count = graph.input("count", INT64, [1])
        states = [
            [graph.input(f"rows.{name}.{number}", FLOAT, ["rows", config.dim]) for name in self.state_names]
            for number in range(len(decoder.layers))
        ]
        for hidden, *_ in states:
            graph.bounded(hidden, 1)
        self.inputs(graph, masked=masked, bound=bound)
        advance = self.advance(graph, graph.rows(decoder.embedding.weight, tokens), states)
        add_answer(graph, decoder.projection, advance.features, count)
        for number, after in enumerate(advance.layers):
            for name, value in zip(self.state_names, after):
                graph.output(f"next.rows.{name}.{number}", value, FLOAT, ["rows", config.dim])
        if advance.feed is not None:
            graph.output("next.rows.feed", advance.feed, FLOAT, ["rows", config.embedding_dim])
        if advance.look is not None:
            graph.output("attention", advance.look.weights, FLOAT, ["rows", "positions"])

    def inputs(self, graph: NetworkGraph, *, masked: bool, bound: float) -> None:
        """Declare the inputs that have one row a sentence."""
        attention = self.decoder.attention
        self.grid: tuple[str, str, str | None] | None = None
        if attention is not None:
            keys = graph.input("sentences.keys", FLOAT, ["sentences", "positions", self.key_dim])
            values = graph.input("sentences.values", FLOAT, ["sentences", "positions", attention.memory_dim])
            mask = graph.input("sentences.mask", BOOL, ["sentences", "positions"]) if masked else None
            self.grid = keys, graph.bounded(values, bound), mask

    def advance(self, graph: NetworkGraph, words: str, states: list[list[str]]) -> Advance:
        """From the words just read (rows, embedding_dim) and the layers' states to what a step finds."""
        raise NotImplementedError

    def look(self, graph: NetworkGraph, queries: str) -> Look | None:
        """Attend from queries (rows, dim); None where the decoder does not look."""
        if self.grid is None:
            return None
        return look(graph, self.config.attention, self.decoder.attention, queries, self.grid)

    def layer(self, graph: NetworkGraph, number: int, states: list[list[str]], *signals: str) -> list[str]:
        """A step of a layer that reads these signals side by side."""
        layer = self.decoder.layers[number]
        part = Part(graph.join(*signals), array_of(layer.weight_input))
        return step_layer(graph, self.config.cell, layer, [part], states[number])

    def climb(self, graph: NetworkGraph, states: list[list[str]], *parts: Part) -> list[list[str]]:
        """All layers, the first of which reads `parts`, and each of the others the one below."""
        layers = [step_layer(graph, self.config.cell, self.decoder.layers[0], parts, states[0])]
        for number in range(1, len(states)):
            layers.append(self.layer(graph, number, states, layers[-1][0]))
        return layers

    def words(self, words: str) -> Part:
        """The words' part of the first layer."""
        return Part(words, array_of(self.decoder.layers[0].weight_input))

    def deep_output(self, graph: NetworkGraph, *parts: str) -> str:
        """W [part; part; ...]."""
        output = self.decoder.deep_output
        return graph.linear(graph.join(*parts), output.weight, output.bias)

    def features(self, graph: NetworkGraph, context: str | None, hidden: str, words: str) -> str:
        """tanh(W [context; state; word just read])."""
        parts = (hidden, words) if context is None else (context, hidden, words)
        return graph.bounded(graph.node("Tanh", self.deep_output(graph, *parts)), 1)


class ParallelGraphs(DecoderGraphs):
    """`ParallelDecoder`."""

    def advance(self, graph: NetworkGraph, words: str, states: list[list[str]]) -> Advance:
        """See `DecoderGraphs.advance`."""
        layers = [self.layer(graph, 0, states, words)]
        found = self.look(graph, layers[0][0])
        signals = [layers[0][0]] if found is None else [layers[0][0], found.context]
        for number in range(1, len(states)):
            layers.append(self.layer(graph, number, states, *signals))
            signals = [layers[-1][0]]
        features = self.features(graph, found and found.context, layers[-1][0], words)
        return Advance(layers, features, found)


class InputFeedingGraphs(DecoderGraphs):
    """`InputFeedingDecoder`."""

    def start(self, graph: NetworkGraph, memory: EncodedGrid) -> None:
        """See `DecoderGraphs.start`; the first attentional vector is zero."""
        super().start(graph, memory)
        dim = self.config.embedding_dim
        graph.output("rows.feed", self.zeros(graph, memory, dim), FLOAT, ["sentences", dim])

    def inputs(self, graph: NetworkGraph, *, masked: bool, bound: float) -> None:
        """See `DecoderGraphs.inputs`."""
        super().inputs(graph, masked=masked, bound=bound)
        self.fed = graph.bounded(graph.input("rows.feed", FLOAT, ["rows", self.config.embedding_dim]), 1)

    def advance(self, graph: NetworkGraph, words: str, states: list[list[str]]) -> Advance:
        """See `DecoderGraphs.advance`."""
        weight, dim = array_of(self.decoder.layers[0].weight_input), self.config.embedding_dim
        layers = self.climb(graph, states, Part(words, weight[:, :dim]), Part(self.fed, weight[:, dim:]))
        hidden = layers[-1][0]
        found = self.look(graph, hidden)
        attentional = self.features(graph, found and found.context, hidden, words)
        return Advance(layers, attentional, found, attentional)


class ShowAndTellGraphs(DecoderGraphs):
    """`ShowAndTellDecoder`."""

    def advance(self, graph: NetworkGraph, words: str, states: list[list[str]]) -> Advance:
        """See `DecoderGraphs.advance`."""
        layers = self.climb(graph, states, self.words(words))
        return Advance(layers, self.deep_output(graph, layers[-1][0]))


class ShowAttendTellGraphs(DecoderGraphs):
    """`ShowAttendTellDecoder`."""

    def first_states(self, graph: NetworkGraph, memory: EncodedGrid) -> list[list[str]]:
        """As in all decoders, except that the LSTM's cell starts from the summary too."""
        states = super().first_states(graph, memory)
        if self.decoder.bridge_cell is None:
            return states
        cells = self.bridged(graph, self.decoder.bridge_cell, memory.summary)
        return [[hidden, cell] for (hidden, _), cell in zip(states, cells)]

    def advance(self, graph: NetworkGraph, words: str, states: list[list[str]]) -> Advance:
        """See `DecoderGraphs.advance`."""
        decoder, above = self.decoder, states[-1][0]
        parts, context = [self.words(words)], None
        found = self.look(graph, above)
        if found is not None:
            gate = graph.node("Sigmoid", graph.linear(above, decoder.gate.weight, decoder.gate.bias))
            context = graph.bounded(graph.node("Mul", gate, found.context), graph.bound(found.context))
            parts.append(Part(context, array_of(decoder.context.weight)))
        layers = self.climb(graph, states, *parts)
        return Advance(layers, self.features(graph, context, layers[-1][0], words), found)


class TopDownGraphs(DecoderGraphs):
    """`TopDownDecoder`."""

    @property
    def gates_dim(self) -> int:
        """Width of a layer's gates."""
        return len(self.decoder.layers[0].bias)

    def start(self, graph: NetworkGraph, memory: EncodedGrid) -> None:
        """See `DecoderGraphs.start`; the summary's part of the first layer's gates is the same at every step."""
        super().start(graph, memory)
        if self.decoder.picture is not None:
            fixed = dense(graph, memory.summary, self.decoder.picture.weight)
            graph.output("sentences.fixed", fixed, FLOAT, ["sentences", self.gates_dim])

    def inputs(self, graph: NetworkGraph, *, masked: bool, bound: float) -> None:
        """See `DecoderGraphs.inputs`."""
        super().inputs(graph, masked=masked, bound=bound)
        self.fixed = None
        if self.decoder.picture is not None:
            self.fixed = graph.input("sentences.fixed", FLOAT, ["sentences", self.gates_dim])

    def advance(self, graph: NetworkGraph, words: str, states: list[list[str]]) -> Advance:
        """See `DecoderGraphs.advance`."""
        decoder, above = self.decoder, states[-1][0]
        parts = [self.words(words), Part(above, array_of(decoder.feedback.weight))]
        layers = [step_layer(graph, self.config.cell, decoder.layers[0], parts, states[0], self.picture(graph, above))]
        signal = layers[0][0]
        found = self.look(graph, signal)
        signals = [signal] if found is None else [found.context, signal]
        for number in range(1, len(states)):
            layers.append(self.layer(graph, number, states, *signals))
            signals = [layers[-1][0]]
        return Advance(layers, self.deep_output(graph, layers[-1][0]), found)

    def picture(self, graph: NetworkGraph, rows: str) -> str | None:
        """The summary's part of the first layer's gates for each row, (rows, gates * dim)."""
        if self.fixed is None:
            return None
        each = graph.node("Div", graph.length(rows, 0), graph.length(self.fixed, 0))  # rows of a sentence
        shape = graph.node("Concat", graph.integers(1), each, graph.integers(1), axis=0)
        expanded = graph.node("Expand", graph.node("Unsqueeze", self.fixed, graph.integers(1)), shape)
        return graph.reshape(expanded, -1, self.gates_dim)


DECODERS: Mapping[type[DecoderConfig], Any] = {
    ParallelConfig: ParallelGraphs,
    InputFeedingConfig: InputFeedingGraphs,
    ShowAndTellConfig: ShowAndTellGraphs,
    ShowAttendTellConfig: ShowAttendTellGraphs,
    TopDownConfig: TopDownGraphs,
    TransformerDecoderConfig: TransformerGraphs,
}
