"""In which precision matrix products run, and on which device."""

from __future__ import annotations

import os
from typing import Literal, get_args

import torch

from s2s.errors import check

Precision = Literal["auto", "bfloat16", "float32"]
DecodingPrecision = Literal["auto", "int8", "bfloat16", "float32"]  # see s2s/models/quantisation.py

# Of bfloat16 products oneDNN and PyTorch keep what they compiled for each shape, a thousand of them by themselves.
# Where shapes differ from batch to batch that creeps to gigabytes; the last few dozen are as quick. Both read these
# limits at their first product, and nothing is computed here before this module is imported.
for _cache in ("LRU_CACHE_CAPACITY", "ONEDNN_PRIMITIVE_CACHE_CAPACITY"):
    os.environ.setdefault(_cache, "64")


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether the processor multiplies bfloat16 matrices by instructions of its own: AVX512-BF16, AMX, a recent GPU."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and (
        torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()  # no public name for these yet
    )


def choose_device(name: str) -> torch.device:
    """`auto` is CUDA where there is one; asking for CUDA where there is none is a mistake."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    check(name != "cuda" or torch.cuda.is_available(), "no CUDA device was found: use --device cpu")
    return torch.device(name)


def autocast(precision: Precision, device: torch.device) -> torch.autocast:
    """A context in which matrix products run as `precision` says; weights, cell states and losses stay float32.

    `auto` is bfloat16 where the processor is faster at it, else float32.
    """
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=uses_bfloat16(precision, device))


def uses_bfloat16(precision: Precision, device: torch.device) -> bool:
    """Whether products of such a precision are in bfloat16 here."""
    assert precision in get_args(Precision), (
        f"{precision} is no precision of all products; see s2s/models/quantisation.py"
    )
    return precision == "bfloat16" or (precision == "auto" and has_fast_bfloat16(device))
