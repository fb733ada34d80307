"""The LSTM's steps by compiled operators: what is left for PyTorch is one matrix product in each direction."""

from __future__ import annotations

import torch
from torch import Tensor

from s2s.kernels.operators import Operators, operators_for
from s2s.nn.cells import LSTM, Cell, Flow, Tape, flow_of


class CompiledLSTM(LSTM):
    """See `LSTM`, whose buffers it fills; `flow` has no factors, since they are computed on the way back.

    Args:
        operators: of this process
    """

    def __init__(self, operators: Operators) -> None:
        self._operators = operators

    def forward(self, projected: Tensor, weight: Tensor, tape: Tape, t: int) -> None:
        """Step t."""
        hidden, cell = tape.states
        product, batch, dim = hidden[t] @ weight.t(), *hidden.shape[1:]
        arrays = [product, projected.contiguous(), cell[t], tape.gates[t], cell[t + 1], tape.extra[0][t], hidden[t + 1]]
        self._operators.call("lstm_forward", product.dtype, batch, dim, *arrays)

    def flow(self, tape: Tape) -> Flow:
        """Buffers for the way back."""
        return flow_of(tape, ())

    def backward(self, weight: Tensor, tape: Tape, flow: Flow, t: int) -> None:
        """Step t, backwards."""
        (hidden, cell), gradient = flow.carried, flow.projected[t]
        arrays = [tape.gates[t], tape.states[1][t], tape.extra[0][t], hidden, cell, gradient]
        self._operators.call("lstm_backward", gradient.dtype, *cell.shape, *arrays)
        if gradient.dtype == hidden.dtype:
            torch.mm(gradient, weight, out=hidden)
        else:
            hidden.copy_(gradient @ weight)


def fastest(cell: Cell, projected: Tensor) -> Cell:
    """Return `cell`, or what computes the same by compiled operators where this process has them."""
    operators = operators_for(projected) if type(cell) is LSTM else None
    return cell if operators is None else CompiledLSTM(operators)
