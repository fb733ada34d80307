"""Deferred gradients: those of the plain products, and parameters that are where they were."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from s2s.nn.deferred_gradients import DeferredWeight, deferred_gradients
from s2s.nn.precision import autocast

STEPS, ROWS, INPUTS, OUTPUTS = 5, 3, 4, 6
linear = nn.functional.linear


class Loop(nn.Module):
    """Reads words, and its own output again; looks up embeddings; has a matrix of which columns are taken."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.embedding = nn.Embedding(7, INPUTS)
        self.first = nn.Linear(INPUTS, OUTPUTS)
        self.again = nn.Linear(OUTPUTS, OUTPUTS, bias=False)
        self.wide = nn.Parameter(torch.randn(OUTPUTS, 2 * OUTPUTS))
        self.never = nn.Linear(2, 2)

    def forward(self, words: Tensor) -> Tensor:
        state = torch.zeros(len(words), OUTPUTS, dtype=self.embedding.weight.dtype)
        for word in words.unbind(1):
            state = torch.tanh(self.first(self.embedding(word)) + self.again(state))
            state = torch.sin(linear(state.unsqueeze(1), self.wide[:, OUTPUTS:]).squeeze(1))
        return state.sum()


def gradients(loop: Loop, *, defer: bool) -> dict[str, Tensor]:
    words = torch.randint(7, (ROWS, STEPS), generator=torch.Generator().manual_seed(2))
    loop.zero_grad()
    if defer:
        with deferred_gradients(loop):
            total = loop(words)
    else:
        total = loop(words)
    total.backward()
    return {name: weight.grad for name, weight in loop.named_parameters() if weight.grad is not None}


def test_gradients_are_those_of_the_plain_products() -> None:
    loop = Loop().double()
    expected, found = gradients(loop, defer=False), gradients(loop, defer=True)
    assert list(found) == list(expected)
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient)


def test_in_bfloat16_they_stay_near_and_are_float32() -> None:
    loop = Loop()
    expected = gradients(loop, defer=False)
    with autocast("bfloat16", torch.device("cpu")):
        found = gradients(loop, defer=True)
    for name, gradient in expected.items():
        assert found[name].dtype == torch.float32
        assert (found[name] - gradient).norm() < 0.05 * gradient.norm()


def test_there_is_one_product_a_weight_and_not_one_a_step() -> None:
    loop = Loop()
    with torch.profiler.profile() as profile:
        gradients(loop, defer=True)
    shapes = [event.count for event in profile.key_averages() if event.key == "_GatherBackward"]
    assert shapes == [3]  # first, again, wide's columns


def test_going_back_twice_gives_the_same() -> None:
    loop = Loop()
    words = torch.randint(7, (ROWS, STEPS))
    with deferred_gradients(loop):
        total = loop(words)
    first, second = (torch.autograd.grad(total, loop.again.weight, retain_graph=True)[0] for _ in range(2))
    torch.testing.assert_close(first, second)


def test_the_parameters_are_where_they_were_whatever_happens() -> None:
    loop = Loop()
    before = list(loop.named_parameters())

    def fail() -> None:
        with deferred_gradients(loop):
            assert isinstance(loop.again.weight, DeferredWeight)
            assert [name for name, _ in loop.named_parameters()] == [name for name, _ in before]
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert all(mine is theirs for (_, mine), (_, theirs) in zip(loop.named_parameters(), before))
    assert loop.again.weight is dict(before)["again.weight"]


def test_nothing_is_deferred_where_nothing_is_learned() -> None:
    loop = Loop()
    loop.first.requires_grad_(False)
    with torch.no_grad(), deferred_gradients(loop):
        assert isinstance(loop.again.weight, nn.Parameter)
    with deferred_gradients(loop):
        assert isinstance(loop.first.weight, nn.Parameter)
        assert isinstance(loop.again.weight, DeferredWeight)


def test_nothing_but_a_linear_product_is_understood() -> None:
    with pytest.raises(TypeError):
        torch.matmul(torch.ones(1, INPUTS), DeferredWeight(torch.ones(OUTPUTS, INPUTS)))  # type: ignore[arg-type]


def test_what_went_back_without_reaching_the_weight_is_not_counted_twice() -> None:
    loop = Loop().double()
    words = torch.randint(7, (ROWS, STEPS))
    with deferred_gradients(loop):
        total = loop(words)
    torch.autograd.grad(total, loop.embedding.weight, retain_graph=True)
    found = torch.autograd.grad(total, loop.again.weight)[0]
    loop.zero_grad()
    loop(words).backward()
    torch.testing.assert_close(found, loop.again.weight.grad)


def test_a_bias_may_be_named() -> None:
    weight, bias = torch.randn(OUTPUTS, INPUTS), torch.randn(OUTPUTS)
    inputs = torch.randn(ROWS, INPUTS)
    found = linear(inputs, DeferredWeight(weight), bias=bias)  # type: ignore[arg-type]
    torch.testing.assert_close(found, linear(inputs, weight, bias))
