"""A model directory and a training state: written whole or not at all, verified when read, and never a pickle.

    MODEL/  model.safetensors   the tensors, in 16 bits where asked
            config.json         format version, kind, configuration, SHA-256 of every other file, checksum of itself
            ...                 assets: vocabularies, subword models
    STATE/  state.safetensors   parameters, optimiser moments, random generators: any dtype, bit for bit
            state.json          format version, the caller's record, SHA-256 of the tensors, checksum of itself

Files that config.json does not name, such as a README.md, are ignored. Writing replaces a directory as a whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from s2s.errors import UserError, check, some
from s2s.files import current, directory_aside, sha256
from s2s.sealed import brief, check_file, deserialise, fault, is_plain, read, seal, serialise, ties, unseal, verify

CONFIG, WEIGHTS, MODEL_CARD = "config.json", "model.safetensors", "README.md"
RECORD, STATE = "state.json", "state.safetensors"
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
            raise fault(self.directory / CONFIG, f"names no file {name}, which this kind of model needs")
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
    with directory_aside(directory) as aside:
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
            stored = _read_model(current(directory))
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
        raise fault(path, "'kind' must be a string, 'config' and 'about' objects")
    if not (isinstance(tied, dict) and isinstance(files, dict) and WEIGHTS in files):
        raise fault(path, f"'tied' and 'files' must be objects, and 'files' must name {WEIGHTS}")
    assets: dict[str, bytes] = {}
    for name, checksum in files.items():
        if not is_plain(name):
            raise fault(path, f"'files' must hold plain names, not {brief(name)}")
        if name != WEIGHTS:
            assets[name] = read(directory / name, MAX_ASSET_BYTES - sum(map(len, assets.values())))
            verify(directory / name, hashlib.sha256(assets[name]).hexdigest(), checksum)
    tensors = _read_tensors(directory / WEIGHTS, files[WEIGHTS], tied)
    return StoredModel(directory, kind, config, about, tensors, assets)


def _identity(directory: Path) -> tuple[Path | int, ...] | None:
    """Return what changes when the model in `directory` is replaced; None where there is none.

    The folder is part of it: a replacement first moves the old model away, as it is.
    """
    folder = current(directory)
    try:
        status = (folder / CONFIG).stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return folder, status.st_dev, status.st_ino, status.st_mtime_ns


def _read_tensors(path: Path, checksum: object, tied: Mapping[str, Any]) -> dict[str, Tensor]:
    check_file(path)
    verify(path, sha256(path), checksum)
    return deserialise(path, tied)


# ------------------------------------------------------------------------------------------------- kinds of models

_BUILDERS: dict[str, Callable[[StoredModel], Any]] = {}


def register(kind: str, build: Callable[[StoredModel], Any]) -> None:
    """Make `load` build models of `kind` by `build`, as each application does when it is imported."""
    _BUILDERS[kind] = build


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
    path, kind = stored.directory / CONFIG, brief(stored.kind)
    if stored.kind not in _BUILDERS or expected not in (None, stored.kind):
        known = expected or ", ".join(sorted(_BUILDERS)) or "none"
        unfit = f"holds a model of kind '{kind}', which is not for this command (what is: {known}); give another"
        raise UserError(f"{path}: {unfit}")
    try:
        return _BUILDERS[stored.kind](stored)
    except (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        # The configuration may be a stranger's: whatever a builder makes of it, it is the file that is wrong.
        raise fault(path, f"no '{kind}' model comes of it ({type(error).__name__}: {brief(error)})") from error


# ------------------------------------------------------------------------------------------------- weights in a module


@contextmanager
def weightless() -> Iterator[None]:
    """Within, modules are built on the meta device, without memory or initial values, for `load_weights` to fill.

    What a `state_dict` leaves out, such as a table in a non-persistent buffer, must be made with `device="cpu"`.
    """
    with torch.device("meta"), _Unfilled():
        yield


class _Unfilled(TorchFunctionMode):
    """Leaves out initial values. On the meta device some of them would make torch import 900 modules, for seconds."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if function is torch.Tensor.normal_ or getattr(function, "__module__", None) == "torch.nn.init":
            tensor = args[0] if args else kwargs.get("tensor")
            if isinstance(tensor, Tensor) and tensor.is_meta:
                return tensor
        return function(*args, **kwargs)


