"""Recurrent layers: vanilla RNN, GRU and LSTM behind one interface.

A layer has two parts. The product of all inputs with the input weights does not depend on the previous step: it is one
matrix product over (time x batch). `Scan` is the rest: a loop over time in which each step is one matrix product and a
few point-wise operations. Its backward pass is written by hand and forms the gradient of the recurrent weights in one
product over all steps, after the loop.

Rows may have different lengths. Padding stands at the right end, so that no real step reads it. The backward direction
reverses every row within its own length, so that padding comes last there too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from s2s.nn.cells import CELLS, Cell, CellStates
from s2s.nn.compiled_lstm import fastest
from s2s.nn.configuration import CellConfig
from s2s.nn.dropout import Dropout
from s2s.nn.fused_layer import FUSED, Reading, read_fused


class Scan(torch.autograd.Function):
    """Run a cell over time: `states[t] = cell(projected[t], states[t - 1])`.

    projected (time, batch, gates * dim) sets the precision of the products; what the cell carries from step to step
    is float32 even where they are bfloat16.
    """

    @staticmethod
    def forward(ctx: Any, cell: Cell, projected: Tensor, weight: Tensor, *initial: Tensor) -> CellStates:
        """Return every state of every step, each (time, batch, dim): the hidden one as projected's dtype."""
        ctx.precision = weight.dtype
        weight = weight.to(projected.dtype)
        tape = cell.tape(projected, initial)
        for t in range(projected.shape[0]):
            cell.forward(projected[t], weight, tape, t)
        ctx.cell, ctx.tape = cell, tape
        ctx.save_for_backward(weight)
        ctx.set_materialize_grads(False)
        return tuple(states[1:] for states in tape.states[: cell.states])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        """Back-propagate through time, then form the weight's gradient in one product over all steps."""
        cell, tape, (weight,) = ctx.cell, ctx.tape, ctx.saved_tensors
        flow = cell.flow(tape)
        for t in reversed(range(tape.steps)):
            flow.receive(t, gradients)
            cell.backward(weight, tape, flow, t)
        previous = tape.states[0][:-1].flatten(0, 1)  # (time * batch, dim)
        weight_gradient = flow.recurrent.flatten(0, 1).t() @ previous.to(weight.dtype)
        return None, flow.projected, weight_gradient.to(ctx.precision), *flow.carried[: cell.states]


class RecurrentLayer(nn.Module):
    """One layer in one direction, with the parameters and the gate order of `torch.nn.LSTM` / `GRU` / `RNN`.

    Args:
        cell: the kind
        input_dim: width of the inputs
        dim: width of the states
        weight_dropout: share of the recurrent weights that `forward` drops in training, the same at all its steps
            (DropConnect: Merity et al., 2018)
    """

    def __init__(self, cell: CellConfig, input_dim: int, dim: int, *, weight_dropout: float = 0.0) -> None:
        super().__init__()
        self.cell = CELLS[type(cell)]
        self.drop_weight = Dropout(weight_dropout)
        self.dim = dim
        self.weight_input = nn.Parameter(torch.empty(self.cell.gates * dim, input_dim))
        self.weight_hidden = nn.Parameter(torch.empty(self.cell.gates * dim, dim))
        self.bias = nn.Parameter(torch.zeros(self.cell.gates * dim))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Glorot for the inputs, orthogonal for the recurrence, the forget gate open (Jozefowicz et al., 2015)."""
        for gate in self.weight_input.data.chunk(self.cell.gates):
            nn.init.xavier_uniform_(gate)
        for gate in self.weight_hidden.data.chunk(self.cell.gates):
            nn.init.orthogonal_(gate)
        nn.init.zeros_(self.bias)
        if self.cell.forget_gate is not None:
            nn.init.ones_(self.bias.data.chunk(self.cell.gates)[self.cell.forget_gate])

    def initial(self, like: Tensor) -> CellStates:
        """Zeros: a state for each of the rows (first dimension) of `like`."""
        zeros = like.new_zeros(like.shape[0], self.dim, dtype=torch.promote_types(like.dtype, torch.float32))
        return (zeros,) * self.cell.states

    def project(self, inputs: Tensor) -> Tensor:
        """The part of all gates that does not depend on the previous step: (..., input_dim) -> (..., gates * dim)."""
        return nn.functional.linear(inputs, self.weight_input, self.bias)

    def forward(self, inputs: Tensor, initial: CellStates) -> CellStates:
        """(time, batch, input_dim) and a state -> all states of all steps, each (time, batch, dim)."""
        projected = self.project(inputs.contiguous())  # else `linear` adds the bias in a pass of its own
        return Scan.apply(fastest(self.cell, projected), projected, self.drop_weight(self.weight_hidden), *initial)

    def read(self, inputs: Tensor, initial: CellStates, lengths: Tensor | None = None) -> Reading:
        """Run over a batch of sequences: on a GPU in one call (see s2s/nn/fused_layer.py), else step by step.

        Args:
            inputs: (time, batch, input_dim)
            initial: the state before the first step
            lengths: (batch,), of the real part of each row, at least 1; None if all rows are whole
        """
        if inputs.device.type == "cuda" and type(self.cell) in FUSED:
            weights = [self.weight_input, self.drop_weight(self.weight_hidden), self.bias]
            return read_fused(self.cell, inputs, weights, initial, lengths)
        states = self(inputs, initial)
        last = tuple(steps[-1] for steps in states) if lengths is None else _last(states, lengths)
        return Reading(states[0], tuple(state.to(start.dtype) for state, start in zip(last, initial)))

    def step(self, inputs: Tensor, states: CellStates) -> CellStates:
        """One step, for decoding: (batch, input_dim) and a state -> the next state."""
        return self.cell.step(self.project(inputs), self.weight_hidden, states)


def glorot_gates(linear: nn.Linear, gates: int) -> nn.Linear:
    """Initialise a part of a layer's input weights as `RecurrentLayer` does: each gate as a matrix of its own."""
    for gate in linear.weight.data.chunk(gates):
        nn.init.xavier_uniform_(gate)
    return linear


