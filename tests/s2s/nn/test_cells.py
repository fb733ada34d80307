"""The cells: one step against torch's own, the passes over a tape against the step and its gradients, in float64."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from model_fixtures import CELL_KINDS
from torch import Tensor, nn

from s2s.nn.cells import CELLS, Cell, CellStates, tanh

TIME, BATCH, DIM = 5, 3, 4
TORCH: dict[str, Callable[..., nn.Module]] = {"rnn": nn.RNNCell, "gru": nn.GRUCell, "lstm": nn.LSTMCell}
each_cell = pytest.mark.parametrize("kind", list(CELL_KINDS))


def random_case(kind: str, dtype: torch.dtype = torch.float64) -> tuple[Cell, Tensor, Tensor, CellStates]:
    """A cell, projected (time, batch, gates * dim), the recurrent weight, and the initial states."""
    torch.manual_seed(1)
    cell = CELLS[CELL_KINDS[kind]]
    projected = torch.randn(TIME, BATCH, cell.gates * DIM, dtype=dtype)
    weight = torch.randn(cell.gates * DIM, DIM, dtype=dtype) / 2
    return cell, projected, weight, tuple(torch.randn(BATCH, DIM, dtype=dtype) for _ in range(cell.states))


@each_cell
def test_a_step_is_that_of_torch(kind: str) -> None:
    """The projected input stands for W x + b: an identity as torch's W hands it through."""
    cell, projected, weight, initial = random_case(kind)
    reference = TORCH[kind](cell.gates * DIM, DIM, bias=False, dtype=torch.float64)
    with torch.no_grad():
        reference.get_parameter("weight_ih").copy_(torch.eye(cell.gates * DIM))
        reference.get_parameter("weight_hh").copy_(weight)
        expected = reference(projected[0], initial if cell.states > 1 else initial[0])
    expected = expected if cell.states > 1 else (expected,)
    torch.testing.assert_close(cell.step(projected[0], weight, initial), expected)


@each_cell
def test_the_pass_over_a_tape_repeats_the_step(kind: str) -> None:
    cell, projected, weight, states = random_case(kind)
    tape = cell.tape(projected, states)
    assert tape.steps == TIME
    for t in range(TIME):
        cell.forward(projected[t], weight, tape, t)
        states = cell.step(projected[t], weight, states)
        for written, expected in zip(tape.states, states):
            torch.testing.assert_close(written[t + 1], expected)


@each_cell
def test_the_pass_back_gives_the_gradients_of_the_step(kind: str) -> None:
    cell, projected, weight, initial = random_case(kind)
    upstream = tuple(torch.randn(TIME, BATCH, DIM, dtype=torch.float64) for _ in initial)

    tape = cell.tape(projected, initial)
    for t in range(TIME):
        cell.forward(projected[t], weight, tape, t)
    flow = cell.flow(tape)
    for t in reversed(range(TIME)):
        flow.receive(t, upstream)
        cell.backward(weight, tape, flow, t)

    leaves = [tensor.clone().requires_grad_() for tensor in (projected, *initial)]
    states: CellStates = tuple(leaves[1:])
    total = torch.zeros((), dtype=torch.float64)
    for t in range(TIME):
        states = cell.step(leaves[0][t], weight, states)
        total = total + sum((state * gradient[t]).sum() for state, gradient in zip(states, upstream))
    for found, expected in zip((flow.projected, *flow.carried), torch.autograd.grad(total, leaves)):
        torch.testing.assert_close(found, expected)


@each_cell
def test_what_is_carried_is_float32_under_bfloat16_products(kind: str) -> None:
    """Even where the state came in as bfloat16."""
    cell, projected, _, initial = random_case(kind, torch.bfloat16)
    tape = cell.tape(projected, initial)
    assert tape.states[0].dtype == torch.bfloat16
    assert {buffer.dtype for buffer in (*tape.states[1:], tape.gates, *tape.extra)} == {torch.float32}
    assert {carried.dtype for carried in cell.flow(tape).carried} == {torch.float32}


@each_cell
def test_a_gradient_from_above_may_be_missing(kind: str) -> None:
    cell, projected, _, initial = random_case(kind)
    flow = cell.flow(cell.tape(projected, initial))
    flow.receive(0, (torch.ones(TIME, BATCH, DIM, dtype=torch.float64), *[None] * (cell.states - 1)))
    assert [carried.sum().item() for carried in flow.carried] == [BATCH * DIM, *[0.0] * (len(flow.carried) - 1)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("whole", [True, False])
def test_tanh_is_that_of_torch(dtype: torch.dtype, whole: bool) -> None:
    """Of a part of a tensor too, as the gates are."""
    values = torch.linspace(-6, 6, 120, dtype=dtype).view(10, 12)
    found, expected = (values.clone().requires_grad_() for _ in range(2))
    part = slice(None) if whole else slice(3, 9)
    mine, theirs = tanh(found[:, part]), torch.tanh(expected[:, part])
    torch.testing.assert_close(mine, theirs, rtol=0, atol=2e-7)
    torch.testing.assert_close(tanh(values[:, part]), theirs.detach(), rtol=0, atol=2e-7)
    (mine**2).sum().backward()
    (theirs**2).sum().backward()
    torch.testing.assert_close(found.grad, expected.grad, rtol=0, atol=1e-6)
