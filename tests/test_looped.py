"""Products in a loop: what autograd makes of the same loop, to the last gradient."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from s2s.looped import Looped, ProductKind, bound, single
from s2s.recurrent import RecurrentLayer

STEPS, ROWS, DIM = 5, 3, 4


def loop(product: ProductKind, weight: Tensor, start: Tensor) -> Tensor:
    """A recurrence whose every step needs the one before; all steps (steps, rows, dim)."""
    times, states = product(weight), [start]
    for _ in range(STEPS):
        states.append(torch.tanh(times(states[-1])) + states[-1])
    return torch.stack(states[1:])


def leaves(dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    weight, start = torch.randn(DIM, DIM, dtype=dtype) / 2, torch.randn(ROWS, DIM, dtype=dtype)
    return weight.requires_grad_(), start.requires_grad_()


def test_it_is_the_plain_loop_with_its_gradients() -> None:
    weight, start = leaves()
    found, expected = loop(Looped, weight, start), loop(single, weight, start)
    torch.testing.assert_close(found, expected)
    upstream = torch.randn_like(found)
    torch.testing.assert_close(
        torch.autograd.grad(found, [weight, start], upstream), torch.autograd.grad(expected, [weight, start], upstream)
    )
    assert torch.autograd.gradcheck(lambda *inputs: loop(Looped, *inputs), (weight, start))


def test_steps_that_nothing_reads_add_nothing() -> None:
    """The gradient comes from the second step alone: three later ones are never walked back through."""
    weight, start = leaves()
    found, expected = (torch.autograd.grad(loop(kind, weight, start)[1].sum(), weight) for kind in (Looped, single))
    torch.testing.assert_close(found, expected)


def test_walking_back_twice_gives_the_same_twice() -> None:
    weight, start = leaves()
    states = loop(Looped, weight, start)
    first, second = (torch.autograd.grad(states.sum(), weight, retain_graph=True)[0] for _ in range(2))
    assert torch.equal(first, second)


@pytest.mark.parametrize("needed", ["weight", "start", "nothing"])
def test_only_what_needs_a_gradient_gets_one(needed: str) -> None:
    weight, start = leaves()
    weight.requires_grad_(needed == "weight")
    start.requires_grad_(needed == "start")
    states = loop(Looped, weight, start)
    assert states.requires_grad == (needed != "nothing")
    if states.requires_grad:
        leaf = weight if needed == "weight" else start
        expected = torch.autograd.grad(loop(single, weight, start).sum(), leaf)
        torch.testing.assert_close(torch.autograd.grad(states.sum(), leaf), expected)


def test_bfloat16_products_give_float32_gradients_that_are_no_rougher_than_autograds() -> None:
    weight, start = leaves(torch.float32)
    exact = torch.autograd.grad(loop(single, weight, start).sum(), weight)[0]
    with torch.autocast("cpu", torch.bfloat16):
        found = torch.autograd.grad(loop(Looped, weight, start).sum(), weight)[0]
    assert found.dtype == torch.float32
    assert (found - exact).norm() < 0.03 * exact.norm()


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_a_bound_layer_is_the_layer(cell: str) -> None:
    torch.manual_seed(1)
    layer, inputs = RecurrentLayer(cell, 3, DIM).double(), torch.randn(STEPS, ROWS, 3, dtype=torch.float64)
    layer.bias.data.normal_()
    expected = layer(inputs, layer.initial(inputs[0]))[0]
    for kind in (Looped, single):
        step, states, hidden = bound(layer, kind), layer.initial(inputs[0]), []
        for part in inputs:
            states = step(part, states)
            hidden.append(states[0])
        torch.testing.assert_close(torch.stack(hidden), expected)
        torch.testing.assert_close(
            torch.autograd.grad(torch.stack(hidden).sum(), list(layer.parameters())),
            torch.autograd.grad(expected.sum(), list(layer.parameters()), retain_graph=True),
        )
