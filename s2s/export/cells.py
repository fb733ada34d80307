"""Recurrent cells in a graph: one step of a decoder's layer, and a whole encoder layer as an ONNX operator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from s2s.export.matrices import NetworkGraph, Weight, array_of
from s2s.nn.configuration import CellConfig, GRUConfig, LSTMConfig, RNNConfig
from s2s.nn.recurrent import RecurrentLayer


class Part(NamedTuple):
    """Something that a layer reads: a value (rows, width), and its weights (gates * dim, width)."""

    value: str
    weight: NDArray[np.float32]


Step = Callable[[NetworkGraph, RecurrentLayer, Sequence[Part], Sequence[str], str | None], list[str]]


@dataclass(frozen=True)
class CellGraph:
    """How a kind of cell is computed in a graph.

    Attributes:
        operator: the ONNX operator of a whole layer
        gates: for each gate of the operator, the number of the toolkit's gate
        step: (graph, layer, what the layer reads, its states, what is added to all gates or None) -> the next states
        attributes: of the operator
    """

    operator: str
    gates: Sequence[int]
    step: Step
    attributes: Mapping[str, int] = field(default_factory=dict)


def step_layer(
    graph: NetworkGraph,
    cell: CellConfig,
    layer: RecurrentLayer,
    parts: Sequence[Part],
    states: Sequence[str],
    added: str | None = None,
) -> list[str]:
    """One step of a layer: its next states, each (rows, dim), from its states and from what it reads."""
    hidden, *others = CELLS[type(cell)].step(graph, layer, parts, states, added)
    return [graph.bounded(hidden, 1), *others]


def _sum(graph: NetworkGraph, parts: Sequence[Part], bias: NDArray[np.float32] | None, added: str | None) -> str:
    """The sum of the parts' products, in one product of their concatenation."""
    value = graph.join(*(part.value for part in parts))
    product = graph.linear(value, np.concatenate([part.weight for part in parts], 1), bias)
    return product if added is None else graph.node("Add", product, added)


def _rnn(
    graph: NetworkGraph, layer: RecurrentLayer, parts: Sequence[Part], states: Sequence[str], added: str | None
) -> list[str]:
    own = Part(states[0], array_of(layer.weight_hidden))
    return [graph.node("Tanh", _sum(graph, [*parts, own], array_of(layer.bias), added))]


def _lstm(
    graph: NetworkGraph, layer: RecurrentLayer, parts: Sequence[Part], states: Sequence[str], added: str | None
) -> list[str]:
    hidden, cell = states
    own = Part(hidden, array_of(layer.weight_hidden))
    dim = layer.dim
    i, f, g, o = graph.split(_sum(graph, [*parts, own], array_of(layer.bias), added), *[dim] * 4)
    kept = graph.node("Mul", graph.node("Sigmoid", f), cell)
    cell = graph.node("Add", kept, graph.node("Mul", graph.node("Sigmoid", i), graph.node("Tanh", g)))
    return [graph.node("Mul", graph.node("Sigmoid", o), graph.node("Tanh", cell)), cell]


def _gru(
    graph: NetworkGraph, layer: RecurrentLayer, parts: Sequence[Part], states: Sequence[str], added: str | None
) -> list[str]:
    (hidden,), dim = states, layer.dim
    projected = graph.split(_sum(graph, parts, array_of(layer.bias), added), 2 * dim, dim)
    recurrent = graph.split(graph.linear(hidden, layer.weight_hidden), 2 * dim, dim)
    r, z = graph.split(graph.node("Sigmoid", graph.node("Add", projected[0], recurrent[0])), dim, dim)
    n = graph.node("Tanh", graph.node("Add", projected[1], graph.node("Mul", r, recurrent[1])))
    return [graph.node("Add", n, graph.node("Mul", z, graph.node("Sub", hidden, n)))]


CELLS: dict[type[CellConfig], CellGraph] = {
    LSTMConfig: CellGraph("LSTM", (0, 3, 1, 2), _lstm),  # i o f g of i f g o
    GRUConfig: CellGraph("GRU", (1, 0, 2), _gru, {"linear_before_reset": 1}),  # z r n of r z n
    RNNConfig: CellGraph("RNN", (0,), _rnn),
}


def encoder_layer(
    graph: NetworkGraph, cell: CellConfig, layers: Sequence[RecurrentLayer], signal: str, lengths: str
) -> str:
    """A layer over whole sequences, in one direction or, of two layers, in both.

    Args:
        graph: where it is computed
        cell: the kind
        layers: the one that reads from left to right, and then perhaps the one that reads from right to left
        signal: (time, batch, input_dim)
        lengths: (batch,) int32

    Returns:
        (time, batch, directions * dim); zeros on padding
    """
    kind, dim = CELLS[type(cell)], layers[0].dim
    inputs = _stacked(graph, kind, [layer.weight_input for layer in layers])
    hidden = _stacked(graph, kind, [layer.weight_hidden for layer in layers])
    biases = np.stack([_ordered(kind, array_of(layer.bias)) for layer in layers])
    bias = graph.constant(np.concatenate([biases, np.zeros_like(biases)], 1))  # the recurrent part has none of its own
    direction = "bidirectional" if len(layers) == 2 else "forward"
    (states,) = graph.nodes(
        kind.operator,
        [signal, inputs, hidden, bias, lengths],
        1,
        hidden_size=dim,
        direction=direction,
        **kind.attributes,
    )  # (time, directions, batch, dim)
    turned = graph.node("Transpose", states, perm=[0, 2, 1, 3])
    return graph.reshape(turned, 0, 0, len(layers) * dim)


def _stacked(graph: NetworkGraph, kind: CellGraph, weights: Sequence[Weight]) -> str:
    """One matrix for each direction, (directions, gates * dim, width)."""
    each = [graph.matrix(_ordered(kind, array_of(weight))) for weight in weights]
    axis = graph.integers(0)
    return graph.node("Concat", *(graph.node("Unsqueeze", matrix, axis) for matrix in each), axis=0)


def _ordered(kind: CellGraph, weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """The gates in the operator's order."""
    gates = np.split(weight, len(kind.gates))
    return np.concatenate([gates[gate] for gate in kind.gates])
