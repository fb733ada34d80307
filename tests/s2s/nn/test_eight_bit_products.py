"""Eight-bit products: their arithmetic, the PyTorch operators that they use, and those that can replace them."""

from __future__ import annotations

import platform

import pytest
import torch
from torch import Tensor

from s2s.nn import eight_bit_products
from s2s.nn.eight_bit_products import PackedMatrix, available, multiply, pack, unpack

CPU = torch.device("cpu")
ROWS, INPUTS, OUTPUTS = 7, 48, 32
needs_int8 = pytest.mark.skipif(not available(CPU), reason="needs a processor with eight-bit products")


def random(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def quantised(inputs: Tensor, packed: PackedMatrix) -> tuple[Tensor, Tensor]:
    """The integers q (rows, inputs) and the scales r (rows, 1) of the inputs, by the definition in the module."""
    largest = inputs.abs().amax(-1, keepdim=True)
    return (inputs / largest * packed.input_levels).round().long(), largest / packed.input_levels


@pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="the operators are those of x86")
def test_pytorch_still_has_the_operators() -> None:
    """If this fails, PyTorch has removed an operator: CONTRIBUTING.md, "Eight-bit products", says what replaces it."""
    missing = [name for name in eight_bit_products.OPERATORS if not hasattr(torch.ops.quantized, name)]
    missing += [] if hasattr(torch, "quantize_per_channel") else ["quantize_per_channel"]
    assert not missing
    assert available(CPU)


def test_they_are_unavailable_elsewhere_and_without_an_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not available(torch.device("cuda"))
    monkeypatch.setattr(
        eight_bit_products, "OPERATORS", (*eight_bit_products.OPERATORS, "an_operator_that_was_removed")
    )
    assert not available(CPU)


@needs_int8
def test_a_product_is_the_scaled_product_of_the_integers() -> None:
    weight, inputs = random(OUTPUTS, INPUTS, seed=1), random(ROWS, INPUTS, seed=2)
    packed, scales = pack(weight), weight.abs().amax(1) / 127
    rows, row_scales = quantised(inputs, packed)
    matrix = (weight / scales[:, None]).round().long()
    torch.testing.assert_close(unpack(packed), matrix * scales[:, None])
    expected = (rows @ matrix.t()) * row_scales * scales
    torch.testing.assert_close(multiply(packed, inputs), expected, rtol=1e-5, atol=1e-6)
    bias = torch.linspace(-1, 1, OUTPUTS)
    torch.testing.assert_close(multiply(packed, inputs, bias), expected + bias, rtol=1e-5, atol=1e-6)


@needs_int8
@pytest.mark.skipif(not hasattr(torch.ops.onednn, "qlinear_pointwise"), reason="this PyTorch lacks oneDNN's operators")
def test_the_replacement_gives_the_same_products() -> None:
    """CONTRIBUTING.md names `torch.ops.onednn` as the replacement."""
    weight, inputs = random(OUTPUTS, INPUTS, seed=3), random(ROWS, INPUTS, seed=4)
    packed, scales = pack(weight), weight.abs().amax(1) / 127
    rows, _ = quantised(inputs, packed)
    levels, zeros = packed.input_levels, torch.zeros(OUTPUTS, dtype=torch.int64)
    matrix = torch.ops.onednn.qlinear_prepack((weight * (1 / scales)[:, None]).round().to(torch.int8), None)
    products = torch.ops.onednn.qlinear_pointwise(
        (rows + levels + 1).to(torch.uint8),
        *(1 / levels, levels + 1),  # scale and zero point of the inputs
        *(matrix, scales, zeros, None),
        *(1.0, 0, torch.float32),  # scale, zero point and dtype of the outputs
        *("none", [], ""),  # no operation after the product
    )
    torch.testing.assert_close(products * inputs.abs().amax(-1, keepdim=True), multiply(packed, inputs))
