"""Batches across requests: one thread a model takes what is waiting, and computes all of it at once.

There is no delay to collect a batch. While one batch is computed the next one gathers by itself, so batches are small
when the server is idle, which answers soonest, and large when it is busy, which answers most.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from math import ceil
from typing import Generic, TypeVar

from serving.errors import BusyError

Item = TypeVar("Item")
Result = TypeVar("Result")

_RATE_WEIGHT = 0.2  # of the last batch in the running mean of items a second


class Job(Generic[Item, Result]):
    """The items of one request, which may be computed in several batches."""

    def __init__(self, items: Sequence[Item], loop: asyncio.AbstractEventLoop) -> None:
        self.items, self.taken = items, 0
        self.results: dict[int, Result] = {}
        self.future: asyncio.Future[list[Result]] = loop.create_future()
        self._loop = loop

    def answer(self, position: int, result: Result) -> None:
        """Store the result of an item; the last one completes the job."""
        self.results[position] = result
        if len(self.results) == len(self.items):
            self._tell(lambda: self.future.set_result([self.results[place] for place in range(len(self.items))]))

    def fail(self, error: Exception) -> None:
        """Complete the job with an error."""
        self._tell(lambda: self.future.set_exception(error))

    def _tell(self, complete: Callable[[], None]) -> None:
        """Call `complete` in the event loop, unless the request has been given up."""
        self._loop.call_soon_threadsafe(lambda: None if self.future.done() else complete())


class Batcher(Generic[Item, Result]):
    """Computes the items of all requests in batches, in a thread of its own.

    Requests take turns: while several wait, each gives an equal share of a batch, so that a long one does not hold up
    the others.

    Args:
        compute: returns one result an item, in order. It is called in one thread only. If it raises an exception, the
            items of each request are computed again by themselves, so that only the request at fault fails.
        name: of the thread
        most: items in a batch
        cost: of an item, for `most_cost`
        most_cost: sum over a batch; one item may cost more
        limit: items that may wait
        observe: called with the size of each batch and the seconds that it took
    """

    def __init__(
        self,
        compute: Callable[[list[Item]], Sequence[Result]],
        *,
        name: str,
        most: int,
        cost: Callable[[Item], float] = lambda _: 1.0,
        most_cost: float = float("inf"),
        limit: int,
        observe: Callable[[int, float], None] = lambda _items, _seconds: None,
    ) -> None:
        self.name, self.limit = name, limit
        self._compute, self._most, self._cost, self._most_cost = compute, most, cost, most_cost
        self._observe = observe
        self._jobs: deque[Job[Item, Result]] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._rate = 0.0  # items a second
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many items wait."""
        with self._changed:
            return sum(len(job.items) - job.taken for job in self._jobs if not job.future.done())

    async def run(self, items: Sequence[Item]) -> list[Result]:
        """Return the result of each item. If the caller is cancelled, items that still wait are dropped.

        Raises:
            BusyError: too many items wait already.
        """
        if not items:
            return []
        waiting = self.waiting
        if waiting + len(items) > self.limit:
            raise BusyError(ceil(waiting / self._rate) if self._rate else 1)
        job: Job[Item, Result] = Job(items, asyncio.get_running_loop())
        with self._changed:
            self._jobs.append(job)
            self._changed.notify()
        return await job.future

    def close(self) -> None:
        """Compute what is waiting, then end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while batch := self._next_batch():
            started = time.monotonic()
            self._answer(batch)
            seconds = time.monotonic() - started
            rate = len(batch) / max(seconds, 1e-6)
            self._rate = self._rate + _RATE_WEIGHT * (rate - self._rate) if self._rate else rate
            self._observe(len(batch), seconds)

    def _next_batch(self) -> list[tuple[Job[Item, Result], int]]:
        """Wait for items and return a batch of them; an empty batch means that all is done."""
        with self._changed:
            while True:
                batch = self._take()
                if batch or self._closed:
                    return batch
                self._changed.wait()

    def _take(self) -> list[tuple[Job[Item, Result], int]]:
        """Take a batch: in turn an equal share of each job, until the batch is full."""
        batch: list[tuple[Job[Item, Result], int]] = []
        cost = 0.0
        while self._jobs and len(batch) < self._most:
            share = max(1, (self._most - len(batch)) // len(self._jobs))
            job = self._jobs.popleft()
            if job.future.done():  # given up
                continue
            for position in range(job.taken, min(job.taken + share, len(job.items))):
                cost += self._cost(job.items[position])
                if batch and cost > self._most_cost:
                    self._jobs.appendleft(job)
                    return batch
                batch.append((job, position))
                job.taken += 1
            if job.taken < len(job.items):
                self._jobs.append(job)
        return batch

    def _answer(self, batch: Sequence[tuple[Job[Item, Result], int]]) -> None:
        try:
            results = self._compute([job.items[position] for job, position in batch])
            if len(results) != len(batch):
                raise RuntimeError(f"{len(batch)} items gave {len(results)} results")
        except Exception as error:
            self._recover(batch, error)
            return
        for (job, position), result in zip(batch, results):
            job.answer(position, result)

    def _recover(self, batch: Sequence[tuple[Job[Item, Result], int]], error: Exception) -> None:
        """Compute the items of each request by themselves after a batch has failed."""
        jobs = {id(job): job for job, _ in batch}
        if len(jobs) == 1:
            batch[0][0].fail(error)
            return
        for job in jobs.values():
            self._answer([(each, position) for each, position in batch if each is job])
