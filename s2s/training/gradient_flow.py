"""How far gradients reach back through time: an experiment with the cells of this toolkit.

The task needs memory. A network reads some symbols, a gap of blanks and a mark, and has to reproduce the symbols:

    reads     c a f . . . . . . . . ! . .        "." is a blank, "!" the mark
    writes                          c a f

`gradient_norms` measures |dL/dh_t|, the norm of the gradient of the loss L at the last step T by the hidden state at
each step t, over the distance T - t. In a vanilla RNN dh_T/dh_t is a product of T - t Jacobians, which vanishes or
explodes with the distance (Hochreiter, 1991; Bengio et al., 1994; Pascanu et al., 2013). An LSTM's cell state is
multiplied by the forget gate alone, whose bias says how much is kept at the start (Gers et al., 2000; Jozefowicz et
al., 2015).

`train_clipped` trains a vanilla RNN by plain gradient descent, with and without clipping the norm of the gradient: one
step along a gradient that has exploded leaves it far from where it was (Pascanu et al., 2013).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

from s2s.nn.configuration import CellConfig, GRUConfig, LSTMConfig, RNNConfig
from s2s.nn.recurrent import RecurrentLayer
from s2s.training.configuration import OptimiserConfig
from s2s.training.optimisation import build_optimiser, scale_and_clip

ROWS = 32  # sequences of a batch
TESTED = 256  # sequences on which gradients and accuracy are measured
_TRAINING = OptimiserConfig("adam", learning_rate=1e-2, clip_norm=1.0)
_DESCENT = OptimiserConfig("sgd", learning_rate=0.3, beta1=0.0)


@dataclass(frozen=True)
class CopyTask:
    """Sequences to copy after a gap.

    Attributes:
        gap: blanks between the last symbol and the mark
        length: symbols of a sequence
        symbols: how many different ones there are
    """

    gap: int
    length: int = 3
    symbols: int = 6

    @property
    def inputs(self) -> int:
        """How many different inputs there are: the symbols, the blank and the mark."""
        return self.symbols + 2

    @property
    def steps(self) -> int:
        """Of a sequence."""
        return 2 * self.length + self.gap

    def batch(self, rows: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Inputs (steps, rows), and what is to be written at the last steps, (length, rows)."""
        targets = torch.randint(self.symbols, (self.length, rows), generator=generator)
        inputs = torch.full((self.steps, rows), self.symbols)  # blanks
        inputs[: self.length] = targets
        inputs[self.length + self.gap] = self.symbols + 1
        return inputs, targets


@dataclass(frozen=True)
class Kind:
    """A kind of network that is compared.

    Attributes:
        name: for the reader
        cell: of its recurrent layer
        forget_bias: with which an LSTM starts
        orthogonal: whether the recurrent weights start as this toolkit starts them; otherwise they are small uniform
            random numbers, as those of `torch.nn.RNN`
    """

    name: str
    cell: CellConfig
    forget_bias: float = 1.0
    orthogonal: bool = True


RNN = Kind("RNN, orthogonal", RNNConfig())
KINDS = (
    Kind("RNN, uniform", RNNConfig(), orthogonal=False),
    RNN,
    Kind("GRU", GRUConfig()),
    Kind("LSTM, bias 0", LSTMConfig(), forget_bias=0.0),
    Kind("LSTM, bias 1", LSTMConfig(), forget_bias=1.0),
)


