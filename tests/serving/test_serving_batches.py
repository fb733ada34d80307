from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from serving.batching import Batcher
from serving.errors import BusyError


class Held:
    """A computation that waits for `go`, and remembers its batches."""

    def __init__(self) -> None:
        self.go, self.begun = threading.Event(), threading.Event()
        self.batches: list[list[str]] = []

    def __call__(self, items: list[str]) -> list[str]:
        self.batches.append(items)
        self.begun.set()
        assert self.go.wait(30)
        return [item.upper() for item in items]


@contextmanager
def batcher(compute: Callable[[list[str]], list[str]], **options: object) -> Iterator[Batcher[str, str]]:
    found = Batcher(compute, **{"name": "test", "most": 4, "limit": 100, **options})  # type: ignore[arg-type]
    try:
        yield found
    finally:
        found.close()


async def behind(held: Held, queue: Batcher[str, str], *requests: list[str]) -> list[list[str]]:
    """Send a request that holds up the thread, then the others, and return the answers to those."""
    first = asyncio.create_task(queue.run(["first"]))
    assert await asyncio.to_thread(held.begun.wait, 30)
    others = [asyncio.create_task(queue.run(request)) for request in requests]
    await asyncio.sleep(0)
    held.go.set()
    assert await first == ["FIRST"]
    return await asyncio.gather(*others)


def test_what_waits_is_one_batch_and_everyone_gets_their_own_results() -> None:
    held = Held()
    with batcher(held) as queue:
        assert asyncio.run(behind(held, queue, ["a", "b"], ["c"], [])) == [["A", "B"], ["C"], []]
    assert held.batches == [["first"], ["a", "b", "c"]]


def test_requests_take_turns() -> None:
    held = Held()
    long = [f"long {n}" for n in range(6)]
    with batcher(held) as queue:
        answers = asyncio.run(behind(held, queue, long, ["short"]))
    assert answers == [[item.upper() for item in long], ["SHORT"]]
    assert held.batches[1:] == [["long 0", "long 1", "short", "long 2"], ["long 3", "long 4", "long 5"]]


def test_a_batch_costs_no_more_than_is_allowed_but_one_item_may() -> None:
    held = Held()
    with batcher(held, cost=len, most_cost=4) as queue:
        asyncio.run(behind(held, queue, ["aa", "bb", "c", "dddddd", "e"]))
    assert held.batches[1:] == [["aa", "bb"], ["c"], ["dddddd"], ["e"]]


def test_too_many_that_wait_are_refused() -> None:
    held = Held()

    async def overflow(queue: Batcher[str, str]) -> list[list[str]]:
        first = asyncio.create_task(queue.run(["first"]))
        assert await asyncio.to_thread(held.begun.wait, 30)
        second = asyncio.create_task(queue.run(["a", "b"]))
        await asyncio.sleep(0)
        assert queue.waiting == 2
        with pytest.raises(BusyError) as refused:
            await queue.run(["c", "d"])
        assert refused.value.status == 429
        assert refused.value.retry_after
        held.go.set()
        return list(await asyncio.gather(first, second))

    with batcher(held, limit=3) as queue:
        assert asyncio.run(overflow(queue)) == [["FIRST"], ["A", "B"]]


def test_a_request_that_is_given_up_is_not_computed() -> None:
    held = Held()

    async def give_up(queue: Batcher[str, str]) -> None:
        first = asyncio.create_task(queue.run(["first"]))
        assert await asyncio.to_thread(held.begun.wait, 30)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(queue.run(["a"]), 0.01)
        assert queue.waiting == 0
        first.cancel()
        held.go.set()
        assert await queue.run(["b"]) == ["B"]

    with batcher(held) as queue:
        asyncio.run(give_up(queue))
    assert held.batches == [["first"], ["b"]]


def test_only_the_request_at_fault_fails() -> None:
    held = Held()

    def compute(items: list[str]) -> list[str]:
        if "bad" in items:
            raise ValueError("bad")
        return held(items)

    async def send(queue: Batcher[str, str]) -> list[object]:
        first = asyncio.create_task(queue.run(["first"]))
        assert await asyncio.to_thread(held.begun.wait, 30)
        others = [asyncio.create_task(queue.run(items)) for items in (["a"], ["b", "bad"], ["c"])]
        await asyncio.sleep(0)
        held.go.set()
        assert await first == ["FIRST"]
        return list(await asyncio.gather(*others, return_exceptions=True))

    with batcher(compute) as queue:
        first, second, third = asyncio.run(send(queue))
    assert (first, third) == (["A"], ["C"])
    assert isinstance(second, ValueError)


def test_a_wrong_number_of_results_is_an_error() -> None:
    with batcher(lambda items: items[1:]) as queue, pytest.raises(RuntimeError, match="2 items gave 1 results"):
        asyncio.run(queue.run(["a", "b"]))


def test_closing_answers_what_waits() -> None:
    held = Held()

    async def close(queue: Batcher[str, str]) -> list[list[str]]:
        tasks = [asyncio.create_task(queue.run([name])) for name in ("a", "b")]
        assert await asyncio.to_thread(held.begun.wait, 30)
        closing = asyncio.create_task(asyncio.to_thread(queue.close))
        await asyncio.sleep(0.01)
        held.go.set()
        await closing
        return await asyncio.gather(*tasks)

    queue = Batcher(held, name="test", most=1, limit=9)
    assert asyncio.run(close(queue)) == [["A"], ["B"]]


def test_batches_are_observed() -> None:
    seen: list[int] = []
    with batcher(lambda items: items, observe=lambda size, _seconds: seen.append(size)) as queue:
        asyncio.run(queue.run(["a", "b", "c", "d", "e"]))
    assert seen == [4, 1]
