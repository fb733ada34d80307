"""A model directory: written whole or not at all, verified when read, and never a pickle.

    MODEL/  model.safetensors   the tensors, in 16 bits where asked
            config.json         format version, kind, configuration, SHA-256 of every other file, checksum of itself
            ...                 assets: vocabularies, subword models

Files that config.json does not name, such as a README.md, are ignored. Writing replaces a directory as a whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from s2s.errors import UserError, check
from s2s.files import atomic_directory, current_version
from s2s.storage.verified import (
    file_error,
    is_plain,
    read_limited,
    read_tensors,
    seal,
    serialise,
    shorten,
    unseal,
    verify_checksum,
)

CONFIG, WEIGHTS, MODEL_CARD = "config.json", "model.safetensors", "README.md"
MAX_ASSET_BYTES = 256 * 2**20  # all assets of a model together


# ---------------------------------------------------------------------------------------------------------- models


@dataclass(frozen=True)
class StoredModel:
    """What a model directory held when it was read. Tensors are mapped from the disk: no memory until they are used."""

    directory: Path
    kind: str
    config: Mapping[str, Any]
    about: Mapping[str, Any]
    tensors: Mapping[str, Tensor]
    assets: Mapping[str, bytes]

    def asset(self, name: str) -> bytes:
        """Return the content of the asset file `name`; a UserError if the model came without it."""
        if name not in self.assets:
            raise file_error(self.directory / CONFIG, f"names no file {name}, which this kind of model needs")
        return self.assets[name]


def write_model(
    directory: Path | str,
    *,
    kind: str,
    config: Mapping[str, Any],
    tensors: Mapping[str, Tensor],
    assets: Mapping[str, bytes] | None = None,
    about: Mapping[str, Any] | None = None,
    dtype: torch.dtype | None = None,
) -> None:
    """Write a model directory, replacing the one that stands there as a whole.

    Args:
        directory: where to; it may exist if it is empty or a model directory.
        kind: the name under which an application registered how to build the model.
        config: the model's own configuration, which JSON can hold.
        tensors: `model.state_dict()`; of those that are one memory (tied parameters) one is stored.
        assets: contents of further files by their plain names, at most `MAX_ASSET_BYTES` together.
        about: what is worth knowing of its making (data, recipe, scores), which JSON can hold.
        dtype: what floating tensors are stored as, e.g. `torch.float16`; as they are where None.

    Raises:
        UserError: a value does not fit into `dtype`, or `directory` holds something that is no model.
    """
    directory, assets = Path(directory), dict(assets or {})
    for name in assets:
        if not is_plain(name) or name in (CONFIG, WEIGHTS, MODEL_CARD):
            raise ValueError(f"{name!r} cannot be the name of an asset")
    vacant = not directory.exists() or (directory.is_dir() and not any(directory.iterdir()))
    check(vacant or (directory / CONFIG).is_file(), f"{directory}: is no model directory; choose another name")
    weights, tied = serialise(tensors, dtype)
    files = {WEIGHTS: weights, **assets}
    record = {
        "kind": kind,
        "config": config,
        "about": about or {},
        "tied": tied,
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
    }
    with atomic_directory(directory) as aside:
        for name, data in files.items():
            (aside / name).write_bytes(data)
        (aside / CONFIG).write_bytes(seal(record))


def read_model(directory: Path | str) -> StoredModel:
    """Read and verify a model directory.

    Raises:
        UserError: naming the file, if anything is missing, damaged, malformed or of a newer major format version.
    """
    directory = Path(directory)
    while True:
        found = _identity(directory)
        try:
            stored = _read_model(current_version(directory))
        except (UserError, FileNotFoundError):
            if _identity(directory) == found:
                raise
        else:
            if _identity(directory) == found:
                return stored
        # A training replaced the directory while it was read: what was read may be half old, half new.


def _read_model(directory: Path) -> StoredModel:
    path = directory / CONFIG
    if not path.exists():
        inside = directory / "best"
        hint = f"did you mean {inside}?" if (inside / CONFIG).is_file() else "give one, such as RUN/best"
        problem = f"is no model directory (it has no {CONFIG})" if directory.exists() else "no such directory"
        raise UserError(f"{directory}: {problem}; {hint}")
    record = unseal(path)
    kind, about, tied = record.get("kind"), record.get("about", {}), record.get("tied", {})
    config, files = record.get("config"), record.get("files")
    if not (isinstance(kind, str) and isinstance(config, dict) and isinstance(about, dict)):
        raise file_error(path, "'kind' must be a string, 'config' and 'about' objects")
    if not (isinstance(tied, dict) and isinstance(files, dict) and WEIGHTS in files):
        raise file_error(path, f"'tied' and 'files' must be objects, and 'files' must name {WEIGHTS}")
    assets: dict[str, bytes] = {}
    for name, checksum in files.items():
        if not is_plain(name):
            raise file_error(path, f"'files' must hold plain names, not {shorten(name)}")
        if name != WEIGHTS:
            assets[name] = read_limited(directory / name, MAX_ASSET_BYTES - sum(map(len, assets.values())))
            verify_checksum(directory / name, hashlib.sha256(assets[name]).hexdigest(), checksum)
    tensors = read_tensors(directory / WEIGHTS, files[WEIGHTS], tied)
    return StoredModel(directory, kind, config, about, tensors, assets)


def _identity(directory: Path) -> tuple[Path | int, ...] | None:
    """Return what changes when the model in `directory` is replaced; None where there is none.

    The folder is part of it: a replacement first moves the old model away, as it is.
    """
    folder = current_version(directory)
    try:
        status = (folder / CONFIG).stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return folder, status.st_dev, status.st_ino, status.st_mtime_ns


# ------------------------------------------------------------------------------------------------- kinds of models

_BUILDERS: dict[str, Callable[[StoredModel], Any]] = {}
_LIMITS: dict[str, tuple[str, ...]] = {}


def register(kind: str, build: Callable[[StoredModel], Any], *, limits: Sequence[str] = ()) -> None:
    """Make `load` build models of `kind` by `build`, as each application does when it is imported.

    Args:
        kind: the name that config.json gives.
        build: makes the model.
        limits: keys of the configuration that hold the longest source or target of the training text, and the like.
            Models that differ in these alone compute the same function of their weights.
    """
    _BUILDERS[kind] = build
    _LIMITS[kind] = tuple(limits)


def limits(kind: str) -> tuple[str, ...]:
    """Return the `limits` with which a kind was registered; none for an unknown kind."""
    return _LIMITS.get(kind, ())


def load(directory: Path | str, expected: str | None = None) -> Any:
    """Read the model directory and build what it holds, by the builder registered for its kind.

    Args:
        directory: of the model.
        expected: the kind that it must be of; None where any will do.

    Raises:
        UserError: as `read_model`; or the kind is not known, or not the expected one; or nothing can be built from the
            configuration.
    """
    stored = read_model(directory)
    path, kind = stored.directory / CONFIG, shorten(stored.kind)
    if stored.kind not in _BUILDERS or expected not in (None, stored.kind):
        known = expected or ", ".join(sorted(_BUILDERS)) or "none"
        unfit = f"holds a model of kind '{kind}', which is not for this command (what is: {known}); give another"
        raise UserError(f"{path}: {unfit}")
    try:
        return _BUILDERS[stored.kind](stored)
    except (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        # The configuration may be a stranger's: whatever a builder makes of it, it is the file that is wrong.
        raise file_error(path, f"no '{kind}' model comes of it ({type(error).__name__}: {shorten(error)})") from error
