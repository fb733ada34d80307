"""Workers: the results in order, one core for each worker, and PyTorch's threads as they were afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from s2s.decoding.workers import MAX_WORKERS, parallel_map, worker_count

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def threads_of_a_new_thread() -> int:
    """How many threads PyTorch uses in a thread that starts now: the number that was set last, in any thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(torch.get_num_threads).result()


def test_results_come_in_order_and_each_item_has_one_core() -> None:
    meeting = threading.Barrier(3, timeout=20)

    def work(item: int) -> tuple[int, int, str]:
        if item < 3:
            meeting.wait()  # passes when three items are in work at the same time, and raises otherwise
        return item * item, torch.get_num_threads(), threading.current_thread().name

    found = list(parallel_map(work, range(7), CPU))
    assert [result for result, *_ in found] == [item * item for item in range(7)]
    assert {threads for _, threads, _ in found} == {1}
    assert all(name.startswith("batches") for *_, name in found)


def test_a_single_item_has_all_cores_and_no_thread_of_its_own() -> None:
    found = parallel_map(lambda _: (torch.get_num_threads(), threading.current_thread()), ["only"], CPU)
    assert list(found) == [(3, threading.main_thread())]
    assert list(parallel_map(str, [], CPU)) == []


def test_there_is_one_worker_for_each_core_and_one_for_a_gpu() -> None:
    assert worker_count(CPU) == 3
    assert worker_count(torch.device("cuda")) == 1
    torch.set_num_threads(MAX_WORKERS + 1)
    assert worker_count(CPU) == MAX_WORKERS


def all_of_them() -> None:
    assert list(parallel_map(abs, range(4), CPU)) == [0, 1, 2, 3]


def the_first_only() -> None:
    results = parallel_map(abs, range(4), CPU)
    assert next(results) == 0
    del results


def one_that_fails() -> None:
    def fail(item: int) -> int:
        if item == 1:
            raise KeyError(item)
        return item

    with pytest.raises(KeyError, match="1"):
        list(parallel_map(fail, range(4), CPU))


@pytest.mark.parametrize("use", [all_of_them, the_first_only, one_that_fails])
def test_threads_are_afterwards_as_they_were(use: Callable[[], None]) -> None:
    """In this thread and in those that start later, which take over the number that was set last."""
    use()
    assert torch.get_num_threads() == 3
    assert threads_of_a_new_thread() == 3
