"""Work for several processes: calls of one function, as many at a time as there are processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from typing import Any, TypeVar

from s2s.errors import UserError

Result = TypeVar("Result")


def usable_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def call_all(function: Callable[..., Result], calls: Sequence[Sequence[Any]], processes: int) -> Iterator[Result]:
    """Call `function` with each sequence of arguments; yield the results as they are made.

    With one process, or one call, it is called in this one. All processes end with this one, whatever ends it; Ctrl-C
    and SIGTERM are for this process to handle.

    Raises:
        UserError: a process was killed. What `function` raises is raised here, and ends all.
    """
    if min(processes, len(calls)) < 2:
        yield from (function(*arguments) for arguments in calls)
        return
    before = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(processes, len(calls)), context, initializer=_begin)
    try:
        for done in as_completed([pool.submit(function, *arguments) for arguments in calls]):
            yield done.result()
    except BrokenProcessPool as error:
        raise UserError(
            "a process was killed, perhaps because memory is short: run the same command again, which goes on where "
            "it stopped, with fewer --processes"
        ) from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()


def _begin() -> None:
    """Prepare a process of the pool: it ends with its parent, and leaves Ctrl-C to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
