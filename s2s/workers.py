"""Batches side by side, a core each: the small products of a recurrent decoder gain little from several threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


def workers(device: torch.device) -> int:
    """How many batches can be worked on at once: as many as PyTorch may use cores; one on a GPU."""
    return torch.get_num_threads() if device.type == "cpu" else 1


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