def recurrent_layers(cell: CellConfig, input_dims: Sequence[int], dim: int) -> Sequence[RecurrentLayer]:
    """A `ModuleList` of layers, typed as a sequence of them."""
    return nn.ModuleList(RecurrentLayer(cell, input_dim, dim) for input_dim in input_dims)  # type: ignore[return-value]


class Reverse(torch.autograd.Function):
    """Reverse every row within its own length; its own inverse, and its own gradient."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, order: Tensor) -> Tensor:
        """Permute the (time x batch) rows of inputs (time, batch, dim) by `order` (time * batch,)."""
        ctx.save_for_backward(order)
        return inputs.flatten(0, 1).index_select(0, order).view_as(inputs)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        """An involution: the gradient takes the same way back."""
        return gradient.flatten(0, 1).index_select(0, ctx.saved_tensors[0]).view_as(gradient), None


def reversal(lengths: Tensor, time: int) -> Tensor:
    """The order that reverses each of the rows (batch,) within its length, over (time * batch,) flattened rows."""
    steps = torch.arange(time, device=lengths.device).unsqueeze(1)  # (time, 1)
    mirrored = torch.where(steps < lengths, lengths - 1 - steps, steps)  # (time, batch)
    return (mirrored * len(lengths) + torch.arange(len(lengths), device=lengths.device)).flatten()


@dataclass(frozen=True)
class Encoded:
    """What recurrent layers make of a batch of sequences.

    Attributes:
        outputs: (batch, time, output_dim), of the last layer; values on padding have no meaning
        ahead: for each layer its states after the last real step of every row, each (batch, dim)
        back: the same for the layers that read from right to left, which end at the first step; empty without any
    """

    outputs: Tensor
    ahead: tuple[CellStates, ...]
    back: tuple[CellStates, ...] = ()


class RecurrentEncoder(nn.Module):
    """Several recurrent layers, in one direction or both, with dropout between them and optional residual connections.

    A bidirectional layer has `dim` units in each direction; the next layer reads their concatenation, 2 * dim wide.
    """

    def __init__(
        self,
        cell: CellConfig,
        input_dim: int,
        dim: int,
        *,
        layers: int = 1,
        bidirectional: bool = False,
        residual: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.bidirectional, self.residual = bidirectional, residual
        self.output_dim = dim * (2 if bidirectional else 1)
        widths = [input_dim] + [self.output_dim] * (layers - 1)
        self.ahead = recurrent_layers(cell, widths, dim)
        self.back = recurrent_layers(cell, widths if bidirectional else [], dim)
        self.dropout = Dropout(dropout)

    def forward(self, inputs: Tensor, lengths: Tensor, initial: Sequence[CellStates] | None = None) -> Encoded:
        """Read a batch of sequences.

        Args:
            inputs: (batch, time, input_dim)
            lengths: (batch,), of the real part of each row, at least 1
            initial: the states before the first step of each layer that reads from left to right, such as the `ahead`
                of the piece of text before this one; zeros where None. Layers in the other direction begin with zeros
        """
        signal = inputs.transpose(0, 1).contiguous()  # (time, batch, input_dim): each step is one block of memory
        order = reversal(lengths, signal.shape[0]) if self.bidirectional else None
        ahead, back = list[CellStates](), list[CellStates]()
        for i, layer in enumerate(self.ahead):
            below = signal if i == 0 else self.dropout(signal)
            outputs, last = layer.read(below, layer.initial(inputs) if initial is None else initial[i], lengths)
            ahead.append(last)
            if order is not None:
                hidden, last = self.back[i].read(Reverse.apply(below, order), self.back[i].initial(inputs), lengths)
                back.append(last)
                outputs = torch.cat([outputs, Reverse.apply(hidden, order)], -1)
            signal = outputs + signal if self.residual and outputs.shape == signal.shape else outputs
        return Encoded(signal.transpose(0, 1), tuple(ahead), tuple(back))


def _last(states: CellStates, lengths: Tensor) -> CellStates:
    """The states after the last real step of each row, (time, batch, dim) -> (batch, dim)."""
    rows = torch.arange(len(lengths), device=lengths.device)
    return tuple(state[lengths - 1, rows] for state in states)