class CopyNetwork(nn.Module):
    """A recurrent layer over one-hot inputs, and a linear layer that reads its states.

    Args:
        kind: of the layer
        task: whose inputs it reads
        units: of the layer
    """

    def __init__(self, kind: Kind, task: CopyTask, units: int) -> None:
        super().__init__()
        self.task = task
        self.layer = RecurrentLayer(kind.cell, task.inputs, units)
        self.readout = nn.Linear(units, task.symbols)
        cell = self.layer.cell
        if cell.forget_gate is not None:
            nn.init.constant_(self.layer.bias.data.chunk(cell.gates)[cell.forget_gate], kind.forget_bias)
        if not kind.orthogonal:
            nn.init.uniform_(self.layer.weight_hidden, -(units**-0.5), units**-0.5)

    def one_hot(self, inputs: Tensor) -> Tensor:
        """(steps, rows) -> (steps, rows, inputs)."""
        return one_hot(inputs, self.task.inputs).to(self.readout.weight.dtype)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits of the symbols at the steps at which they are written: (length, rows, symbols)."""
        vectors = self.one_hot(inputs)
        hidden = self.layer(vectors, self.layer.initial(vectors[0]))[0]
        return self.readout(hidden[-self.task.length :])


def gradient_norms(network: CopyNetwork, inputs: Tensor, targets: Tensor) -> list[list[float]]:
    """The norm of dL/dh_t, and for an LSTM that of dL/dc_t, over the distance of step t to the last step.

    L is the cross-entropy of the last symbol. Norms are those of each sequence, and their mean over the sequences.

    Args:
        network: it is not changed
        inputs, targets: (steps, rows) and (length, rows), from `CopyTask.batch`

    Returns:
        for each tensor of the state (hidden, and cell of an LSTM) the norms at the distances 0, 1, 2, ...
    """
    layer, vectors = network.layer, network.one_hot(inputs)
    states, steps = layer.initial(vectors[0]), list[tuple[Tensor, ...]]()
    for each in vectors:
        states = layer.step(each, states)
        steps.append(states)
    loss = cross_entropy(network.readout(states[0]), targets[-1], reduction="sum")  # a row's loss has its own states
    found = list[list[float]]()
    for tensors in zip(*steps):
        gradients = torch.autograd.grad(loss, tensors, retain_graph=True, allow_unused=True)
        norms = [0.0 if gradient is None else float(gradient.norm(dim=-1).mean()) for gradient in gradients]
        found.append(norms[::-1])
    return found


class TrainingStep(NamedTuple):
    """One step of a training: the loss, and the norm of the whole gradient before it was clipped."""

    loss: float
    norm: float


def train(network: CopyNetwork, optimiser: OptimiserConfig, steps: int, seed: int) -> list[TrainingStep]:
    """Train on fresh sequences of the network's task."""
    update, generator, made = build_optimiser(optimiser, network), _generator(seed), list[TrainingStep]()
    for _ in range(steps):
        inputs, targets = network.task.batch(ROWS, generator)
        loss = cross_entropy(network(inputs).flatten(0, 1), targets.flatten())
        loss.backward()
        norm = scale_and_clip(network.parameters(), 1.0, optimiser)
        update.step(optimiser.learning_rate)
        update.zero_grad()
        made.append(TrainingStep(loss.item(), norm.item()))
    return made


@dataclass(frozen=True)
class Measured:
    """The gradients of a kind of network; see `gradient_norms` for the shapes.

    Attributes:
        name: of the kind
        start, trained: before and after the training
        losses: of each step of the training
        accuracy: the share of the symbols that it reproduces after the training
    """

    name: str
    start: list[list[float]]
    trained: list[list[float]]
    losses: list[float]
    accuracy: float


def measure(kind: Kind, task: CopyTask, units: int, steps: int, seed: int) -> Measured:
    """Measure the gradients of a kind of network, at the start and after so many steps with Adam."""
    network = _network(kind, task, units, seed)
    inputs, targets = task.batch(TESTED, _generator(seed + 1))
    start = gradient_norms(network, inputs, targets)
    made = train(network, _TRAINING, steps, seed)
    with torch.no_grad():
        right = (network(inputs).argmax(-1) == targets).float().mean().item()
    return Measured(kind.name, start, gradient_norms(network, inputs, targets), [each.loss for each in made], right)


def train_clipped(task: CopyTask, units: int, steps: int, seed: int, clip_norm: float) -> list[TrainingStep]:
    """Train a vanilla RNN by gradient descent, whose gradient is clipped at a norm; 0 does not clip."""
    return train(_network(RNN, task, units, seed), replace(_DESCENT, clip_norm=clip_norm), steps, seed)


def _network(kind: Kind, task: CopyTask, units: int, seed: int) -> CopyNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return CopyNetwork(kind, task, units)


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
