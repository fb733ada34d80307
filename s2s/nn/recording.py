"""Recording: what recurrent layers compute at every step, their gates and states, for views that show it.

    with recorded(encoder.ahead) as records:
        encoder(inputs, lengths)
    records[0].run().gates["f"]  # (time, rows, dim): the forget gate of the lowest layer

The layers run as always, by whichever way: step by step as in decoding, or over a whole sequence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from s2s.nn.cells import Cell, CellStates, Tape
from s2s.nn.recurrent import RecurrentLayer


@dataclass(frozen=True)
class LayerRun:
    """The steps of one layer.

    Attributes:
        gates: by their letters in the equation of the cell, each (time, rows, dim), after their sigmoid or tanh
        before: the states before each step, each (time, rows, dim)
        states: the states after each step, each (time, rows, dim)
    """

    gates: Mapping[str, Tensor]
    before: CellStates
    states: CellStates


class RecordingCell(Cell):
    """A cell that computes as another one does and keeps what it computes.

    Args:
        cell: the other one
    """

    def __init__(self, cell: Cell) -> None:
        self.gates, self.gate_names = cell.gates, cell.gate_names
        self.states, self.forget_gate = cell.states, cell.forget_gate
        self._cell = cell
        self._steps = list[tuple[tuple[Tensor, ...], CellStates, CellStates]]()  # gates, states before and after
        self._tapes = list[Tape]()

    def activate(self, projected: Tensor, weight: Tensor, states: CellStates) -> tuple[Tensor, ...]:
        """As the other cell does."""
        return self._cell.activate(projected, weight, states)

    def combine(self, gates: tuple[Tensor, ...], states: CellStates) -> CellStates:
        """As the other cell does; the step is kept."""
        after = self._cell.combine(gates, states)
        self._steps.append((gates, states, after))
        return after

    def tape(self, projected: Tensor, initial: CellStates) -> Tape:
        """As the other cell does; the tape is kept."""
        self._tapes.append(self._cell.tape(projected, initial))
        return self._tapes[-1]

    def forward(self, projected: Tensor, weight: Tensor, tape: Tape, t: int) -> None:
        """As the other cell does."""
        self._cell.forward(projected, weight, tape, t)

    def run(self) -> LayerRun:
        """All steps that the layer has made, whichever way, in order; at least one, and all of one way."""
        if self._tapes:
            gates = torch.cat([tape.gates for tape in self._tapes]).chunk(self.gates, -1)
            pairs = [tape.states[: self.states] for tape in self._tapes]
            before = tuple(torch.cat([state[:-1] for state in states]) for states in zip(*pairs))
            after = tuple(torch.cat([state[1:] for state in states]) for states in zip(*pairs))
        else:
            gates, before, after = (
                tuple(torch.stack(each) for each in zip(*(step[part] for step in self._steps))) for part in range(3)
            )
        return LayerRun(dict(zip(self.gate_names, gates)), before, after)


@contextmanager
def recorded(layers: Sequence[RecurrentLayer]) -> Iterator[list[RecordingCell]]:
    """A context in which the steps of layers are kept: one record for each layer. There is no gradient in it."""
    cells = [layer.cell for layer in layers]
    records = [RecordingCell(cell) for cell in cells]
    try:
        for layer, record in zip(layers, records):
            layer.cell = record
        with torch.no_grad():
            yield records
    finally:
        for layer, cell in zip(layers, cells):
            layer.cell = cell
