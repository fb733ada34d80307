"""The cells of recurrent layers: one step of an RNN, a GRU and an LSTM, forward and backward, written out by hand.

`step` defines a cell: it takes the tensors of one step and returns the next state, as decoding needs it. It has two
parts, so that the gates can be looked at (see s2s/nn/recording.py): `activate` computes the gates, `combine` makes the
next state of them. Training uses `forward` and `backward`, which work on a `Tape`: the buffers of a whole sentence (see
`Scan` in s2s/nn/recurrent.py). Tests compare both with `step` and with finite differences in float64.

tanh(x) is computed as 2 sigmoid(2x) - 1: the same function, and on CPUs, in place, up to five times as fast in PyTorch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from s2s.nn.configuration import CellConfig, GRUConfig, LSTMConfig, RNNConfig

CellStates = tuple[Tensor, ...]  # of one layer: (hidden, cell) for the LSTM, (hidden,) for the others


@dataclass(frozen=True)
class Tape:
    """What a forward pass leaves for the backward one.

    Attributes:
        states: each (time + 1, batch, dim), the initial state first; the hidden one in the products' precision, the
            others as they are carried: in float32, or float64 where the products are.
        gates: (time, batch, gates * dim), activated, as carried.
        extra: each (time, batch, dim), what else the cell needs, as carried.
    """

    states: tuple[Tensor, ...]
    gates: Tensor
    extra: tuple[Tensor, ...] = ()

    @property
    def steps(self) -> int:
        return self.gates.shape[0]


@dataclass
class Flow:
    """Gradients on their way back through time.

    Attributes:
        projected: (time, batch, gates * dim), of the input's part of the gates.
        recurrent: the same of the hidden state's part; the same tensor for all cells but the GRU.
        factors: (time, batch, ...), the local derivatives that need no gradient, computed for all steps at once.
        carried: of the state before the step last done, each (batch, dim).
    """

    projected: Tensor
    recurrent: Tensor
    factors: tuple[Tensor, ...]
    carried: tuple[Tensor, ...]

    def receive(self, t: int, gradients: tuple[Tensor | None, ...]) -> None:
        """Add what comes from above, each (time, batch, dim) or None, to what came back from step t + 1."""
        for carried, gradient in zip(self.carried, gradients):
            if gradient is not None:
                carried.add_(gradient[t])


def _tape(projected: Tensor, initial: CellStates, gates: int, *, extra: int = 0) -> Tape:
    time, batch, width = projected.shape
    dim = width // gates
    carry = torch.promote_types(projected.dtype, torch.float32)
    hidden = projected.new_empty(time + 1, batch, dim)
    others = [projected.new_empty(time + 1, batch, dim, dtype=carry) for _ in initial[1:]]
    for buffer, start in zip([hidden, *others], initial):
        buffer[0] = start
    return Tape(
        states=(hidden, *others),
        gates=projected.new_empty(time, batch, width, dtype=carry),
        extra=tuple(projected.new_empty(time, batch, dim, dtype=carry) for _ in range(extra)),
    )


def flow_of(tape: Tape, factors: tuple[Tensor, ...], *, separate: bool = False) -> Flow:
    """Return a flow that begins after the last step of a tape, with a tensor of its own for `recurrent` if separate."""
    precision = tape.states[0].dtype
    projected = torch.empty_like(tape.gates, dtype=precision)
    batch, dim = tape.states[0].shape[1:]
    carried = tuple(tape.gates.new_zeros(batch, dim) for _ in tape.states)
    return Flow(projected, torch.empty_like(projected) if separate else projected, factors, carried)


def _tanh_(x: Tensor) -> Tensor:
    return x.mul_(2).sigmoid_().mul_(2).sub_(1)


class _Tanh(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        result = _tanh_(x.clone())
        ctx.save_for_backward(result)
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # type: ignore[override]
        (result,) = ctx.saved_tensors
        return torch.addcmul(gradient, gradient * result, result, value=-1)


def tanh(x: Tensor) -> Tensor:
    """As `torch.tanh`, and twice as fast where that is slow: of some thousands of float32 on a CPU."""
    if x.dtype != torch.float32 or x.device.type != "cpu":
        return torch.tanh(x)
    return _Tanh.apply(x) if x.requires_grad else _tanh_(x.clone())


class Cell:
    """One step of a recurrence; see the module's docstring.

    Attributes:
        gates: how many there are, candidates among them
        gate_names: their letters in the equation of the cell, in the order of the weights' rows
        states: how many tensors the state consists of
        forget_gate: the index of the gate whose bias starts at 1; None where there is none
    """

    gates: int
    gate_names: str
    states: int = 1
    forget_gate: int | None = None

    def step(self, projected: Tensor, weight: Tensor, states: CellStates) -> CellStates:
        """The next state.

        Args:
            projected: (rows, gates * dim), the input's part of the gates
            weight: (gates * dim, dim), of the hidden state
            states: each (rows, dim)
        """
        return self.combine(self.activate(projected, weight, states), states)

    def activate(self, projected: Tensor, weight: Tensor, states: CellStates) -> tuple[Tensor, ...]:
        """The gates of a step, each (rows, dim), after their sigmoid or tanh."""
        raise NotImplementedError

    def combine(self, gates: tuple[Tensor, ...], states: CellStates) -> CellStates:
        """The next state that activated gates make of a state."""
        raise NotImplementedError

    def tape(self, projected: Tensor, initial: CellStates) -> Tape:
        raise NotImplementedError

    def forward(self, projected: Tensor, weight: Tensor, tape: Tape, t: int) -> None:
        raise NotImplementedError

    def flow(self, tape: Tape) -> Flow:
        raise NotImplementedError

    def backward(self, weight: Tensor, tape: Tape, flow: Flow, t: int) -> None:
        raise NotImplementedError


class RNN(Cell):
    """h' = tanh(W x + U h + b) (Elman, 1990)."""

    gates = 1
    gate_names = "h"

    def activate(self, projected: Tensor, weight: Tensor, states: CellStates) -> tuple[Tensor, ...]:
        """(h',): the next state itself."""
        (hidden,) = states
        recurrent = torch.nn.functional.linear(hidden, weight)
        return (tanh((projected + recurrent).to(hidden.dtype)),)

    def combine(self, gates: tuple[Tensor, ...], states: CellStates) -> CellStates:
        """Next (hidden,)."""
        return gates

    def tape(self, projected: Tensor, initial: CellStates) -> Tape:
        """Buffers for a pass."""
        return _tape(projected, initial, self.gates)

    def forward(self, projected: Tensor, weight: Tensor, tape: Tape, t: int) -> None:
        """Step t."""
        (hidden,) = tape.states
        gate = tape.gates[t]
        gate.copy_(torch.addmm(projected, hidden[t], weight.t()))
        hidden[t + 1] = _tanh_(gate)

    def flow(self, tape: Tape) -> Flow:
        """The slope of tanh, 1 - h^2, for all steps."""
        return flow_of(tape, (1 - tape.gates.square(),))

    def backward(self, weight: Tensor, tape: Tape, flow: Flow, t: int) -> None:
        """Step t, backwards."""
        (hidden,), (slope,) = flow.carried, flow.factors
        torch.mul(hidden, slope[t], out=hidden)
        flow.projected[t] = hidden
        hidden.copy_(flow.projected[t] @ weight)


