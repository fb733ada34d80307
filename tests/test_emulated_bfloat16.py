"""Products in bfloat16 by float32 are those of PyTorch's own, and nothing else is touched."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import linear

from tests.benchmarks.emulated_bfloat16 import Emulated


def random(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(len(shape))).bfloat16()


@pytest.mark.parametrize("biased", [False, True])
def test_a_product_is_that_of_bfloat16(biased: bool) -> None:
    """To the last of its eight bits: the order of the sums is another one."""
    inputs, weight, bias = random(33, 70), random(20, 70), random(20) if biased else None
    expected = linear(inputs, weight, bias)
    with Emulated():
        found = linear(inputs, weight, bias)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found, expected, rtol=2**-7, atol=1e-3)
    exact = linear(inputs.double(), weight.double(), None if bias is None else bias.double())
    torch.testing.assert_close(found.double(), exact, rtol=2**-8, atol=1e-3)


def test_gradients_are_products_too() -> None:
    inputs, weight = random(5, 7).requires_grad_(), random(3, 7).requires_grad_()
    expected = torch.autograd.grad(linear(inputs, weight).sum(), (inputs, weight))
    with Emulated():
        found = torch.autograd.grad(linear(inputs, weight).sum(), (inputs, weight))
    torch.testing.assert_close(found, expected, rtol=2**-7, atol=1e-3)


def test_products_in_float32_and_other_operations_are_as_they_were() -> None:
    inputs = random(4, 4)
    expected = inputs.float() @ inputs.float(), inputs.tanh(), inputs + inputs
    with Emulated():
        found = inputs.float() @ inputs.float(), inputs.tanh(), inputs + inputs
    assert all(one.equal(two) for one, two in zip(found, expected))
