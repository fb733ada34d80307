"""Products in bfloat16 by float32 are those of PyTorch's own, and nothing else is touched."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import linear
from torch.utils._python_dispatch import TorchDispatchMode
from translation_fixtures import tiny_model

from s2s.nn.precision import autocast
from s2s.training.batches import padded_tensors
from tests.benchmarks.emulated_bfloat16 import Emulated


def random(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape))).bfloat16()


PRODUCTS = {
    "mm": lambda a, b, c: a @ b,
    "addmm": lambda a, b, c: torch.addmm(c, a, b),
    "mv": lambda a, b, c: a @ b[:, 0],
    "addmv": lambda a, b, c: torch.addmv(c[:, 0], a, b[:, 0]),
    "dot": lambda a, b, c: a[0] @ b[:, 0],
    "bmm": lambda a, b, c: a[None] @ b[None],
    "baddbmm": lambda a, b, c: torch.baddbmm(c[None], a[None], b[None]),
}


class Recorder(TorchDispatchMode):
    """What reaches the processor of products: their names and what they are products of."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[tuple[str, torch.dtype]] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.__name__.partition(".")[0].removesuffix("_")
        if name in PRODUCTS:
            self.seen |= {(name, argument.dtype) for argument in args if isinstance(argument, Tensor)}
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("biased", [False, True])
def test_a_product_is_that_of_bfloat16(biased: bool) -> None:
    """To the last of its eight bits: the order of the sums is another one."""
    inputs, weight, bias = random(33, 70), random(20, 70), random(20) if biased else None
    expected = linear(inputs, weight, bias)
    with Recorder() as recorder, Emulated():
        found = linear(inputs, weight, bias)
    assert recorder.seen == {("addmm" if biased else "mm", torch.float32)}
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found, expected, rtol=2**-7, atol=1e-3)
    exact = linear(inputs.double(), weight.double(), None if bias is None else bias.double())
    torch.testing.assert_close(found.double(), exact, rtol=2**-8, atol=1e-3)


@pytest.mark.parametrize("name", PRODUCTS)
def test_no_product_of_bfloat16_is_left_to_the_processor(name: str) -> None:
    operands = random(6, 9), random(9, 4), random(6, 4)
    with Recorder() as recorder, Emulated():
        found = PRODUCTS[name](*operands)
    assert recorder.seen == {(name, torch.float32)}
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found, PRODUCTS[name](*operands), rtol=2**-7, atol=1e-2)


def test_a_step_of_training_makes_no_other_products_of_bfloat16() -> None:
    network, ids = tiny_model().network, torch.tensor([[5, 6, 7, 8]])
    with Recorder() as recorder, Emulated(), autocast("bfloat16", torch.device("cpu")):
        network(padded_tensors([[4, 5, 6]]), ids, ids > 0).logits.float().sum().backward()
    assert {name for name, _ in recorder.seen} >= {"mm", "addmm"}
    assert {dtype for _, dtype in recorder.seen} == {torch.float32}


def test_products_in_float32_and_other_operations_are_as_they_were() -> None:
    inputs = random(4, 4)
    expected = inputs.float() @ inputs.float(), inputs.tanh(), inputs + inputs
    with Emulated():
        found = inputs.float() @ inputs.float(), inputs.tanh(), inputs + inputs
    assert all(one.equal(two) for one, two in zip(found, expected))