class LSTM(Cell):
    """Long short-term memory with a forget gate (Gers et al., 2000); gates i, f, g, o as in `torch.nn.LSTM`.

    c' = f * c + i * g,   h' = o * tanh(c')
    """

    gates = 4
    gate_names = "ifgo"
    states = 2
    forget_gate = 1

    def activate(self, projected: Tensor, weight: Tensor, states: CellStates) -> tuple[Tensor, ...]:
        """(i, f, g, o)."""
        hidden, cell = states
        recurrent = torch.nn.functional.linear(hidden, weight)
        i, f, g, o = (projected + recurrent).to(cell.dtype).chunk(4, -1)
        return torch.sigmoid(i), torch.sigmoid(f), tanh(g), torch.sigmoid(o)

    def combine(self, gates: tuple[Tensor, ...], states: CellStates) -> CellStates:
        """Next (hidden, cell)."""
        i, f, g, o = gates
        cell = f * states[1] + i * g
        return o * tanh(cell), cell

    def tape(self, projected: Tensor, initial: CellStates) -> Tape:
        """Buffers for a pass; `extra` holds tanh(c')."""
        return _tape(projected, initial, self.gates, extra=1)

    def forward(self, projected: Tensor, weight: Tensor, tape: Tape, t: int) -> None:
        """Step t."""
        hidden, cell = tape.states
        gates, squashed = tape.gates[t], tape.extra[0][t]
        gates.copy_(torch.addmm(projected, hidden[t], weight.t()))
        i, f, g, o = gates.chunk(4, -1)
        g.mul_(2)
        gates.sigmoid_()
        g.mul_(2).sub_(1)
        torch.mul(f, cell[t], out=cell[t + 1]).addcmul_(i, g)
        _tanh_(squashed.copy_(cell[t + 1]))
        hidden[t + 1] = o * squashed

    def flow(self, tape: Tape) -> Flow:
        """The gates' local derivatives of all steps: (di, df, dg) / dc', do / dh', dc' / dh', and f = dc' / dc."""
        cell, (squashed,) = tape.states[1], tape.extra
        i, f, g, o = tape.gates.chunk(4, -1)
        slopes = torch.empty_like(tape.gates)
        di, df, dg, do = slopes.chunk(4, -1)
        torch.mul(g, i, out=di).addcmul_(di, i, value=-1)  # g i (1 - i)
        torch.mul(cell[:-1], f, out=df).addcmul_(df, f, value=-1)  # c f (1 - f)
        torch.mul(i, g, out=dg).mul_(g).neg_().add_(i)  # i (1 - g^2)
        torch.mul(squashed, o, out=do).addcmul_(do, o, value=-1)  # tanh(c') o (1 - o)
        dc = torch.addcmul(o, o * squashed, squashed, value=-1)  # o (1 - tanh(c')^2)
        return flow_of(tape, (slopes, dc))

    def backward(self, weight: Tensor, tape: Tape, flow: Flow, t: int) -> None:
        """Step t, backwards."""
        (hidden, cell), (slopes, dc) = flow.carried, flow.factors
        batch, dim = cell.shape
        cell.addcmul_(hidden, dc[t])
        four = slopes[t].view(batch, 4, dim)
        four[:, :3].mul_(cell.unsqueeze(1))
        four[:, 3].mul_(hidden)
        flow.projected[t] = slopes[t]
        cell.mul_(tape.gates[t, :, dim : 2 * dim])
        hidden.copy_(flow.projected[t] @ weight)


