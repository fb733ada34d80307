"""Tensor files: tensors to a safetensors file and back, with ties and checksums.

Files may come from an untrusted source: reading them runs no code, and takes no memory, because tensors are mapped from
the disk (except matrices in eight bits, which become float32). Every fault in a file raises a UserError that names the
file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from s2s.errors import UserError
from s2s.files import sha256
from s2s.storage.verified import check_file, file_error, shorten, verify_checksum

SCALES = "::scales"  # NAME::scales are those of the matrix NAME, which is in eight bits (s2s/storage/eight_bits.py)


def find_ties(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """Return the tied tensors: {name: name of the first tensor that has the same memory}."""
    names: dict[tuple[Any, ...], str] = {}
    tied = {}
    for name, tensor in tensors.items():
        memory = (tensor.device, tensor.data_ptr(), tensor.dtype, tensor.shape, tensor.stride())
        first = names.setdefault(memory, name)
        if first != name:
            tied[name] = first
    return tied


def serialise(tensors: Mapping[str, Tensor], dtype: torch.dtype | None = None) -> tuple[bytes, dict[str, str]]:
    """Return the content of a safetensors file, and the tied tensors that it leaves out (see `find_ties`).

    Args:
        tensors: by name.
        dtype: what floating-point tensors are cast to; None for no cast.

    Raises:
        UserError: a finite number overflows in `dtype`.
    """
    tensors = dict(tensors)
    tied = find_ties(tensors)
    packed: dict[str, Tensor] = {}
    storages: set[int] = set()
    for name, tensor in tensors.items():
        if name in tied:
            continue
        tensor = cast(name, tensor.detach().cpu(), dtype).contiguous()
        if tensor.untyped_storage().data_ptr() in storages:
            tensor = tensor.clone()  # a view of the same memory; the format cannot share memory between tensors
        storages.add(tensor.untyped_storage().data_ptr())
        packed[name] = tensor
    # The library's `save_file` hides the reason when writing fails, and makes a file that only its owner can read.
    return save(packed), tied


def cast(name: str, tensor: Tensor, dtype: torch.dtype | None) -> Tensor:
    """Return a tensor of floating-point numbers in `dtype`; raise a UserError if a finite number overflows."""
    if dtype is None or not tensor.is_floating_point():
        return tensor
    cast = tensor.to(dtype)
    lost = tensor[tensor.isfinite() & ~cast.isfinite()]
    if len(lost):
        raise UserError(
            f"{name}: {lost.abs().max().item():g} is out of range for {dtype}; store the model in another dtype"
        )
    return cast


def deserialise(path: Path, tied: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file, mapped from the disk, and the `tied` ones under their names."""
    try:
        tensors = load_file(path)
    except (SafetensorError, ArithmeticError, LookupError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise file_error(path, f"is not a safetensors file ({shorten(error)})") from error
    tensors = _unpacked(path, tensors)
    for name, first in tied.items():
        if name in tensors or not isinstance(first, str) or first not in tensors:
            raise file_error(path, f"cannot tie {shorten(name)} to {shorten(first)}")
    return tensors | {name: tensors[first] for name, first in tied.items()}


def _unpacked(path: Path, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Multiply the matrices that are stored in eight bits by their scales."""
    unpacked = {name: tensor for name, tensor in tensors.items() if not name.endswith(SCALES)}
    for name, scales in tensors.items():
        if name.endswith(SCALES):
            matrix = unpacked.get(name.removesuffix(SCALES))
            if matrix is None or (matrix.dtype, scales.dtype) != (torch.int8, torch.float32) or not matrix.dim():
                raise file_error(path, f"{shorten(name)} has no matrix in eight bits")
            if scales.shape != (len(matrix), *[1] * (matrix.dim() - 1)):
                raise file_error(path, f"{shorten(name)} does not fit its matrix")
            unpacked[name.removesuffix(SCALES)] = matrix * scales
    return unpacked


def read_tensors(path: Path, checksum: object, tied: Mapping[str, Any]) -> dict[str, Tensor]:
    """Verify the SHA-256 of a safetensors file; return its tensors, mapped from the disk, and the `tied` ones."""
    check_file(path)
    verify_checksum(path, sha256(path), checksum)
    return deserialise(path, tied)
