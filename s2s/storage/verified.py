"""Files with checksums: a JSON record that holds its own checksum, and tensor files whose checksums the record holds.

Files may come from an untrusted source. Reading them runs no code, reads no file outside their directory, and allocates
no more memory than the limits below, because tensors are mapped from the disk. Every fault in a file raises a UserError
that names the file.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from s2s.errors import UserError, check
from s2s.files import sha256

FORMAT_VERSION = "1.1"
MAX_JSON_BYTES = 16 * 2**20


def seal(record: Mapping[str, Any]) -> bytes:
    """Return the JSON file of `record` with the format version and a checksum of its content."""
    record = {"format_version": FORMAT_VERSION, **record}
    return json.dumps({**record, "checksum": _content_sha256(record)}, indent=2).encode() + b"\n"


def unseal(path: Path) -> dict[str, Any]:
    """Read a file that `seal` made; return its record after verifying the version and the checksum.

    Raises:
        UserError: the file is missing, damaged, not JSON, or has a newer major format version.
    """
    data = read_limited(path, MAX_JSON_BYTES)
    try:
        record = json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise file_error(path, f"is not a complete JSON file ({shorten(error)})") from error
    version = record.get("format_version") if isinstance(record, dict) else None
    major = version.partition(".")[0] if isinstance(version, str) else ""
    if not re.fullmatch("[0-9]{1,5}", major):
        raise file_error(path, "has no format version")
    newer = (
        f"was made by a newer version of this toolkit (format {shorten(version)}, this version reads {FORMAT_VERSION})"
    )
    check(int(major) <= int(FORMAT_VERSION.partition(".")[0]), f"{path}: {newer}; upgrade the toolkit")
    checksum = record.pop("checksum", None)
    verify_checksum(path, _content_sha256(record), checksum)
    return record


def _content_sha256(record: Mapping[str, Any]) -> str:
    """Return the SHA-256 of `record` in canonical JSON, which ignores white space and the order of keys."""
    return hashlib.sha256(json.dumps(record, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


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
        tensor = _cast(name, tensor.detach().cpu(), dtype).contiguous()
        if tensor.untyped_storage().data_ptr() in storages:
            tensor = tensor.clone()  # a view of the same memory; the format cannot share memory between tensors
        storages.add(tensor.untyped_storage().data_ptr())
        packed[name] = tensor
    # The library's `save_file` hides the reason when writing fails, and makes a file that only its owner can read.
    return save(packed), tied


def _cast(name: str, tensor: Tensor, dtype: torch.dtype | None) -> Tensor:
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
    for name, first in tied.items():
        if name in tensors or not isinstance(first, str) or first not in tensors:
            raise file_error(path, f"cannot tie {shorten(name)} to {shorten(first)}")
    return tensors | {name: tensors[first] for name, first in tied.items()}


def is_plain(name: str) -> bool:
    """Whether `name` is a plain file name on every system: without folders, drives or special characters."""
    return bool(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", name))


def check_file(path: Path) -> None:
    """Raise a UserError unless `path` is a regular file. (A pipe would block, and a device may never end.)"""
    if not path.is_file():
        raise file_error(path, "is not a file" if path.exists() else "is missing")


def read_limited(path: Path, limit: int) -> bytes:
    """Return the content of the file `path`; raise a UserError if it has more than `limit` bytes."""
    check_file(path)
    if path.stat().st_size > limit:
        raise file_error(path, f"is larger than expected (more than {limit:,} bytes)")
    return path.read_bytes()


def verify_checksum(path: Path, found: str, expected: object) -> None:
    """Raise a UserError unless the checksum `found` of the file `path` equals the `expected` one."""
    if found != expected:
        raise file_error(path, "is damaged, truncated or edited (its checksum differs)")


def file_error(path: Path, problem: str) -> UserError:
    """Return a UserError about the file `path`; `problem` says what is wrong with it."""
    return UserError(f"{path}: {problem}; replace it by a good copy, or create it again")


def shorten(text: object) -> str:
    """Return the first 160 characters of `text` on one line, without control characters."""
    shown = "".join(letter if letter.isprintable() else " " for letter in str(text)[:160])
    return " ".join(shown.split())


def read_tensors(path: Path, checksum: object, tied: Mapping[str, Any]) -> dict[str, Tensor]:
    """Verify the SHA-256 of a safetensors file; return its tensors, mapped from the disk, and the `tied` ones."""
    check_file(path)
    verify_checksum(path, sha256(path), checksum)
    return deserialise(path, tied)