class GRU(Cell):
    """Gated recurrent unit (Cho et al., 2014); gates r, z, n, the reset applied after the product as in `torch.nn.GRU`.

    n = tanh(W_n x + b_n + r * U_n h),   h' = (1 - z) * n + z * h
    """

    gates = 3
    gate_names = "rzn"

    def activate(self, projected: Tensor, weight: Tensor, states: CellStates) -> tuple[Tensor, ...]:
        """(r, z, n)."""
        (hidden,) = states
        dim = hidden.shape[-1]
        recurrent = torch.nn.functional.linear(hidden, weight).to(hidden.dtype)
        projected = projected.to(hidden.dtype)
        r, z = torch.sigmoid(projected[..., : 2 * dim] + recurrent[..., : 2 * dim]).chunk(2, -1)
        n = tanh(projected[..., 2 * dim :] + r * recurrent[..., 2 * dim :])
        return r, z, n

    def combine(self, gates: tuple[Tensor, ...], states: CellStates) -> CellStates:
        """Next (hidden,)."""
        _, z, n = gates
        return (n + z * (states[0] - n),)

    def tape(self, projected: Tensor, initial: CellStates) -> Tape:
        """Buffers for a pass; `extra` holds U_n h. The hidden state carried in full precision is a state of its own."""
        return _tape(projected, (*initial, initial[0]), self.gates, extra=1)

    def forward(self, projected: Tensor, weight: Tensor, tape: Tape, t: int) -> None:
        """Step t."""
        hidden, full = tape.states
        gates, candidate = tape.gates[t], tape.extra[0][t]
        dim = hidden.shape[-1]
        recurrent = hidden[t] @ weight.t()
        candidate.copy_(recurrent[:, 2 * dim :])
        gates.copy_(projected)
        gates[:, : 2 * dim].add_(recurrent[:, : 2 * dim]).sigmoid_()
        r, z, n = gates.chunk(3, -1)
        _tanh_(n.addcmul_(r, candidate))
        torch.lerp(n, full[t], z, out=full[t + 1])
        hidden[t + 1] = full[t + 1]

    def flow(self, tape: Tape) -> Flow:
        """Local derivatives of all steps: dz / dh', dn / dh' (before tanh), dr / dn."""
        full, (candidate,) = tape.states[1], tape.extra
        r, z, n = tape.gates.chunk(3, -1)
        dz = (full[:-1] - n) * z * (1 - z)
        dn = (1 - z) * (1 - n * n)
        dr = candidate * r * (1 - r)
        return flow_of(tape, (dz, dn, dr), separate=True)

    def backward(self, weight: Tensor, tape: Tape, flow: Flow, t: int) -> None:
        """Step t, backwards."""
        hidden, (dz, dn, dr) = flow.carried[0], flow.factors
        r, z, _ = tape.gates[t].chunk(3, -1)
        candidate = hidden * dn[t]
        flow.projected[t] = torch.cat([candidate * dr[t], hidden * dz[t], candidate], -1)
        flow.recurrent[t] = flow.projected[t]
        dim = hidden.shape[-1]
        flow.recurrent[t, :, 2 * dim :] = candidate * r
        torch.addcmul((flow.recurrent[t] @ weight).to(hidden.dtype), hidden, z, out=hidden)


CELLS: dict[type[CellConfig], Cell] = {LSTMConfig: LSTM(), GRUConfig: GRU(), RNNConfig: RNN()}
