"""Decoding with weights in eight bits: a quarter of their memory, and products up to four times as fast as in float32.

In the field's words: dynamic quantisation, symmetric, of weights per channel and of activations per token. A decoder
is quantised once, after it was loaded, and can be neither trained nor saved any more. Proxies take its weights' places,
so that no wiring knows of it; embeddings stay as they are, and so does the encoder.
"""

from __future__ import annotations

from warnings import catch_warnings

import torch
from torch import Tensor, nn

from s2s.errors import check
from s2s.models.recurrent_decoder import Decoder
from s2s.nn.precision import DecodingPrecision, Precision, uses_bfloat16
from s2s.nn.weight_proxy import WeightProxy, weight_matrices

_OPERATORS = ("linear_prepack", "linear_unpack", "linear_with_input_q_dq_qweight_dq_output_fp32")
_WEIGHT_LEVELS = 127  # -127 ... 127
_SMALLEST = torch.finfo(torch.float32).tiny  # the scale of a row of zeros


class QuantisedWeight(WeightProxy):
    """A matrix (outputs, inputs) in eight bits.

    W ~ s * Q with a scale s for each output. The inputs are rounded too, to a scale of each row's own: what is
    computed for a line depends on no other line, and the sums are exact, so that neither the size of the batch nor its
    order changes a result. Products are float32.
    """

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        weight = weight.detach().float()
        scales = (weight.abs().amax(1) / _WEIGHT_LEVELS).clamp(min=_SMALLEST)
        zeros = torch.zeros(len(weight), dtype=torch.int64)
        with catch_warnings(action="ignore"):  # "will be removed": where they are, `can_quantise` says no
            rounded = torch.quantize_per_channel(weight, scales.double(), zeros, 0, torch.qint8)
            self._packed = torch.ops.quantized.linear_prepack(rounded, None)
        # Without AVX512-VNNI pairs of products are added in sixteen bits, which eight bits of input would overflow.
        wide = torch.cpu._is_vnni_supported() and torch.cpu._is_avx512_supported()
        self._levels = 127 if wide else 63

    def linear(self, inputs: Tensor, bias: Tensor | None = None) -> Tensor:
        """See `WeightProxy`; in float32."""
        inputs = inputs.float()
        scales = inputs.abs().amax(-1, keepdim=True).clamp_(min=_SMALLEST)
        products = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32(
            inputs / scales, 1 / self._levels, self._levels + 1, self._packed
        )
        if bias is None:
            return products.mul_(scales)
        return torch.addcmul(bias.detach(), products, scales.detach(), out=products)

    def columns(self, where: tuple[slice, slice]) -> QuantisedWeight:
        """Rounded anew."""
        return QuantisedWeight(torch.ops.quantized.linear_unpack(self._packed)[0].dequantize()[where])


def can_quantise(device: torch.device) -> bool:
    """Whether there are products in eight bits here: on x86 with AVX2 or better."""
    available = torch.backends.quantized.engine in ("x86", "fbgemm") and hasattr(torch, "quantize_per_channel")
    return device.type == "cpu" and available and all(hasattr(torch.ops.quantized, name) for name in _OPERATORS)


def quantise(decoder: Decoder) -> None:
    """Replace all weights by which the decoder multiplies, in place. Embeddings that are looked up stay."""
    for owner, name, weight in list(weight_matrices(decoder)):
        delattr(owner, name)
        setattr(owner, name, QuantisedWeight(weight))


def is_quantised(module: nn.Module) -> bool:
    """Whether `quantise` was there: in a decoder, or in a network that has one."""
    return any(isinstance(value, QuantisedWeight) for part in module.modules() for value in vars(part).values())


def check_not_quantised(decoder: Decoder) -> None:
    """Before a model is saved: what was rounded cannot be taken back."""
    check(not is_quantised(decoder), "a quantised model cannot be saved: load it with precision='float32'")


def decoding_precision(decoder: Decoder, precision: Precision, device: torch.device) -> str:
    """In which precision a decoder searches, for a report."""
    if is_quantised(decoder):
        return "int8"
    return "bfloat16" if uses_bfloat16(precision, device) else "float32"


def quantise_for_decoding(decoder: Decoder, precision: DecodingPrecision, device: torch.device) -> Precision:
    """Quantise a decoder where int8 is asked for, or `auto` and possible; return the precision of all other products.

    Raises:
        UserError: int8 was asked for, and there are no such products here.
    """
    possible = can_quantise(device)
    check(precision != "int8" or possible, f"--precision int8: not on this {device.type} device: choose auto")
    if precision == "int8" or (precision == "auto" and possible):
        quantise(decoder)
        return "auto"
    return precision