def load_weights(module: nn.Module, tensors: Mapping[str, Tensor], *, source: Path | str = "the weights") -> None:
    """Fill `module` with `tensors`, in the module's own dtypes: a file of 16 bits becomes float32 parameters.

    The module may be `weightless`: names and shapes are compared before anything is allocated. Its parameters are then
    new ones, on the CPU; otherwise they are the same objects with new values. Either way they are independent of the
    file, and tied parameters stay tied.

    Args:
        module: what to fill.
        tensors: those of `module.state_dict()`, no more and no less, but of tied ones one will do.
        source: where the tensors came from, for the messages.

    Raises:
        UserError: naming the first tensors that are missing, unexpected or of another shape, and both vocabulary sizes.
    """
    own = module.state_dict(keep_vars=True)
    groups: dict[int, list[str]] = {}
    for name, tensor in own.items():
        groups.setdefault(id(tensor), []).append(name)
    given = dict(tensors)
    for names in groups.values():
        present = [name for name in names if name in given]
        given |= {name: given[present[0]] for name in names if present and name not in given}
    _check_fit(module, own, given, source)
    for first, *others in groups.values():
        for name in others:
            same = given[name] is given[first] or bool((given[name] == given[first]).all())
            check(same, f"{source}: {first} and {name} differ, but this model ties them; build it with both untied")
    if not any(tensor.is_meta for tensor in own.values()):
        module.load_state_dict(given)
        return
    filled: dict[str, Tensor] = {}
    for first, *others in groups.values():
        # Copied even where no cast is needed: a model must not depend on a file, nor on how it aligns its tensors.
        tensor = given[first].to(own[first].dtype, copy=True)
        if isinstance(own[first], nn.Parameter):
            # It is one Parameter under all its names that keeps them tied.
            tensor = nn.Parameter(tensor, requires_grad=own[first].requires_grad)
        filled |= dict.fromkeys((first, *others), tensor)
    module.load_state_dict(filled, assign=True)


def _check_fit(module: nn.Module, own: Mapping[str, Tensor], given: Mapping[str, Tensor], source: Path | str) -> None:
    """Raise a UserError unless `given` has the names, shapes and kinds of numbers of `own`."""
    differing = [name for name in own if name in given and _form(given[name]) != _form(own[name])]
    missing = [name for name in own if name not in given]
    unexpected = [brief(name) for name in given if name not in own]
    faults = []
    if differing:
        # Of tied ones, which are one tensor, the first.
        told = {
            id(own[name]): f"{name} is {_form(given[name])} but {_form(own[name])} here" for name in differing[::-1]
        }
        faults.append(some(list(told.values())[::-1]))
    for name in differing:
        stored, here = given[name].shape[:1], own[name].shape[:1]
        sizes = f"vocabulary sizes {_sizes(stored)} and {_sizes(here)}"
        embeds = isinstance(module.get_submodule(name.rpartition(".")[0]), nn.Embedding)
        if embeds and stored != here and sizes not in faults:
            faults.append(sizes)
    if missing:
        faults.append(f"missing {some(missing)}")
    if unexpected:
        faults.append(f"unexpected {some(unexpected)}")
    check(not faults, f"{source}: not those of this model: {'; '.join(faults)}; take the configuration they came with")


def average(states: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Return the mean of each tensor over `states`, formed in float64 and returned in float32 at least.

    Tensors that are not floating are taken from the last state; tensors that are tied in all states stay tied.
    (Vaswani et al., 2017, "Attention Is All You Need", section 6.1, average the last checkpoints of a training.)

    Raises:
        UserError: there are no states, or they differ in names or shapes.
    """
    check(states, "no weights to average; give at least one set")
    states = [dict(state) for state in states]
    last = states[-1]
    for state in states:
        odd = sorted(state.keys() ^ last.keys()) or [name for name in last if state[name].shape != last[name].shape]
        check(not odd, f"weights of different models cannot be averaged: they differ in {some(odd)}; leave some out")
    all_ties = [ties(state) for state in states]
    mean: dict[str, Tensor] = {}
    for name, tensor in last.items():
        first = all_ties[-1].get(name)
        if first is not None and all(tied.get(name) == first for tied in all_ties):
            mean[name] = mean[first]
        elif tensor.is_floating_point():
            total = torch.zeros_like(tensor, dtype=torch.float64)
            for state in states:
                total += state[name]
            mean[name] = (total / len(states)).to(torch.promote_types(tensor.dtype, torch.float32))
        else:
            mean[name] = tensor.clone()
    return mean


def _form(tensor: Tensor) -> str:
    """Return shape and kind of number as a message tells them: `8000 x 512`."""
    return f"{_sizes(tensor.shape)}{'' if tensor.is_floating_point() else ' (integers)'}"


def _sizes(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape)) or "a single number"


# -------------------------------------------------------------------------------------------------- training state


def write_state(directory: Path | str, tensors: Mapping[str, Tensor], record: Mapping[str, Any]) -> None:
    """Write a training state, replacing the one that stands in `directory` as a whole.

    Args:
        directory: where to.
        tensors: of any dtype and shape, stored bit for bit.
        record: what else to remember, which JSON can hold; its floats come back bit for bit too.
    """
    data, tied = serialise(tensors)
    files = {STATE: hashlib.sha256(data).hexdigest()}
    with directory_aside(Path(directory)) as aside:
        (aside / STATE).write_bytes(data)
        (aside / RECORD).write_bytes(seal({"record": record, "tied": tied, "files": files}))


def read_state(directory: Path | str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors of a training state, on the CPU and in memory of their own, and its record.

    Raises:
        UserError: naming the file, if anything is missing, damaged or of a newer major format version.
    """
    directory = current(Path(directory))
    path = directory / RECORD
    sealed = unseal(path)
    record, tied, files = sealed.get("record"), sealed.get("tied"), sealed.get("files")
    if not (isinstance(record, dict) and isinstance(tied, dict) and isinstance(files, dict)):
        raise fault(path, "is no record of a training state")
    mapped = _read_tensors(directory / STATE, files.get(STATE), tied)
    own = {name: tensor.clone() for name, tensor in mapped.items() if name not in tied}
    return {name: own[tied.get(name, name)] for name in mapped}, record
