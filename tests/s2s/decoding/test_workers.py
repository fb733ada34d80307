"""Batches side by side: the same results in the same order, each on one core, and threads as they were afterwards."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import torch

from s2s.decoding.workers import side_by_side, workers

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def test_results_come_in_order_and_each_item_has_one_core() -> None:
    meeting = threading.Barrier(3, timeout=20)

    def work(item: int) -> tuple[int, int, str]:
        if item < 3:
            meeting.wait()  # three are at work at once, or this breaks
        return item * item, torch.get_num_threads(), threading.current_thread().name

    found = list(side_by_side(work, range(7), CPU))
    assert [result for result, *_ in found] == [item * item for item in range(7)]
    assert {threads for _, threads, _ in found} == {1}
    assert all(name.startswith("batches") for *_, name in found)
    assert torch.get_num_threads() == 3


def test_a_single_item_has_all_cores_and_no_thread_of_its_own() -> None:
    found = side_by_side(lambda _: (torch.get_num_threads(), threading.current_thread()), ["only"], CPU)
    assert list(found) == [(3, threading.main_thread())]
    assert list(side_by_side(str, [], CPU)) == []


def test_a_gpu_works_on_one_batch_at_a_time() -> None:
    assert workers(CPU) == 3
    assert workers(torch.device("cuda")) == 1


def test_a_failure_is_the_callers_and_leaves_threads_as_they_were() -> None:
    def fail(item: int) -> int:
        if item == 1:
            raise KeyError(item)
        return item

    with pytest.raises(KeyError):
        list(side_by_side(fail, range(4), CPU))
    assert torch.get_num_threads() == 3
