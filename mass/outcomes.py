"""Outcomes of shards, which workers send back: finished, stopped by an error, or lost with the worker."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from mass.shards import Shard
from mass.tasks import Finished, ShardWorker, Task

TRIES = 3  # of a shard whose worker dies


@dataclass(frozen=True)
class Stopped:
    """An error that the next shard would meet too, such as a full disk; the run ends with it."""

    number: int
    error: Exception


@dataclass(frozen=True)
class Lost:
    """A shard that is not done, because its workers died each time that it was tried."""

    number: int
    reason: str


Outcome: TypeAlias = Finished | Stopped | Lost


class Engine(Protocol):
    """What does shards, somewhere."""

    def run(self, task: Task, shards: Iterator[Shard]) -> Iterator[Outcome]:
        """Yield the outcome of each shard, in any order. Closing the iterator ends all workers."""
        ...


def attempt_shard(worker: ShardWorker, shard: Shard) -> Outcome:
    """Do a shard in a worker process; no exception leaves this function, and the outcome can be pickled.

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
        return worker(shard)
    except Exception as error:
        return Stopped(shard.number, _portable(error))
    finally:
        mark.unlink(missing_ok=True)


def _portable(error: Exception) -> Exception:
    """The error, or another one in its words if it cannot be sent to another process."""
    try:
        return pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
