"""Train with products in bfloat16 on a processor that has none: `translation.train`, 1.6 times as slow as in float32.

A product of two bfloat16 numbers is exact in float32, so that one in float32 of operands that were rounded to bfloat16,
rounded once more at the end, is what the instructions give, save the order of the sums. PyTorch's own products in
bfloat16 are dozens of times as slow where there are no instructions for them.

Those products are emulated that training makes: no `out=` of them, none in `torch.inference_mode`, and none on other
threads, for a mode is that of one thread.
"""

from __future__ import annotations

import sys
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from s2s.cli import command
from translation.train import train

_PRODUCTS = ("mm", "addmm", "bmm", "baddbmm", "mv", "addmv", "dot")
_OVERLOADS = {getattr(torch.ops.aten, name).default for name in _PRODUCTS}


class Emulated(TorchDispatchMode):
    """Within, products of bfloat16 tensors are computed in float32."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func not in _OVERLOADS or not _is_bfloat16(args[0]):
            return func(*args, **kwargs)
        wide = [argument.float() if _is_bfloat16(argument) else argument for argument in args]
        return func(*wide, **kwargs).bfloat16()


def _is_bfloat16(argument: Any) -> bool:
    return isinstance(argument, torch.Tensor) and argument.dtype == torch.bfloat16


def train_emulated(arguments: list[str]) -> int:
    """The command: that of `translation.train`, in bfloat16 and on one core."""
    with Emulated():
        return train([*arguments, "--set", "training.precision=bfloat16", "--threads", "1"])


if __name__ == "__main__":
    sys.exit(command.run(train_emulated))
