"""Outcomes of shards, which workers send back: finished, stopped by an error, or lost with the worker."""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from mass.shards import Shard
from mass.tasks import Finished, ShardWorker, Task
from s2s.errors import UserError

TRIES = 3  # of a shard whose worker dies


@dataclass(frozen=True)
class Stopped:
    """An error that the next shard would meet too, such as a full disk; the run ends with it.

    Attributes:
        number: of the shard
        kind: the name of the exception; "" for one that is a bug
        message: what it says
        code: the number of an error of the system
        name: the file, or the module that is missing
    """

    number: int
    kind: str
    message: str
    code: int | None = None
    name: str | None = None

    @classmethod
    def by(cls, number: int, error: Exception) -> Stopped:
        """What an error has to say to another process."""
        match error:
            case UserError():
                return cls(number, "UserError", str(error))
            case ModuleNotFoundError():
                return cls(number, "ModuleNotFoundError", str(error), name=error.name)
            case OSError(errno=int()):
                filename = None if error.filename is None else str(error.filename)
                return cls(number, "OSError", error.strerror or "", error.errno, filename)
        place = traceback.extract_tb(error.__traceback__)[-1]
        return cls(number, "", f"{type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})")

    @property
    def error(self) -> Exception:
        """The error, as it was in the worker."""
        match self.kind:
            case "UserError":
                return UserError(self.message)
            case "ModuleNotFoundError":
                return ModuleNotFoundError(self.message, name=self.name)
            case "OSError":
                return OSError(self.code, self.message, self.name)
        return RuntimeError(self.message)


@dataclass(frozen=True)
class Lost:
    """A shard that is not done, because its workers died each time that it was tried."""

    number: int
    reason: str


Outcome: TypeAlias = Finished | Stopped | Lost
_KINDS = {kind.__name__: kind for kind in (Finished, Stopped, Lost)}


def to_json(outcome: Outcome) -> str:
    """An outcome as one line."""
    return json.dumps([type(outcome).__name__, asdict(outcome)])


def from_json(line: str) -> Outcome:
    """The outcome of a line of `to_json`."""
    kind, values = json.loads(line)
    return _KINDS[kind](**values)


class Engine(Protocol):
    """What does shards, somewhere."""

    def run(self, task: Task, shards: Iterator[Shard]) -> Iterator[Outcome]:
        """Yield the outcome of each shard, in any order. Closing the iterator ends all workers."""
        ...


def attempt_shard(worker: ShardWorker, shard: Shard) -> Outcome:
    """Do a shard in a worker process; no exception leaves this function.

    A file in the folder of shards in work counts each try, and is gone when the try ends in any way but the death of
    the process, whose id it holds. A shard that has cost too many processes is not tried again.
    """
    name = f"{shard.stem}.try"
    tries = sum(1 for _ in worker.unfinished.glob(f"{name}-*"))
    if tries == TRIES:
        return Lost(shard.number, f"{shard.where}: its worker process died {TRIES} times, perhaps for want of memory")
    mark = worker.unfinished / f"{name}-{tries}"
    try:
        mark.write_text(str(os.getpid()))
        outcome = worker(shard)
    except Exception as error:
        outcome = Stopped.by(shard.number, error)
    mark.unlink(missing_ok=True)
    return outcome
