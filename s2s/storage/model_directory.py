"""A model directory: written atomically, verified when read, never a pickle.

    MODEL/  model.safetensors   the tensors, in 16 bits if requested
            config.json         format version, kind, configuration, SHA-256 of every other file, its own checksum
            ...                 assets: vocabularies, subword models

Files that config.json does not name, such as README.md, are ignored. Writing replaces a directory as a whole.
"""

from __future__ import annotations

import hashlib
import shutil
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
MAX_ASSET_BYTES = 256 * 2**20  # sum over the assets of a model


# ---------------------------------------------------------------------------------------------------------- models


@dataclass(frozen=True)
class StoredModel:
    """The content of a model directory. Tensors are mapped from the disk and take no memory until they are used."""

    directory: Path
    kind: str
    config: Mapping[str, Any]
    about: Mapping[str, Any]
    tensors: Mapping[str, Tensor]
    assets: Mapping[str, bytes]

    def asset(self, name: str) -> bytes:
        """Return the content of the asset file `name`; raise a UserError if the model has no such asset."""
        if name not in self.assets:
            raise file_error(self.directory / CONFIG, f"does not name the file {name}, which this kind of model needs")
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
    """Write a model directory; a model that is there already is replaced as a whole.

    Args:
        directory: the folder to write; it may exist if it is empty or a model directory.
        kind: the name under which an application registered a builder (see `register`).
        config: the configuration of the model, JSON-serialisable.
        tensors: `model.state_dict()`; tied parameters are stored once.
        assets: contents of further files by name, at most `MAX_ASSET_BYTES` together.
        about: facts about the training (data, recipe, scores), JSON-serialisable.
        dtype: what floating-point tensors are stored as, such as `torch.float16`; None for their own dtype.

    Raises:
        UserError: a value overflows in `dtype`, or `directory` holds something other than a model.
    """
    directory, assets = Path(directory), dict(assets or {})
    for name in assets:
        if not is_plain(name) or name in (CONFIG, WEIGHTS, MODEL_CARD):
            raise ValueError(f"{name!r} cannot be the name of an asset")
    vacant = not directory.exists() or (directory.is_dir() and not any(directory.iterdir()))
    check(
        vacant or (directory / CONFIG).is_file(),
        f"{directory}: exists and is not a model directory; choose another name",
    )
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


def write_asset(directory: Path | str, name: str, data: bytes) -> None:
    """Add an asset to a model directory, or replace one; all its other files stay as they are, byte for byte.

    Nothing else may write to the directory at the same time, such as a training.

    Raises:
        UserError: `directory` is not a model directory or damaged, or cannot be written.
    """
    directory = Path(directory)
    if not is_plain(name) or name in (CONFIG, WEIGHTS, MODEL_CARD):
        raise ValueError(f"{name!r} cannot be the name of an asset")
    read_model(directory)  # verifies it: a new checksum must not cover up damage
    current = current_version(directory)
    record = unseal(current / CONFIG)
    record["files"][name] = hashlib.sha256(data).hexdigest()
    with atomic_directory(directory) as aside:
        shutil.copytree(current, aside, dirs_exist_ok=True)
        (aside / name).write_bytes(data)
        (aside / CONFIG).write_bytes(seal(record))


def read_model(directory: Path | str) -> StoredModel:
    """Read and verify a model directory.

    Raises:
        UserError: a file is missing, damaged, malformed or of a newer major format version; the message names it.
    """
    directory = Path(directory)
    while True:
        identity = _identity(directory)
        try:
            stored = _read_model(current_version(directory))
        except (UserError, FileNotFoundError):
            if _identity(directory) == identity:
                raise
        else:
            if _identity(directory) == identity:
                return stored
        # A training replaced the directory while it was read: old and new parts may be mixed, so read it again.


def _read_model(directory: Path) -> StoredModel:
    path = directory / CONFIG
    if not path.exists():
        inside = directory / "best"
        hint = f"did you mean {inside}?" if (inside / CONFIG).is_file() else "name a model directory, such as RUN/best"
        problem = f"is not a model directory (it has no {CONFIG})" if directory.exists() else "no such directory"
        raise UserError(f"{directory}: {problem}; {hint}")
    record = unseal(path)
    kind, about, tied = record.get("kind"), record.get("about", {}), record.get("tied", {})
    config, files = record.get("config"), record.get("files")
    if not (isinstance(kind, str) and isinstance(config, dict) and isinstance(about, dict)):
        raise file_error(path, "'kind' must be a string, and 'config' and 'about' must be objects")
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
    """Return a value that changes when the model in `directory` is replaced; None if there is no model.

    It includes the folder, because a replacement first moves the old model to another folder unchanged.
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
    """Read a model directory and build the model, with the builder that is registered for its kind.

    Args:
        directory: the model directory.
        expected: the kind that it must have; None for any kind.

    Raises:
        UserError: as `read_model`; the kind is unknown or not the expected one; or the builder cannot use the
            configuration.
    """
    stored = read_model(directory)
    path, kind = stored.directory / CONFIG, shorten(stored.kind)
    if stored.kind not in _BUILDERS or expected not in (None, stored.kind):
        known = expected or ", ".join(sorted(_BUILDERS)) or "none"
        problem = f"holds a model of kind '{kind}', which this command cannot use (it uses: {known})"
        raise UserError(f"{path}: {problem}; name another model")
    try:
        return _BUILDERS[stored.kind](stored)
    except (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        # The configuration may come from an untrusted source, so any failure of a builder is a fault of the file.
        reason = f"{type(error).__name__}: {shorten(error)}"
        raise file_error(path, f"cannot build a '{kind}' model from this file ({reason})") from error
