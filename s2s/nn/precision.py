"""The choice of a device, of the number of its cores, and of a precision for matrix products."""

from __future__ import annotations

from typing import get_args

import torch

from s2s.errors import check
from s2s.nn.configuration import Precision


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether the processor has instructions for bfloat16 matrix products: AVX512-BF16, AMX, or a recent GPU."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and (
        torch.cpu._is_avx512_bf16_supported()
        or torch.cpu._is_amx_tile_supported()  # PyTorch has no public names for these
    )


def choose_device(name: str) -> torch.device:
    """Return the device of this name; `auto` is CUDA if a GPU is available, else the CPU.

    Raises:
        UserError: `cuda` was asked for and no CUDA device is available.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    check(name != "cuda" or torch.cuda.is_available(), "no CUDA device was found: use --device cpu")
    return torch.device(name)


def use_threads(count: int | None) -> None:
    """Let PyTorch use this many processor cores, in the whole process; None for as many as it uses anyway."""
    if count:
        torch.set_num_threads(count)


def autocast(precision: Precision, device: torch.device) -> torch.autocast:
    """Return a context in which matrix products run in `precision`; weights, cell states and losses stay float32.

    `auto` is bfloat16 on processors that have instructions for it, else float32.
    """
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=uses_bfloat16(precision, device))


def uses_bfloat16(precision: Precision, device: torch.device) -> bool:
    """Whether matrix products of this precision run in bfloat16 on `device`."""
    assert precision in get_args(Precision), (
        f"{precision} is not a precision for all products; see s2s/models/quantisation.py"
    )
    return precision == "bfloat16" or (precision == "auto" and has_fast_bfloat16(device))
