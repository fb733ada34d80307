"""The light form of a model: the files with which it runs without torch (made by s2s/export).

The key `light` of config.json names them, with the SHA-256 of each:

    "light": {"version": 1, "precision": "int8", "files": {"encoder.onnx": "...", ...}, "weights": "...",
              "grid": [7, 7]}

`weights` is the SHA-256 of the file of tensors that it was made from: a light form of other weights is not run.
Vocabularies and the calibration of the confidence are the assets that the model has anyway. Nothing here needs torch,
nor the file of tensors.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from s2s.errors import UserError, check
from s2s.files import atomic_directory, current_version, sha256
from s2s.storage.model_record import CONFIG, MODEL_CARD, WEIGHTS, ModelRecord, read_record, read_whole
from s2s.storage.verified import check_file, file_error, is_plain, seal, shorten, unseal, verify_checksum

LIGHT_VERSION = 1  # of the graphs: names, shapes and meaning of their inputs and outputs
PRECISIONS = ("int8", "float16", "float32")
_MAX_SIDE = 4096  # cells of a captioner's grid along one side


@dataclass(frozen=True)
class LightModel:
    """A model directory with a light form, verified.

    Attributes:
        record: the configuration and the assets
        precision: of the stored weights: int8, float16 or float32
        files: the paths of the verified files by name
        grid: rows and columns of a captioner's grid; None for other kinds of models
    """

    record: ModelRecord
    precision: str
    files: Mapping[str, Path]
    grid: tuple[int, int] | None

    def file(self, name: str) -> Path:
        """Return the path of the file `name`; raise a UserError if the light form has no such file."""
        if name not in self.files:
            raise file_error(self.record.path, f"does not name the file {name} in 'light'")
        return self.files[name]


def has_light(directory: Path | str) -> bool:
    """Whether a model directory has a light form of its weights that this version can run; only the record is read.

    Raises:
        UserError: as `read_record`.
    """
    record = read_whole(directory, read_record)
    light = record.light
    return light is not None and light.get("version") == LIGHT_VERSION and light.get("weights") == record.checksum


def read_light(directory: Path | str, kind: str) -> LightModel:
    """Read and verify a model directory, except for its tensors, which need not be there.

    Args:
        directory: the model directory.
        kind: that the model must have, such as "translation".

    Raises:
        UserError: the model has no light form, one of another version, or is of another kind; or a file is missing,
            damaged or malformed. The message names it.
    """
    return read_whole(directory, partial(_read_light, kind))


def write_light(
    directory: Path,
    output: Path,
    files: Mapping[str, bytes],
    *,
    precision: str,
    grid: tuple[int, int] | None,
    verify: Callable[[Path], None],
) -> None:
    """Add a light form to a model directory, or replace its own, or write it to another directory, in one step.

    Another directory gets all that the light form needs, and not the file of tensors.

    Args:
        directory: of the model, whose tensors were verified
        output: where the light form is written: `directory` itself, or another one
        files: contents of the light form's files by name
        precision: of the stored weights
        grid: see `LightModel`
        verify: is given the finished directory before it gets its name; what it raises prevents that

    Raises:
        UserError: `output` cannot be written.
    """
    record = read_whole(directory, read_record)
    current, same = current_version(directory), output.exists() and output.samefile(directory)
    content = unseal(current / CONFIG)
    content["light"] = {
        "version": LIGHT_VERSION,
        "precision": precision,
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
        "weights": record.checksum,
        **({"grid": list(grid)} if grid else {}),
    }
    with atomic_directory(output) as aside:
        if same:
            former = set((record.light or {}).get("files", {})) - set(files)
            shutil.copytree(current, aside, dirs_exist_ok=True, ignore=lambda _, names: former & set(names))
        for name, data in {**({} if same else record.assets), **files}.items():
            (aside / name).write_bytes(data)
        (aside / CONFIG).write_bytes(seal(content))
        verify(aside)


def _read_light(kind: str, directory: Path) -> LightModel:
    record = read_record(directory)
    if record.kind != kind:
        raise record.wrong_kind(kind)
    path, light = record.path, record.light
    if light is None:
        raise UserError(f"{directory}: has no light form; make it with `s2s export {directory}`, or use --engine torch")
    version, precision, files, grid = (light.get(key) for key in ("version", "precision", "files", "grid"))
    other = f"its light form has version {shorten(version)}, and this version of the toolkit runs {LIGHT_VERSION}"
    advice = "run `s2s export` again, or use --engine torch"
    check(version == LIGHT_VERSION, f"{directory}: {other}; {advice}")
    check(light.get("weights") == record.checksum, f"{directory}: its light form was made from other weights; {advice}")
    if precision not in PRECISIONS or not isinstance(files, dict):
        raise file_error(path, f"'light' must have a precision ({', '.join(PRECISIONS)}) and files")
    return LightModel(record, str(precision), _verified(directory, files), _grid(path, grid))


def _verified(directory: Path, files: Mapping[Any, Any]) -> dict[str, Path]:
    paths: dict[str, Path] = {}
    for name, checksum in files.items():
        if not is_plain(name) or name in (CONFIG, WEIGHTS, MODEL_CARD):
            raise file_error(directory / CONFIG, f"'light' must hold plain names of files, not {shorten(name)}")
        paths[name] = directory / name
        check_file(paths[name])
        verify_checksum(paths[name], sha256(paths[name]), checksum)
    return paths


def _grid(path: Path, grid: object) -> tuple[int, int] | None:
    match grid:
        case None:
            return None
        case [int(rows), int(columns)] if 0 < rows <= _MAX_SIDE and 0 < columns <= _MAX_SIDE:
            return rows, columns
    raise file_error(path, f"'grid' in 'light' must be rows and columns, 1 to {_MAX_SIDE:,} each, or be left out")
