"""The compiled operators as Python functions of tensors, and whether this process uses them.

A process uses none until `use_operators` is called, as training commands do. The choice holds for the whole process,
like the number of threads, because it changes last bits: a training that began without them goes on without them.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

_DTYPES = {torch.float32: "float32", torch.bfloat16: "bfloat16"}
_TYPES = {"n": ctypes.c_int64, "p": ctypes.c_void_p, "f": ctypes.c_float}
_SIGNATURES = {  # of the functions in operators.cpp: n a size, p a pointer, f a float
    "lstm_forward": "nnppppppp",
    "lstm_backward": "nnpppppp",
    "additive_forward": "nnnnpppp",
    "additive_backward": "nnnnpppppp",
    "cross_entropy": "nnpppfppp",
    "drop": "nppnfp",
}


class Operators:
    """The functions of a library that `build` made.

    Args:
        library: its file
    """

    def __init__(self, library: Path) -> None:
        loaded = ctypes.CDLL(str(library))
        self._functions = {}
        for name, signature in _SIGNATURES.items():
            for dtype, suffix in _DTYPES.items():
                function = getattr(loaded, f"{name}_{suffix}")
                function.argtypes = [_TYPES[letter] for letter in signature]
                function.restype = None
                self._functions[name, dtype] = function

    def call(self, name: str, dtype: torch.dtype, *arguments: Tensor | int | float | None) -> None:
        """Call a function of operators.cpp with sizes, numbers and contiguous tensors, in its order."""
        self._functions[name, dtype](*(each.data_ptr() if isinstance(each, Tensor) else each for each in arguments))


_used: Operators | None = None


def use_operators(operators: Operators | None) -> None:
    """Let this process use these operators, or none."""
    global _used
    _used = operators


def uses_operators() -> bool:
    """Return whether this process uses compiled operators."""
    return _used is not None


@contextmanager
def using(operators: Operators | None) -> Iterator[None]:
    """A context in which the process uses these operators, or none."""
    before = _used
    use_operators(operators)
    try:
        yield
    finally:
        use_operators(before)


def operators_for(*tensors: Tensor) -> Operators | None:
    """Return the operators if this process uses them and they can compute with such tensors, else None.

    Tensors must be on a CPU, and all in float32 or all in bfloat16.
    """
    if _used is None:
        return None
    dtype = tensors[0].dtype
    fits = dtype in _DTYPES and all(each.dtype == dtype and each.device.type == "cpu" for each in tensors)
    return _used if fits else None
