"""The engine of one machine: processes, each with a model of its own."""

from __future__ import annotations

import os
import signal
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from mass.outcomes import TRIES, Outcome, attempt_shard, from_json, to_json
from mass.shards import Shard
from mass.tasks import ShardWorker, Task
from s2s.errors import warn

_SPAWN = get_context("spawn")  # a fork would copy threads' locks


class LocalEngine:
    """Does shards in processes of this machine. A process that dies is replaced, and its shard is done again.

    Args:
        workers: how many processes
        gpus: the names of the GPUs, of which each process sees one in turn; none for processors alone
    """

    def __init__(self, workers: int, gpus: Sequence[str] = ()) -> None:
        self._workers, self._gpus = workers, gpus

    def run(self, task: Task, shards: Iterator[Shard]) -> Iterator[Outcome]:
        """Yield the outcome of each shard, in no order; no more shards are taken than there are workers."""
        again, deaths = deque[Shard](), Counter[int]()
        idle, busy = [_Worker(task, self._gpu(number)) for number in range(self._workers)], dict[Connection, _Worker]()
        try:
            while True:
                while idle and (shard := again.popleft() if again else next(shards, None)):
                    worker = idle.pop()
                    worker.take(shard)
                    busy[worker.connection] = worker
                if not busy:
                    return
                for connection in wait(list(busy)):
                    worker = busy.pop(connection)  # type: ignore[arg-type]  # these are the connections
                    idle.append(worker)
                    try:
                        yield worker.outcome()
                    except ChildProcessError as death:
                        deaths[worker.shard.number] += 1
                        if deaths[worker.shard.number] > TRIES:  # a worker that had begun it would have given it up
                            raise RuntimeError(f"worker processes cannot be started: {death}") from death
                        warn(f"{worker.shard.where}: {death}; they are done again")
                        again.append(worker.shard)
        finally:
            for worker in (*idle, *busy.values()):
                worker.stop()

    def _gpu(self, number: int) -> str | None:
        return self._gpus[number % len(self._gpus)] if self._gpus else None


class _Worker:
    """A process that does shards; it is started when it is first needed, and again when it has died."""

    shard: Shard
    connection: Connection

    def __init__(self, task: Task, gpu: str | None) -> None:
        self._task, self._gpu = task, gpu
        self._process: SpawnProcess | None = None

    def take(self, shard: Shard) -> None:
        """Begin a shard."""
        self.shard = shard
        if self._process is None:
            self.connection, other = _SPAWN.Pipe()
            self._process = _SPAWN.Process(target=_serve, args=(self._task, other, self._gpu), daemon=True)
            with _without_interrupts():
                self._process.start()
            other.close()  # so that the death of the process ends the connection
        with suppress(BrokenPipeError):  # `outcome` will find that it has died
            self.connection.send(shard.to_json())

    def outcome(self) -> Outcome:
        """The outcome of the shard. Raises ChildProcessError if the process has died."""
        try:
            return from_json(self.connection.recv())
        except (EOFError, ConnectionError) as error:
            assert self._process is not None
            self._process.join()
            code, self._process = self._process.exitcode or 0, None
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            hint = ", perhaps for want of memory" if code == -signal.SIGKILL else ""
            raise ChildProcessError(f"the worker process died ({how}{hint})") from error

    def stop(self) -> None:
        """End the process, whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.join()


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """What starts in this block never gets Ctrl-C of the terminal: the main process ends it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(task: Task, connection: Connection, gpu: str | None) -> None:
    """Do the shards that come by a connection, until the other end is closed."""
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    worker = ShardWorker(task)
    with suppress(EOFError, ConnectionError):
        while True:
            shard = Shard.from_json(connection.recv())
            connection.send(to_json(attempt_shard(worker, shard)))
