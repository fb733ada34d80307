"""A training state on disk: written atomically, verified when read, never a pickle.

STATE/  state.safetensors   parameters, optimiser moments, random generators: any dtype, bit for bit
        state.json          format version, the caller's record, SHA-256 of the tensors, its own checksum
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from s2s.files import atomic_directory, current_version
from s2s.storage.tensors import read_tensors, serialise
from s2s.storage.verified import file_error, seal, unseal

RECORD, STATE = "state.json", "state.safetensors"


def write_state(directory: Path | str, tensors: Mapping[str, Tensor], record: Mapping[str, Any]) -> None:
    """Write a training state; a state that is in `directory` already is replaced as a whole.

    Args:
        directory: the folder of the state.
        tensors: of any dtype and shape, stored bit for bit.
        record: everything else, JSON-serialisable; floats are restored bit for bit.
    """
    data, tied = serialise(tensors)
    files = {STATE: hashlib.sha256(data).hexdigest()}
    with atomic_directory(Path(directory)) as aside:
        (aside / STATE).write_bytes(data)
        (aside / RECORD).write_bytes(seal({"record": record, "tied": tied, "files": files}))


def read_state(directory: Path | str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors of a training state, copied into memory on the CPU, and its record.

    Raises:
        UserError: a file is missing, damaged, or of a newer major format version; the message names it.
    """
    directory = current_version(Path(directory))
    path = directory / RECORD
    sealed = unseal(path)
    record, tied, files = sealed.get("record"), sealed.get("tied"), sealed.get("files")
    if not (isinstance(record, dict) and isinstance(tied, dict) and isinstance(files, dict)):
        raise file_error(path, "is not the record of a training state")
    mapped = read_tensors(directory / STATE, files.get(STATE), tied)
    copies = {name: tensor.clone() for name, tensor in mapped.items() if name not in tied}
    return {name: copies[tied.get(name, name)] for name in mapped}, record
