"""Decoders with weights in eight bits: a quarter of the memory, and products up to four times as fast as in float32.

A decoder is quantised once, after it was loaded, and can then be neither trained nor saved. `QuantisedWeight` stands in
for each of its weight matrices (see `s2s.nn.weight_proxy`), so the wirings of the decoder do not change. Embeddings and
the encoder stay in float32. The arithmetic is in `s2s.nn.eight_bit_products`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from s2s.errors import check
from s2s.models.decoder import Decoder
from s2s.nn import eight_bit_products
from s2s.nn.configuration import DecodingPrecision, Precision
from s2s.nn.precision import uses_bfloat16
from s2s.nn.weight_proxy import WeightProxy, weight_matrices


class QuantisedWeight(WeightProxy):
    """A matrix (outputs, inputs) in eight bits; products are in float32."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self._packed = eight_bit_products.pack(weight)

    def linear(self, inputs: Tensor, bias: Tensor | None = None) -> Tensor:
        """See `WeightProxy`; in float32."""
        return eight_bit_products.multiply(self._packed, inputs, bias)

    def columns(self, where: tuple[slice, slice]) -> QuantisedWeight:
        """See `WeightProxy`; the columns are quantised again, with scales of their own."""
        return QuantisedWeight(eight_bit_products.unpack(self._packed)[where])


def quantise(decoder: Decoder) -> None:
    """Replace all weight matrices of the decoder except its embeddings, in place."""
    for owner, name, weight in list(weight_matrices(decoder)):
        delattr(owner, name)
        setattr(owner, name, QuantisedWeight(weight))


def is_quantised(module: nn.Module) -> bool:
    """Whether `module`, or a decoder inside it, was quantised."""
    return any(isinstance(value, QuantisedWeight) for part in module.modules() for value in vars(part).values())


def check_not_quantised(decoder: Decoder) -> None:
    """Raise a UserError if the decoder was quantised, because its rounded weights must not be saved as the model."""
    check(not is_quantised(decoder), "a quantised model cannot be saved: load it with precision='float32'")


def decoding_precision(decoder: Decoder, precision: Precision, device: torch.device) -> str:
    """Return the precision in which the decoder searches, for reports: int8, bfloat16 or float32."""
    if is_quantised(decoder):
        return "int8"
    return "bfloat16" if uses_bfloat16(precision, device) else "float32"


def quantise_for_decoding(decoder: Decoder, precision: DecodingPrecision, device: torch.device) -> Precision:
    """Quantise the decoder if `precision` is int8, or if it is `auto` and `device` has eight-bit products.

    Returns:
        The precision of all other products.

    Raises:
        UserError: `precision` is int8 and `device` has no eight-bit products.
    """
    possible = eight_bit_products.available(device)
    check(precision != "int8" or possible, f"--precision int8: not available on this {device.type} device: choose auto")
    if precision == "int8" or (precision == "auto" and possible):
        quantise(decoder)
        return "auto"
    return precision
