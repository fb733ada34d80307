"""Files that prove themselves whole: a JSON record under its own checksum, tensors under the record's.

What is read may come from a stranger: it can run no code, name no file outside its directory, and make the process hold
no more than the limits below, since tensors are mapped from the disk. Whatever is wrong with it is a UserError that
names the file.
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
    """Return `record` as a JSON file that carries the format version and the checksum of its own content."""
    record = {"format_version": FORMAT_VERSION, **record}
    return json.dumps({**record, "checksum": _content_sha256(record)}, indent=2).encode() + b"\n"


def unseal(path: Path) -> dict[str, Any]:
    """Return the content of a file that `seal` made, its version and its checksum verified."""
    data = read_limited(path, MAX_JSON_BYTES)
    try:
        record = json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise file_error(path, f"is no JSON file, or not all of it ({shorten(error)})") from error
    version = record.get("format_version") if isinstance(record, dict) else None
    major = version.partition(".")[0] if isinstance(version, str) else ""
    if not re.fullmatch("[0-9]{1,5}", major):
        raise file_error(path, "has no format version")
    newer = f"made by a newer version of this toolkit (format {shorten(version)}, here {FORMAT_VERSION})"
    check(int(major) <= int(FORMAT_VERSION.partition(".")[0]), f"{path}: {newer}; upgrade the toolkit")
    checksum = record.pop("checksum", None)
    verify_checksum(path, _content_sha256(record), checksum)
    return record


def _content_sha256(record: Mapping[str, Any]) -> str:
    """Return the SHA-256 of `record` in canonical JSON: white space and the order of keys do not count."""
    return hashlib.sha256(json.dumps(record, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def find_ties(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """Map the name of each tensor that is the very memory of an earlier one to the name of that one."""
    names: dict[tuple[Any, ...], str] = {}
    tied = {}
    for name, tensor in tensors.items():
        memory = (tensor.device, tensor.data_ptr(), tensor.dtype, tensor.shape, tensor.stride())
        first = names.setdefault(memory, name)
        if first != name:
            tied[name] = first
    return tied


def serialise(tensors: Mapping[str, Tensor], dtype: torch.dtype | None = None) -> tuple[bytes, dict[str, str]]:
    """Return the content of a safetensors file, and the further names of tensors that have several (see `find_ties`).

    Raises:
        UserError: a finite number is not finite in `dtype`, which floating tensors are cast to where it is given.
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
            tensor = tensor.clone()  # another view of one memory, of which the format has no notion
        storages.add(tensor.untyped_storage().data_ptr())
        packed[name] = tensor
    # Not by the library's `save_file`: that hides why a disk refused, and makes a file which only its owner can read.
    return save(packed), tied


def _cast(name: str, tensor: Tensor, dtype: torch.dtype | None) -> Tensor:
    if dtype is None or not tensor.is_floating_point():
        return tensor
    cast = tensor.to(dtype)
    lost = tensor[tensor.isfinite() & ~cast.isfinite()]
    if len(lost):
        raise UserError(f"{name}: {lost.abs().max().item():g} is beyond {dtype}; store the model in another dtype")
    return cast


def deserialise(path: Path, tied: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file, mapped from the disk, also under the further names in `tied`."""
    try:
        tensors = load_file(path)
    except (SafetensorError, ArithmeticError, LookupError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise file_error(path, f"is no safetensors file ({shorten(error)})") from error
    for name, first in tied.items():
        if name in tensors or not isinstance(first, str) or first not in tensors:
            raise file_error(path, f"has no tensor {shorten(first)} that {shorten(name)} could be tied to")
    return tensors | {name: tensors[first] for name, first in tied.items()}


def is_plain(name: str) -> bool:
    """Whether `name` is that of a file in its own directory, on any system."""
    return bool(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", name))


def check_file(path: Path) -> None:
    """Raise a UserError unless `path` is a file: a pipe would block, a device would never end."""
    if not path.is_file():
        raise file_error(path, "is not a file" if path.exists() else "is missing")


def read_limited(path: Path, limit: int) -> bytes:
    """Return the content of the file `path`, which may be `limit` bytes long."""
    check_file(path)
    if path.stat().st_size > limit:
        raise file_error(path, "is larger than such a file can be")
    return path.read_bytes()


def verify_checksum(path: Path, found: str, expected: object) -> None:
    """Raise a UserError unless the checksum `found` for `path` is the `expected` one."""
    if found != expected:
        raise file_error(path, "is damaged, cut short or edited (its checksum differs)")


def file_error(path: Path, problem: str) -> UserError:
    """Return the error that says what is wrong with `path`."""
    return UserError(f"{path}: {problem}; put a good copy in its place, or make it anew")


def shorten(text: object) -> str:
    """Return `text` on one line, not too long and harmless to a terminal: it may be a stranger's."""
    shown = "".join(letter if letter.isprintable() else " " for letter in str(text)[:160])
    return " ".join(shown.split())


def read_tensors(path: Path, checksum: object, tied: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors of a file, mapped from the disk, once its SHA-256 is that of the record; `tied` adds second names."""
    check_file(path)
    verify_checksum(path, sha256(path), checksum)
    return deserialise(path, tied)
