"""What this machine can do at best: the rate of matrix products at given shapes, and of reading memory."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch

from tests.benchmarks.products import Product

_SECONDS = 0.05  # of work that one time is taken of
_TRIES = 3  # the best counts: a floor is what can be reached
TYPES = {"bfloat16": torch.bfloat16, "float32": torch.float32}
USUAL = Product(1024, 512, 8000)  # large enough to show the processor's rate


def describe() -> dict[str, Any]:
    """The machine, for the record."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    return {
        "processor": names[0] if names else platform.processor(),
        "instructions": [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if flag in flags],
        "cores": os.cpu_count(),
        "GPU": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        "system": platform.platform(),
    }


def seconds_of(products: Iterable[Product], dtype: torch.dtype) -> float:
    """How long these products take together, each at its own rate, one shape measured once."""
    known: dict[Product, float] = {}
    total = 0.0
    for product in products:
        one = Product(product.rows, product.inner, product.columns, product.batch)
        if one not in known:
            known[one] = _product_seconds(one, dtype)
        total += known[one] * product.times
    return total


def rate(product: Product, dtype: torch.dtype) -> float:
    """Operations a second."""
    return product.operations / seconds_of([product], dtype)


def bandwidth(size: int) -> float:
    """Bytes a second that can be read of a block of so many bytes, again and again: of a small one, from the cache."""
    block = torch.ones(size // 4)
    return size / _best(block.sum)


def _product_seconds(product: Product, dtype: torch.dtype) -> float:
    left = torch.randn(product.batch, product.rows, product.inner).to(dtype)
    right = torch.randn(product.batch, product.inner, product.columns).to(dtype)
    if product.batch > 1:
        return _best(lambda: torch.bmm(left, right))
    return _best(lambda: torch.mm(left[0], right[0]))


def _best(work: Callable[[], object]) -> float:
    """Seconds of `work` at its quickest."""
    work()
    began = time.perf_counter()
    work()
    times = max(1, round(_SECONDS / max(time.perf_counter() - began, 1e-7)))
    found = []
    for _ in range(_TRIES):
        began = time.perf_counter()
        for _ in range(times):
            work()
        found.append((time.perf_counter() - began) / times)
    return min(found)
