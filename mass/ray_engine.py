"""The engine of Ray Data: shards are rows of a dataset, which actors with a model each turn into outcomes.

Ray starts an actor again that has died, and gives it the shard once more: see `mass.outcomes` for how often. Only this
module knows of Ray.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from itertools import islice
from typing import Any

from mass.outcomes import Outcome, attempt_shard, from_json, to_json
from mass.shards import Shard
from mass.tasks import ShardWorker, Task
from s2s.errors import UserError, check

_WAVE = 10_000  # shards in one dataset, which lies in the memory of the driver

_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is sent to Ray's makers
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",  # the folder is not sent to the workers, where `uv run` starts the command
    "RAY_DATA_LOG_LEVEL": "ERROR",
    "RAY_BACKEND_LOG_LEVEL": "fatal",  # a worker that dies is told of by its outcome
}


@dataclass(frozen=True)
class RayEngine:
    """Does shards on a cluster of Ray, or on this machine by a Ray of its own.

    Attributes:
        address: of a cluster that runs, such as "auto"; None to start Ray here
        workers: how many actors; None for as many as the cluster has room for
        cpus: processor cores that each is given
        gpus: GPUs that each is given; it may be a part of one
    """

    address: str | None = None
    workers: int | None = None
    cpus: int = 1
    gpus: float = 0

    def __post_init__(self) -> None:
        """Find out whether Ray is installed: if not, this raises a ModuleNotFoundError before anything is done."""
        os.environ.update(_ENVIRONMENT)
        import ray  # noqa: F401  # pyright: ignore[reportMissingImports]

    def run(self, task: Task, shards: Iterator[Shard]) -> Iterator[Outcome]:
        """Yield the outcome of each shard, in no order."""
        first = next(shards, None)
        if first is None:
            return
        with redirect_stdout(sys.stderr):  # Ray prints there that a worker has died
            ray = self._start()
            try:
                wave = [first, *islice(shards, _WAVE - 1)]
                while wave:
                    yield from self._outcomes(task, wave)
                    wave = list(islice(shards, _WAVE))
            finally:
                ray.shutdown()

    def _start(self) -> Any:
        import ray  # pyright: ignore[reportMissingImports]

        terminate = signal.getsignal(signal.SIGTERM)
        own = {} if self.address else {"num_cpus": (self.workers or 0) * self.cpus or None, "include_dashboard": False}
        try:
            ray.init(self.address, logging_level=logging.ERROR, log_to_driver=False, **own)
        except ConnectionError as error:
            raise UserError(
                f"--address {self.address}: no Ray cluster is there; start one with `ray start --head`"
            ) from error
        signal.signal(signal.SIGTERM, terminate)  # Ray has its own, which ends with another exit code
        return ray

    def _outcomes(self, task: Task, wave: list[Shard]) -> Iterator[Outcome]:
        import ray.data  # pyright: ignore[reportMissingImports]

        ray.data.DataContext.get_current().enable_progress_bars = False
        rows = [{"shard": shard.to_json()} for shard in wave]
        outcomes = ray.data.from_items(rows, override_num_blocks=len(rows)).map_batches(
            _Actor,
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(size=min(self._room(ray), len(wave))),
            fn_constructor_args=(task,),
            **self.resources(),
        )
        for row in outcomes.iter_rows():
            yield from_json(row["outcome"])

    def _room(self, ray: Any) -> int:
        """How many actors are to be started."""
        if self.workers:
            return self.workers
        found = ray.cluster_resources()
        if self.gpus:
            check(found.get("GPU"), "--device cuda: the Ray cluster has no GPU")
            return max(1, int(found["GPU"] / self.gpus))
        return max(1, int(found.get("CPU", 1) / self.cpus))

    def resources(self) -> dict[str, Any]:
        """What each actor is given."""
        return {"num_cpus": self.cpus, **({"num_gpus": self.gpus} if self.gpus else {})}


class _Actor:
    """Does shards in a process of Ray."""

    def __init__(self, task: Task) -> None:
        self._worker = ShardWorker(task)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        outcomes = [attempt_shard(self._worker, Shard.from_json(str(line))) for line in batch["shard"]]
        return {"outcome": list(map(to_json, outcomes))}
