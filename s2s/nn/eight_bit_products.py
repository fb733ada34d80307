"""Products with weight matrices in eight bits, by the quantised operators of PyTorch.

This is the only module that uses these operators. PyTorch has announced their removal
(https://github.com/pytorch/pytorch/issues/184982): `tests/s2s/nn/test_eight_bit_products.py` fails when they are gone,
and CONTRIBUTING.md says what replaces them.

The method is dynamic quantisation, symmetric, with a scale per row of the weight and a scale per row of the inputs:

    W ~ s_o * Q_oi    Q_oi in -127 ... 127    s_o = max_i |W_oi| / 127
    x ~ r * q_i       q_i  in -L ... L        r   = max_i |x_i| / L         L = 127, or 63 without AVX512-VNNI
    (x W^T)_o ~ r * s_o * sum_i q_i Q_oi      the sum is exact, in 32-bit integers

No scale is shared between rows of the inputs, and the sums are exact, so a row's result depends neither on the other
rows of the batch nor on their order.
"""

from __future__ import annotations

from dataclasses import dataclass
from warnings import catch_warnings

import torch
from torch import Tensor

OPERATORS = ("linear_prepack", "linear_unpack", "linear_with_input_q_dq_qweight_dq_output_fp32")
_WEIGHT_LEVELS = 127
_SMALLEST = torch.finfo(torch.float32).tiny  # the scale of a row of zeros


@dataclass(frozen=True)
class PackedMatrix:
    """A matrix (outputs, inputs) in eight bits.

    Attributes:
        operand: the matrix in the layout of the operators.
        input_levels: L, the largest absolute value of a quantised input.
    """

    operand: torch.ScriptObject
    input_levels: int


def available(device: torch.device) -> bool:
    """Whether eight-bit products are available on `device`: on x86 processors with AVX2, and while PyTorch has them."""
    supported = torch.backends.quantized.engine in ("x86", "fbgemm") and hasattr(torch, "quantize_per_channel")
    return device.type == "cpu" and supported and all(hasattr(torch.ops.quantized, name) for name in OPERATORS)


def pack(weight: Tensor) -> PackedMatrix:
    """Quantise a float matrix (outputs, inputs).

    Not safe in threads side by side: it silences warnings, and warning filters belong to the whole process.
    """
    weight = weight.detach().float()
    scales = (weight.abs().amax(1) / _WEIGHT_LEVELS).clamp(min=_SMALLEST)  # (outputs,)
    zeros = torch.zeros(len(weight), dtype=torch.int64)
    with catch_warnings(action="ignore"):  # PyTorch announces the removal at every call
        rounded = torch.quantize_per_channel(weight, scales.double(), zeros, 0, torch.qint8)
        operand = torch.ops.quantized.linear_prepack(rounded, None)
    # Without AVX512-VNNI, pairs of products are added in 16 bits, which would overflow if the inputs had 8 bits.
    has_vnni = torch.cpu._is_vnni_supported() and torch.cpu._is_avx512_supported()
    return PackedMatrix(operand, 127 if has_vnni else 63)


def unpack(packed: PackedMatrix) -> Tensor:
    """Return the matrix (outputs, inputs) in float32, as it was rounded."""
    return torch.ops.quantized.linear_unpack(packed.operand)[0].dequantize()


def multiply(packed: PackedMatrix, inputs: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return `inputs W^T + bias` in float32: (..., inputs) -> (..., outputs)."""
    inputs = inputs.float()
    scales = inputs.abs().amax(-1, keepdim=True).clamp_(min=_SMALLEST)  # (..., 1)
    levels = packed.input_levels
    products = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32(
        inputs / scales, 1 / levels, levels + 1, packed.operand
    )
    if bias is None:
        return products.mul_(scales)
    return torch.addcmul(bias.detach(), products, scales.detach(), out=products)
