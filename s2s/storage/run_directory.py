"""A run directory: the files of one training run, locked by the process that trains.

    RUN/  recipe.toml   the recipe that the run was started with
          log.jsonl     one JSON object per line: the step, and the figures measured at it
          best          a model directory (s2s/storage/model_directory.py)
          last          the training state from which --resume continues
          kept          float32 weights for averaging
          tensorboard   events with the same figures, where `s2s train --tensorboard` was asked for
          lock          locked while a process trains in this directory

A run directory is never deleted or overwritten: a new run needs a new directory, and --resume continues an old one. If
a start failed before the first state was saved, the directory holds no run yet: the next start may use another recipe.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from s2s.errors import UserError, check, counted, warn
from s2s.files import atomic_file, current_version
from s2s.locking import lock_file

RECIPE = "recipe.toml"
_LOG, _BEST, _STATE, _LOCK = "log.jsonl", "best", "last", "lock"
REHEARSAL = ".rehearsal-"  # prefix of temporary folders in the run directory


class RunDirectory:
    """A run directory that this process has locked; a context manager that releases the lock.

    The kernel releases the lock when the process ends in any way.
    """

    def __init__(self, path: Path, lock: int) -> None:
        """Use `create` or `resume` instead; `lock` is the descriptor of the locked file."""
        self.path = path
        self._lock = lock

    @classmethod
    def create(cls, path: Path | str, recipe_text: str) -> Self:
        """Start a run in the directory `path`: a new or empty one, or one in which an earlier start failed.

        Raises:
            UserError: the directory is not empty, or another process is starting a run in it.
        """
        path = Path(path)
        _check_vacant(path)
        path.mkdir(parents=True, exist_ok=True)
        run = cls(path, _open_locked(path))
        try:
            _check_vacant(path)  # again: another process may have started and ended in between
            with atomic_file(run.recipe) as aside:
                aside.write_text(recipe_text, encoding="utf-8", newline="")
        except BaseException:
            run.close()
            raise
        return run

    @classmethod
    def resume(cls, path: Path | str) -> Self:
        """Continue the run in the directory `path`.

        Raises:
            UserError: the directory holds no run, the training state was removed, or another process has the lock.
        """
        path = Path(path)
        check((path / RECIPE).is_file(), f"{path}: nothing to resume (it has no {RECIPE}); start without --resume")
        begun = (path / _LOCK).exists() or _has_state(path)
        check(
            begun,
            f"{path}: nothing to resume (its {RECIPE} is not that of a run); start without --resume in another --run",
        )
        run = cls(path, _open_locked(path))
        try:
            kept = [name for name in (_BEST, _LOG) if (path / name).exists() and not run.has_state()]
            problem = f"its training state, {_STATE}, is missing, and a new start would overwrite {' and '.join(kept)}"
            check(not kept, f"{path}: cannot be resumed: {problem}; start another --run")
        except BaseException:
            run.close()
            raise
        return run

    @classmethod
    def watch(cls, path: Path | str) -> WatchedRun:
        """The run in the directory `path`, which another process has locked and writes; it is only read."""
        return WatchedRun(Path(path), -1)

    @property
    def recipe(self) -> Path:
        """The file of the recipe that the run was started with."""
        return self.path / RECIPE

    @property
    def log(self) -> Path:
        """The log file."""
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
        """The directory of the weights for averaging; `s2s.training.averaging` creates it."""
        return self.path / "kept"

    def has_state(self) -> bool:
        """Whether a training state was saved; a run that was killed before that starts from the beginning."""
        return _has_state(self.path)

    def append_log(self, entry: Mapping[str, Any]) -> None:
        """Add a line to the log: an integer `step` (the number of updates), and the figures measured at it."""
        with self.log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")

    def cut_log(self, step: int) -> None:
        """Remove the log entries after `step`, so that the log becomes that of a run without interruption.

        Lines that are not entries are removed too, such as one that was truncated when the disk was full.
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


class WatchedRun(RunDirectory):
    """A run directory that another process writes, which trains together with this one."""

    def append_log(self, entry: Mapping[str, Any]) -> None:
        """See `RunDirectory`; the other process does it."""

    def cut_log(self, step: int) -> None:
        """See `RunDirectory`; the other process does it."""


def read_log(run: Path) -> list[dict[str, Any]]:
    """The entries of the log of a run; lines that are none, such as one that was cut short, are left out.

    Raises:
        UserError: the directory is not that of a run, or its log has no entry yet.
    """
    check(run.is_dir(), f"{run}: no such directory; name the folder of a run")
    inside = f"; did you mean {run.parent}?" if (run.parent / _LOG).is_file() and run.name in (_BEST, _STATE) else ""
    check((run / RECIPE).is_file(), f"{run}: is not a run directory (it has no {RECIPE}){inside}")
    path = run / _LOG
    lines = path.read_bytes().splitlines() if path.exists() else []
    entries = [json.loads(line) for line in lines if _step(line) < float("inf")]
    check(
        entries or not lines,
        f"{path}: {counted(len(lines), 'line')}, and none is an entry of a log (JSON with a step); restore the file "
        "from a copy, or name another run",
    )
    check(entries, f"{run}: its log is still empty: the first entry is written after the first validation")
    return entries


def _check_vacant(path: Path) -> None:
    """Raise a UserError unless `path` is missing, empty, or holds only what a failed or killed start can leave."""
    check(path.is_dir() or not path.exists(), f"{path}: is a file; name another --run")
    check(not _has_state(path), f"{path}: already holds a run; continue it with --resume, or name another --run")
    names = sorted(child.name for child in path.iterdir()) if path.exists() else []
    started = {RECIPE, _LOCK} if _LOCK in names else {_LOCK}  # no start leaves a recipe without a lock
    aside = (".aside-", f".{_STATE}.new", REHEARSAL)
    others = [name for name in names if name not in started and not name.startswith(aside)]
    check(not others, f"{path}: is not empty (it holds {', '.join(others[:3])}), but is not a run; name another --run")


def _has_state(path: Path) -> bool:
    return current_version(path / _STATE).exists()


def _step(line: bytes) -> float:
    """Return the step of a log entry; infinity if the line is not an entry."""
    try:
        return float(json.loads(line)["step"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return float("inf")


def _open_locked(path: Path) -> int:
    """Lock the lock file, write the id of this process into it, and return its descriptor."""
    descriptor = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        lock_file(descriptor)
    except (BlockingIOError, PermissionError) as error:
        holder = os.read(descriptor, 32).decode(errors="replace").strip() or "(unknown id)"
        os.close(descriptor)
        advice = "wait until it ends, stop it, or name another --run"
        raise UserError(f"{path}: is in use by process {holder}; {advice}") from error
    except OSError as error:
        warn(f"{path}: cannot be locked ({error.strerror}); do not start a second training in it")
    os.truncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor
