"""Batches side by side, a core each: the small products of a recurrent decoder gain little from several threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

MOST = 8  # workers: each holds a batch in memory, and all of them share one Python interpreter

Item = TypeVar("Item")
Result = TypeVar("Result")


def workers(device: torch.device) -> int:
    """How many batches are worked on at once: as many as PyTorch may use cores, up to `MOST`; one on a GPU."""
    return min(torch.get_num_threads(), MOST) if device.type == "cpu" else 1


def side_by_side(work: Callable[[Item], Result], items: Sequence[Item], device: torch.device) -> Iterator[Result]:
    """What `work` makes of each item, in order; several at once where there are several items and cores."""
    count = min(workers(device), len(items))
    if count < 2:
        yield from map(work, items)
        return
    threads = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(count, "batches", initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield from pool.map(work, items)
    finally:
        torch.set_num_threads(threads)
