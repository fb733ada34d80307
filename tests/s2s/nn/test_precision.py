"""Precision and device: what runs in bfloat16, what stays float32, and the device that is not there."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from typing import get_args

import pytest
import torch

from s2s.errors import UserError
from s2s.nn import precision
from s2s.nn.precision import Precision, autocast, choose_device, has_fast_bfloat16

CPU = torch.device("cpu")


@pytest.mark.parametrize("asked", get_args(Precision))
def test_products_run_as_asked(asked: Precision) -> None:
    bfloat16 = asked == "bfloat16" or (asked == "auto" and has_fast_bfloat16(CPU))
    weight = torch.randn(4, 4, requires_grad=True)
    with autocast(asked, CPU):
        product = torch.randn(4, 4) @ weight
        assert product.dtype == (torch.bfloat16 if bfloat16 else torch.float32)
        product.sum().backward()
    assert weight.dtype == torch.float32
    assert weight.grad is not None
    assert weight.grad.dtype == torch.float32
    assert (torch.randn(4, 4) @ weight).dtype == torch.float32


@pytest.mark.parametrize(("users", "expected"), [(None, "64"), ("7", "7")])
def test_few_shapes_are_cached_unless_the_user_says_otherwise(
    users: str | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LRU_CACHE_CAPACITY", "ONEDNN_PRIMITIVE_CACHE_CAPACITY"):
        monkeypatch.setenv(name, users or "")
        if users is None:
            monkeypatch.delenv(name)
    runpy.run_path(precision.__file__)
    assert os.environ["LRU_CACHE_CAPACITY"] == os.environ["ONEDNN_PRIMITIVE_CACHE_CAPACITY"] == expected


@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory from /proc")
@pytest.mark.skipif(not has_fast_bfloat16(CPU), reason="needs a processor with bfloat16 products")
def test_products_of_many_shapes_take_no_memory() -> None:
    """Without the limits 400 shapes take some 600 MB."""
    script = """
import torch
from pathlib import Path
from s2s.nn.precision import products

def megabytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 // 2**20

inputs, weight = torch.randn(400, 256), torch.randn(256, 512)
before = megabytes()
with torch.no_grad(), products("bfloat16", torch.device("cpu")):
    for rows in range(1, 400):
        inputs[:rows] @ weight
print(megabytes() - before)
"""
    unset = ("LRU_CACHE_CAPACITY", "ONEDNN_PRIMITIVE_CACHE_CAPACITY")
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 200


def test_the_automatic_device_is_the_fastest_there_is() -> None:
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert choose_device("cpu") == CPU


def test_a_missing_cuda_device_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="no CUDA device was found: use --device cpu"):
        choose_device("cuda")
