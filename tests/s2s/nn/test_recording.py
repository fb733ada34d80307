"""Recording: the gates and states of a layer, by whichever way it runs, are those of its equations."""

from __future__ import annotations

import pytest
import torch
from model_fixtures import CELL_KINDS
from torch import Tensor

from s2s.nn.cells import CELLS
from s2s.nn.recording import LayerRun, recorded
from s2s.nn.recurrent import RecurrentEncoder, RecurrentLayer

TIME, ROWS, WIDTH, DIM = 6, 2, 3, 4
each_cell = pytest.mark.parametrize("kind", list(CELL_KINDS))


def layer_of(kind: str) -> RecurrentLayer:
    torch.manual_seed(3)
    layer = RecurrentLayer(CELL_KINDS[kind](), WIDTH, DIM)
    torch.nn.init.normal_(layer.bias)
    return layer


def written_out(kind: str, layer: RecurrentLayer, run: LayerRun, inputs: Tensor) -> dict[str, Tensor]:
    """The gates by their equations, from the inputs (time, rows, width) and the states before each step."""
    hidden, names = run.before[0], CELLS[CELL_KINDS[kind]].gate_names
    parts = zip(*(weight.chunk(len(names)) for weight in (layer.weight_input, layer.weight_hidden, layer.bias)))
    sums = {name: (inputs @ w.t() + b, hidden @ u.t()) for name, (w, u, b) in zip(names, parts)}
    match kind:
        case "rnn":
            return {"h": torch.tanh(torch.add(*sums["h"]))}
        case "gru":
            r, z = (torch.sigmoid(torch.add(*sums[name])) for name in "rz")
            return {"r": r, "z": z, "n": torch.tanh(sums["n"][0] + r * sums["n"][1])}
        case _:
            return {name: (torch.tanh if name == "g" else torch.sigmoid)(torch.add(*sums[name])) for name in "ifgo"}


@each_cell
def test_gates_and_states_are_those_of_the_equations(kind: str) -> None:
    layer, inputs = layer_of(kind), torch.randn(TIME, ROWS, WIDTH)
    initial = tuple(torch.randn(ROWS, DIM) for _ in range(layer.cell.states))
    plain = layer(inputs, initial)
    with recorded([layer]) as (record,):
        layer(inputs, initial)
    run = record.run()
    torch.testing.assert_close(run.states, plain)
    for first, state in zip(initial, run.before):
        torch.testing.assert_close(state[0], first)
    for after, before in zip(run.states, run.before):
        torch.testing.assert_close(after[:-1], before[1:])
    torch.testing.assert_close(dict(run.gates), written_out(kind, layer, run, inputs))
    gates = run.gates
    match kind:
        case "rnn":
            next_states = (gates["h"],)
        case "gru":
            next_states = ((1 - gates["z"]) * gates["n"] + gates["z"] * run.before[0],)
        case _:
            cell = gates["f"] * run.before[1] + gates["i"] * gates["g"]
            next_states = (gates["o"] * torch.tanh(cell), cell)
    torch.testing.assert_close(run.states, next_states)


@each_cell
def test_step_by_step_and_in_pieces_the_record_is_the_same(kind: str) -> None:
    layer, inputs = layer_of(kind), torch.randn(TIME, ROWS, WIDTH)
    with recorded([layer]) as (whole,):
        layer(inputs, layer.initial(inputs[0]))
    with recorded([layer]) as (stepwise,):
        states = layer.initial(inputs[0])
        for each in inputs:
            states = layer.step(each, states)
    with recorded([layer]) as (pieces,):
        first = layer(inputs[:2], layer.initial(inputs[0]))
        layer(inputs[2:], tuple(state[-1] for state in first))
    for record in (stepwise, pieces):
        torch.testing.assert_close(record.run(), whole.run())


def test_layers_are_as_before_afterwards_even_after_an_error() -> None:
    encoder = RecurrentEncoder(CELL_KINDS["lstm"](), WIDTH, DIM, layers=2, bidirectional=True)
    layers = [*encoder.ahead, *encoder.back]
    inputs, lengths = torch.zeros(ROWS, TIME, WIDTH + 1), torch.full((ROWS,), TIME)
    with pytest.raises(RuntimeError), recorded(layers):
        encoder(inputs, lengths)  # too wide
    assert all(layer.cell is CELLS[CELL_KINDS["lstm"]] for layer in layers)
