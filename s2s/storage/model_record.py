"""The record of a model directory: what config.json says of the model, and the assets, verified. Nothing needs torch.

    MODEL/  config.json         format version, kind, configuration, SHA-256 of every other file, its own checksum
            model.safetensors   the tensors (s2s/storage/model_directory.py), or a smaller file with matrices in eight
                                bits (s2s/storage/eight_bits.py); an installation may leave it out
            ...                 assets: vocabularies, subword models, the calibration of the confidence
            ...                 the light form: the files that the key `light` names (s2s/storage/light_form.py)

Files that config.json does not name, such as README.md, are ignored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from s2s.errors import UserError
from s2s.files import current_version
from s2s.storage.verified import file_error, is_plain, read_limited, shorten, unseal, verify_checksum

CONFIG, WEIGHTS, MODEL_CARD = "config.json", "model.safetensors", "README.md"
MAX_ASSET_BYTES = 256 * 2**20  # sum over the assets of a model

T = TypeVar("T")


@dataclass(frozen=True)
class ModelRecord:
    """What config.json says, and the contents of the assets.

    Attributes:
        directory: that was read; for a model that was being replaced, another one than was asked for
        kind: the name under which an application knows such models
        config: the configuration of the model
        about: facts about the training
        assets: contents of the asset files by name
        checksum: the SHA-256 of the file of tensors, as it should be
        tied: names of tensors that are stored under another name, and that name
        light: what is said of the light form; None if the model has none
    """

    directory: Path
    kind: str
    config: Mapping[str, Any]
    about: Mapping[str, Any]
    assets: Mapping[str, bytes]
    checksum: object
    tied: Mapping[str, Any]
    light: Mapping[str, Any] | None

    @property
    def path(self) -> Path:
        """Of config.json, for messages."""
        return self.directory / CONFIG

    def asset(self, name: str) -> bytes:
        """Return the content of the asset file `name`; raise a UserError if the model has no such asset."""
        if name not in self.assets:
            raise file_error(self.path, f"does not name the file {name}, which this kind of model needs")
        return self.assets[name]

    @contextmanager
    def building(self) -> Iterator[None]:
        """A context for building a model from this record, in which any failure is reported as a fault of the file.

        The configuration may come from an untrusted source, so a builder may fail in any way.
        """
        try:
            yield
        except (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as e:
            reason = f"{type(e).__name__}: {shorten(e)}"
            raise file_error(self.path, f"cannot build a '{shorten(self.kind)}' model from this file ({reason})") from e

    def wrong_kind(self, known: str) -> UserError:
        """Return the error that a command uses other kinds of models, which `known` lists."""
        problem = f"holds a model of kind '{shorten(self.kind)}', which this command cannot use (it uses: {known})"
        return UserError(f"{self.path}: {problem}; name another model")


def read_record(directory: Path) -> ModelRecord:
    """Read config.json and the assets of the model directory at this very path; see `read_whole` for one in use.

    Raises:
        UserError: a file is missing, damaged, malformed or of a newer major format version; the message names it.
    """
    path = directory / CONFIG
    if not path.exists():
        inside = directory / "best"
        hint = f"did you mean {inside}?" if (inside / CONFIG).is_file() else "name a model directory, such as RUN/best"
        problem = f"is not a model directory (it has no {CONFIG})" if directory.exists() else "no such directory"
        raise UserError(f"{directory}: {problem}; {hint}")
    record = unseal(path)
    kind, about, tied = record.get("kind"), record.get("about", {}), record.get("tied", {})
    config, files, light = record.get("config"), record.get("files"), record.get("light")
    if not (isinstance(kind, str) and isinstance(config, dict) and isinstance(about, dict)):
        raise file_error(path, "'kind' must be a string, and 'config' and 'about' must be objects")
    if not (isinstance(tied, dict) and isinstance(files, dict) and WEIGHTS in files):
        raise file_error(path, f"'tied' and 'files' must be objects, and 'files' must name {WEIGHTS}")
    if not isinstance(light, dict | None):
        raise file_error(path, "'light' must be an object")
    assets: dict[str, bytes] = {}
    for name, checksum in files.items():
        if not is_plain(name):
            raise file_error(path, f"'files' must hold plain names, not {shorten(name)}")
        if name != WEIGHTS:
            assets[name] = read_limited(directory / name, MAX_ASSET_BYTES - sum(map(len, assets.values())))
            verify_checksum(directory / name, hashlib.sha256(assets[name]).hexdigest(), checksum)
    return ModelRecord(directory, kind, config, about, assets, files[WEIGHTS], tied, light)


def read_whole(directory: Path | str, read: Callable[[Path], T]) -> T:
    """Return `read(current directory)`, of one version of the model even if a training replaces it meanwhile.

    Raises:
        UserError: raised by `read`, while the model was not replaced.
    """
    directory = Path(directory)
    while True:
        identity = _identity(directory)
        try:
            found = read(current_version(directory))
        except (UserError, FileNotFoundError):
            if _identity(directory) == identity:
                raise
        else:
            if _identity(directory) == identity:
                return found
        # The directory was replaced while it was read: old and new parts may be mixed, so read it again.


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
