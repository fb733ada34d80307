"""The experiment on gradients: its norms against autograd on torch's own cells, its task, and what forget biases do."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

from s2s.nn.configuration import GRUConfig, LSTMConfig, RNNConfig
from s2s.training.configuration import OptimiserConfig
from s2s.training.gradient_flow import KINDS, CopyNetwork, CopyTask, Kind, gradient_norms, measure, train, train_clipped

TASK, UNITS = CopyTask(gap=3, length=2, symbols=4), 5
CELLS: dict[str, tuple[Kind, Callable[..., nn.Module]]] = {
    "rnn": (Kind("a", RNNConfig()), nn.RNNCell),
    "gru": (Kind("b", GRUConfig()), nn.GRUCell),
    "lstm": (Kind("c", LSTMConfig()), nn.LSTMCell),
}


def batch(rows: int = 3) -> tuple[Tensor, Tensor]:
    return TASK.batch(rows, torch.Generator().manual_seed(2))


def test_the_task_is_to_copy_after_a_gap_and_a_mark() -> None:
    inputs, targets = batch(100)
    assert inputs.shape == (TASK.steps, 100)
    assert targets.shape == (2, 100)
    assert torch.equal(inputs[:2], targets)
    assert inputs[2:].unique_consecutive(dim=0)[:, 0].tolist() == [4, 5, 4]
    assert (inputs[5] == 5).all()  # the mark is read when the first symbol is to be written
    assert targets.unique().tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("kind", list(CELLS))
def test_norms_are_those_of_autograd_on_the_cell_of_torch(kind: str) -> None:
    torch.manual_seed(4)
    of, torch_cell = CELLS[kind]
    network = CopyNetwork(of, TASK, UNITS).double()
    inputs, targets = batch()
    cell = torch_cell(TASK.inputs, UNITS, dtype=torch.float64)
    layer = network.layer
    own = {"weight_ih": layer.weight_input, "weight_hh": layer.weight_hidden, "bias_ih": layer.bias}
    with torch.no_grad():
        for name, parameter in own.items():
            cell.get_parameter(name).copy_(parameter)
        cell.get_parameter("bias_hh").zero_()

    expected = torch.zeros(2, TASK.steps, 3, dtype=torch.float64)  # (hidden or cell, distance, sequences)
    for row in range(3):  # each sequence by itself
        states, steps = None, list[tuple[Tensor, ...]]()
        for token in inputs[:, row]:
            found = cell(one_hot(token, TASK.inputs).double()[None], states)
            states = found
            steps.append(found if kind == "lstm" else (found,))
        loss = cross_entropy(network.readout(steps[-1][0]), targets[-1, row : row + 1])
        for part, tensors in enumerate(zip(*steps)):
            gradients = torch.autograd.grad(loss, tensors, retain_graph=True, allow_unused=True)
            for t, gradient in enumerate(gradients):
                expected[part, TASK.steps - 1 - t, row] = 0.0 if gradient is None else gradient.norm()
    norms = gradient_norms(network, inputs, targets)
    assert len(norms) == (2 if kind == "lstm" else 1)
    torch.testing.assert_close(torch.tensor(norms, dtype=torch.float64), expected.mean(-1)[: len(norms)])


def test_an_open_forget_gate_lets_gradients_through_at_the_start() -> None:
    task, far = CopyTask(gap=12), 15
    norms = {}
    for kind in KINDS:
        torch.manual_seed(1)
        network = CopyNetwork(kind, task, 16)
        (hidden, *_) = gradient_norms(network, *task.batch(64, torch.Generator().manual_seed(1)))
        norms[kind.name] = hidden[far] / hidden[0]
    assert norms["LSTM, bias 1"] > 2 * norms["LSTM, bias 0"]
    assert norms["RNN, orthogonal"] > 2 * norms["RNN, uniform"]


def test_a_measurement_repeats_itself_and_training_learns() -> None:
    task = CopyTask(gap=1, length=1, symbols=2)
    first, second = (measure(KINDS[1], task, 8, 60, seed=3) for _ in range(2))
    assert first == second
    assert first != measure(KINDS[1], task, 8, 60, seed=4)
    assert first.losses[-1] < first.losses[0] / 4
    assert first.accuracy == 1
    assert first.start != first.trained


def test_the_norm_is_that_before_clipping_and_clipping_bounds_the_step() -> None:
    for clip in (0.0, 1e-3):
        torch.manual_seed(5)
        network = CopyNetwork(KINDS[1], TASK, UNITS)
        before = [parameter.detach().clone() for parameter in network.parameters()]
        optimiser = OptimiserConfig("sgd", learning_rate=1.0, beta1=0.0, clip_norm=clip)
        (step,) = train(network, optimiser, 1, seed=0)
        moved = torch.cat([(b - p.detach()).flatten() for b, p in zip(before, network.parameters())]).norm().item()
        assert moved == pytest.approx(clip or step.norm, rel=1e-3)
    free, clipped = (train_clipped(TASK, UNITS, 2, 1, clip) for clip in (0.0, 1e-3))
    assert free[0] == clipped[0]
    assert free[1] != clipped[1]
