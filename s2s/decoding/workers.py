"""Workers: decode several batches at the same time, one processor core for each.

The matrix products of a recurrent decoder's step are so small that a second core speeds up one batch only a little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

MAX_WORKERS = 8  # each holds a batch in memory, and all of them share one Python interpreter

Item = TypeVar("Item")
Result = TypeVar("Result")


def worker_count(device: torch.device) -> int:
    """How many batches to decode at the same time: one for each core that PyTorch may use, or one on a GPU."""
    return min(torch.get_num_threads(), MAX_WORKERS) if device.type == "cpu" else 1


def parallel_map(function: Callable[[Item], Result], items: Sequence[Item], device: torch.device) -> Iterator[Result]:
    """Apply `function` to each item and yield the results in order, with several items in work at the same time.

    If there is one item or one worker, `function` runs in the calling thread and may use all cores. An exception of
    `function` is raised when its result is due.
    """
    count = min(worker_count(device), len(items))
    if count < 2:
        yield from map(function, items)
        return
    threads = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(count, "batches", initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield from pool.map(function, items)
    finally:
        # The number that a worker sets also holds for threads that start later, and for MKL in all threads.
        torch.set_num_threads(threads)
