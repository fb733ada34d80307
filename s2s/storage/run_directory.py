"""A run directory: where one training, and one process at a time, keeps all that it makes.

    RUN/  recipe.toml   what was asked for
          log.jsonl     one JSON object a line: the step, and what was measured at it
          best          a model directory (s2s/storage/model_directory.py)
          last          the training state, from which --resume goes on
          kept          float32 weights, kept to be averaged
          lock          held while a process trains here

It is never deleted and never overwritten: a new run needs a new directory, and an old one goes on with --resume. Where
a start failed before the first state was saved, there is no run yet: the next start may have another recipe.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from s2s.errors import UserError, check, warn
from s2s.files import atomic_file, current_version
from s2s.locking import lock_file

RECIPE = "recipe.toml"
_LOG, _BEST, _STATE, _LOCK = "log.jsonl", "best", "last", "lock"
REHEARSAL = ".rehearsal-"  # begins the name of a folder in it that is of no use afterwards


class RunDirectory:
    """A run directory that this process holds the lock of; a context manager that releases it.

    However the process dies, the lock is released, because it is the kernel's.
    """

    def __init__(self, path: Path, lock: int) -> None:
        """Hold `path` by the descriptor of its locked file: `create` and `resume` do, nobody else."""
        self.path = path
        self._lock = lock

    @classmethod
    def create(cls, path: Path | str, recipe_text: str) -> Self:
        """Start a run in the directory `path`, which is made, or is empty, or in which a start has failed.

        Raises:
            UserError: the directory holds something, or another process is starting a run in it.
        """
        path = Path(path)
        _check_vacant(path)
        path.mkdir(parents=True, exist_ok=True)
        run = cls(path, _locked(path))
        try:
            _check_vacant(path)  # again: another process may have come and gone in between
            with atomic_file(run.recipe) as aside:
                aside.write_text(recipe_text, encoding="utf-8", newline="")
        except BaseException:
            run.close()
            raise
        return run

    @classmethod
    def resume(cls, path: Path | str) -> Self:
        """Go on with the run in the directory `path`.

        Raises:
            UserError: there is no run in it, or its state was removed, or another process holds it.
        """
        path = Path(path)
        check((path / RECIPE).is_file(), f"{path}: nothing to resume (it has no {RECIPE}); start without --resume")
        begun = (path / _LOCK).exists() or _has_state(path)
        check(begun, f"{path}: nothing to resume (its {RECIPE} is of no run); start without --resume in another --run")
        run = cls(path, _locked(path))
        try:
            kept = [name for name in (_BEST, _LOG) if (path / name).exists() and not run.has_state()]
            gone = f"{path}: its training state, {_STATE}, is gone: it cannot go on, and {' and '.join(kept)} would be"
            check(not kept, f"{gone} lost; start another --run")
        except BaseException:
            run.close()
            raise
        return run

    @property
    def recipe(self) -> Path:
        """The recipe that the run was started with."""
        return self.path / RECIPE

    @property
    def log(self) -> Path:
        """The file of what was measured."""
        return self.path / _LOG

    @property
    def best(self) -> Path:
        """The model directory of the best weights so far."""
        return self.path / _BEST

    @property
    def last(self) -> Path:
        """The directory of the training state."""
        return self.path / _STATE

    @property
    def kept(self) -> Path:
        """The directory of the weights that are kept to be averaged; who keeps them makes it."""
        return self.path / "kept"

    def has_state(self) -> bool:
        """Whether there is a state to go on from; a run that was killed before its first one begins anew."""
        return _has_state(self.path)

    def append_log(self, entry: Mapping[str, Any]) -> None:
        """Add a line to the log: an integer `step`, and what was measured after so many updates."""
        with self.log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")

    def cut_log(self, step: int) -> None:
        """Drop what the log says of later than `step`: it becomes the log of a run that was never interrupted.

        A line that is no entry, such as one that a full disk has cut short, goes too.
        """
        lines = self.log.read_bytes().splitlines(keepends=True) if self.log.exists() else []
        valid = [line for line in lines if line.endswith(b"\n") and _step(line) <= step]
        if valid != lines:
            with atomic_file(self.log) as aside:
                aside.write_bytes(b"".join(valid))

    def close(self) -> None:
        """Release the lock."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _check_vacant(path: Path) -> None:
    """Raise a UserError unless `path` is missing or empty, but for what a start that failed or was killed can leave."""
    check(path.is_dir() or not path.exists(), f"{path}: is a file; name another --run")
    check(not _has_state(path), f"{path}: already holds a run; go on with --resume, or name another --run")
    names = sorted(child.name for child in path.iterdir()) if path.exists() else []
    started = {RECIPE, _LOCK} if _LOCK in names else {_LOCK}  # a recipe without a lock is not of a start
    aside = (".aside-", f".{_STATE}.new", REHEARSAL)
    others = [name for name in names if name not in started and not name.startswith(aside)]
    check(not others, f"{path}: is not empty and holds no run (but {', '.join(others[:3])}); name another --run")


def _has_state(path: Path) -> bool:
    return current_version(path / _STATE).exists()


def _step(line: bytes) -> float:
    """Return the step of an entry of the log, infinite if the line is no entry."""
    try:
        return float(json.loads(line)["step"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return float("inf")


def _locked(path: Path) -> int:
    """Return the descriptor of the lock file, locked until it is closed, with the number of this process in it."""
    descriptor = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        lock_file(descriptor)
    except (BlockingIOError, PermissionError) as error:
        holder = os.read(descriptor, 32).decode(errors="replace").strip() or "of unknown number"
        os.close(descriptor)
        advice = "wait until it ends, stop it, or name another --run"
        raise UserError(f"{path}: is in use by process {holder}; {advice}") from error
    except OSError as error:
        warn(f"{path}: cannot be locked ({error.strerror}); start no second training in it")
    os.truncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor
