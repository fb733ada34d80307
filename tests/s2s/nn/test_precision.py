"""Precision and device: what runs in bfloat16, what stays float32, and the device that is not there."""

from __future__ import annotations

from typing import get_args

import pytest
import torch

from s2s.errors import UserError
from s2s.nn.configuration import Precision
from s2s.nn.precision import autocast, choose_device, has_fast_bfloat16

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


def test_the_automatic_device_is_the_fastest_there_is() -> None:
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert choose_device("cpu") == CPU


def test_a_missing_cuda_device_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="no CUDA device was found: use --device cpu"):
        choose_device("cuda")
