"""Decoding with weights in eight bits: a quarter of their memory, and products up to four times as fast as in float32.

A decoder is quantised once, after it was loaded, and cannot be trained any more. Only its weights change: they are
replaced by objects that `torch.nn.functional.linear` multiplies by, so that no wiring knows of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from warnings import catch_warnings

import torch
from torch import Tensor, nn

from s2s.decoder import Decoder
from s2s.errors import check
from s2s.precision import DecodingPrecision, Precision

_WEIGHT_LEVELS = 127  # -127 ... 127
_SMALLEST = torch.finfo(torch.float32).tiny  # the scale of a row of zeros


class QuantisedWeight:
    """A matrix (outputs, inputs) in eight bits, by which `linear` multiplies and from which columns can be taken.

    W ~ s * Q with a scale s for each output. The inputs are rounded too, to a scale of each row's own: what is
    computed for a line depends on no other line, and the sums are exact, so that neither the size of the batch nor its
    order changes a result. Products are float32.
    """

    def __init__(self, weight: Tensor) -> None:
        weight = weight.detach().float()
        scales = (weight.abs().amax(1) / _WEIGHT_LEVELS).clamp(min=_SMALLEST)
        zeros = torch.zeros(len(weight), dtype=torch.int64)
        with catch_warnings(action="ignore"):  # "will be removed": where they are, `can_quantise` says no
            rounded = torch.quantize_per_channel(weight, scales.double(), zeros, 0, torch.qint8)
            self._packed = torch.ops.quantized.linear_prepack(rounded, None)
        self._columns: dict[str, QuantisedWeight] = {}
        # Without VNNI a processor adds pairs of products in sixteen bits, which eight bits of input would overflow.
        self._levels = 127 if torch.cpu._is_vnni_supported() else 63

    def linear(self, inputs: Tensor, bias: Tensor | None = None) -> Tensor:
        """(..., inputs) -> inputs W^T + bias (..., outputs)."""
        inputs = inputs.float()
        scales = inputs.abs().amax(-1, keepdim=True).clamp_(min=_SMALLEST)
        products = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32(
            inputs / scales, 1 / self._levels, self._levels + 1, self._packed
        )
        return products.mul_(scales) if bias is None else torch.addcmul(bias, products, scales)

    def __getitem__(self, where: tuple[slice, slice]) -> QuantisedWeight:
        """Columns, rounded anew and kept."""
        key = repr(where)
        if key not in self._columns:
            whole = torch.ops.quantized.linear_unpack(self._packed)[0].dequantize()
            self._columns[key] = QuantisedWeight(whole[where])
        return self._columns[key]

    @classmethod
    def __torch_function__(
        cls,
        function: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """What PyTorch calls where one of these is among the arguments of one of its functions."""
        if function is not nn.functional.linear:
            return NotImplemented
        inputs, weight, *bias = args
        return weight.linear(inputs, *bias)


def can_quantise(device: torch.device) -> bool:
    """Whether there are products in eight bits here: on x86 with AVX2 or better."""
    engines = torch.backends.quantized.supported_engines
    return device.type == "cpu" and "fbgemm" in engines and hasattr(torch, "quantize_per_channel")


def quantise(decoder: Decoder) -> None:
    """Replace all weights by which the decoder multiplies, in place. Embeddings that are looked up stay."""
    for module in decoder.modules():
        if isinstance(module, nn.Embedding):
            continue
        for name, weight in list(module.named_parameters(recurse=False)):
            if weight.dim() == 2:
                delattr(module, name)
                setattr(module, name, QuantisedWeight(weight))


def is_quantised(decoder: Decoder) -> bool:
    """Whether `quantise` was there."""
    return isinstance(decoder.projection.weight, QuantisedWeight)


def prepare(decoder: Decoder, precision: DecodingPrecision, device: torch.device) -> Precision:
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
