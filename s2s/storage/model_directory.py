"""A model directory: written atomically, verified when read, never a pickle.

    MODEL/  model.safetensors   the tensors, in 16 bits if requested
            config.json         format version, kind, configuration, SHA-256 of every other file, its own checksum
            ...                 assets: vocabularies, subword models

Files that config.json does not name, such as README.md, are ignored. Writing replaces a directory as a whole. The
record alone, without the tensors and without torch, is read by s2s/storage/model_record.py.
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

from s2s.errors import check
from s2s.files import atomic_directory, current_version
from s2s.plugins import by_name
from s2s.plugins import load as import_registered
from s2s.storage.model_record import CONFIG, MODEL_CARD, WEIGHTS, ModelRecord, read_record, read_whole
from s2s.storage.tensors import read_tensors, serialise
from s2s.storage.verified import is_plain, seal, shorten, unseal

# ---------------------------------------------------------------------------------------------------------- models


@dataclass(frozen=True)
class StoredModel(ModelRecord):
    """The content of a model directory. Tensors are mapped from the disk and take no memory until they are used."""

    tensors: Mapping[str, Tensor]


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
    replace_file(directory, name, data)


def replace_file(directory: Path, name: str, data: bytes) -> None:
    """Replace or add one file of a model directory, which has been verified, and its checksum, in one step."""
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
    return read_whole(directory, _read_model)


def _read_model(directory: Path) -> StoredModel:
    record = read_record(directory)
    weights = directory / WEIGHTS
    check(
        weights.exists() or record.light is None,
        f"{weights}: is missing: this installation has only the light form of the model, which can be run but not "
        "trained, calibrated or averaged; take the model from the source repository, or use --engine onnx",
    )
    return StoredModel(**vars(record), tensors=read_tensors(weights, record.checksum, record.tied))


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


def import_kind(record: ModelRecord) -> None:
    """Import the application that registers the kind of a model, whichever it is.

    Raises:
        UserError: no installed application does.
    """
    kinds = by_name("s2s.kinds")
    advice = f"install the application that trained it; the known kinds are {', '.join(sorted(kinds)) or 'none'}"
    check(record.kind in kinds, f"{record.directory}: unknown kind of model '{shorten(record.kind)}'; {advice}")
    import_registered(kinds[record.kind])


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
    if stored.kind not in _BUILDERS or expected not in (None, stored.kind):
        raise stored.wrong_kind(expected or ", ".join(sorted(_BUILDERS)) or "none")
    with stored.building():
        return _BUILDERS[stored.kind](stored)
