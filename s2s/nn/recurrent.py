"""Recurrent layers: vanilla RNN, GRU and LSTM behind one interface.

A layer splits its work in two. What does not depend on the previous step, the product of all inputs with the input
weights, is one matrix product over (time x batch). What does is `Scan`: a loop in which each step is one matrix
product and a few point-wise operations, with a backward pass written by hand that keeps the recurrent weights'
gradient out of the loop (one product over all steps at its end).

Rows may have different lengths. Padding stands at the right end, where nothing real reads it; the backward direction
reverses every row within its own length, so that it too meets its padding last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from s2s.errors import check
from s2s.nn.cells import CELLS, Cell
from s2s.nn.dropout import Dropout

# What a recipe or a stranger's model can ask for: a layer too many would cost memory before any tensor is compared.
MAX_UNITS, MAX_LAYERS = 65_536, 64

States = tuple[Tensor, ...]  # (hidden, cell) for the LSTM, (hidden,) for the others: each (batch, dim)


class Scan(torch.autograd.Function):
    """Run a cell over time: `states[t] = cell(projected[t], states[t - 1])`.

    projected (time, batch, gates * dim) sets the precision of the products; what the cell carries from step to step
    is float32 even where they are bfloat16.
    """

    @staticmethod
    def forward(ctx: Any, cell: Cell, projected: Tensor, weight: Tensor, *initial: Tensor) -> States:
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
    """One layer in one direction, with the parameters and the gate order of `torch.nn.LSTM` / `GRU` / `RNN`."""

    def __init__(self, kind: str, input_dim: int, dim: int) -> None:
        super().__init__()
        check(kind in CELLS, f"unknown recurrent cell {kind!r}: choose one of {', '.join(CELLS)}")
        self.cell = CELLS[kind]
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

    def initial(self, like: Tensor) -> States:
        """Zeros: a state for each of the rows (first dimension) of `like`."""
        zeros = like.new_zeros(like.shape[0], self.dim, dtype=torch.promote_types(like.dtype, torch.float32))
        return (zeros,) * self.cell.states

    def project(self, inputs: Tensor) -> Tensor:
        """The part of all gates that does not depend on the previous step: (..., input_dim) -> (..., gates * dim)."""
        return nn.functional.linear(inputs, self.weight_input, self.bias)

    def forward(self, inputs: Tensor, initial: States) -> States:
        """(time, batch, input_dim) and a state -> all states of all steps, each (time, batch, dim)."""
        projected = self.project(inputs.contiguous())  # else `linear` adds the bias in a pass of its own
        return Scan.apply(self.cell, projected, self.weight_hidden, *initial)

    def step(self, inputs: Tensor, states: States) -> States:
        """One step, for decoding: (batch, input_dim) and a state -> the next state."""
        return self.cell.step(self.project(inputs), self.weight_hidden, states)


def recurrent_layers(kind: str, input_dims: Sequence[int], dim: int) -> Sequence[RecurrentLayer]:
    """A `ModuleList` of layers, under the type of what it holds."""
    return nn.ModuleList(RecurrentLayer(kind, input_dim, dim) for input_dim in input_dims)  # type: ignore[return-value]


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


class RecurrentEncoder(nn.Module):
    """Several layers, in one direction or both, with dropout between them and, where shapes allow, residuals.

    A bidirectional layer runs `dim` units in each direction and hands on their 2 * dim concatenated outputs.
    """

    def __init__(
        self,
        kind: str,
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
        self.ahead = recurrent_layers(kind, widths, dim)
        self.back = recurrent_layers(kind, widths if bidirectional else [], dim)
        self.dropout = Dropout(dropout)

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """(batch, time, input_dim), (batch,) -> (batch, time, output_dim). What stands on padding has no meaning."""
        signal = inputs.transpose(0, 1).contiguous()  # (time, batch, input_dim): each step a block
        order = reversal(lengths, signal.shape[0]) if self.bidirectional else None
        for i, layer in enumerate(self.ahead):
            below = signal if i == 0 else self.dropout(signal)
            outputs = layer(below, layer.initial(inputs))[0]
            if order is not None:
                back = self.back[i]
                mirrored = Reverse.apply(back(Reverse.apply(below, order), back.initial(inputs))[0], order)
                outputs = torch.cat([outputs, mirrored], -1)
            signal = outputs + signal if self.residual and outputs.shape == signal.shape else outputs
        return signal.transpose(0, 1)
