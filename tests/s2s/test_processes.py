"""Work for several processes: results, errors, and a worker that is killed."""

from __future__ import annotations

import multiprocessing
import os
import signal

import pytest

from s2s.errors import UserError
from s2s.processes import call_all, usable_cores


def squared(number: int, offset: int) -> int:
    if number < 0:
        raise UserError(f"{number} is negative")
    return number * number + offset


def killed(number: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("processes", [1, 2])
def test_every_call_gives_its_result(processes: int) -> None:
    calls = [(number, 5) for number in range(4)]
    assert sorted(call_all(squared, calls, processes)) == [5, 6, 9, 14]
    with pytest.raises(UserError, match="-1 is negative"):
        list(call_all(squared, [(-1, 0), (2, 0)], processes))
    assert usable_cores() >= 1


def test_a_worker_that_is_killed_ends_the_others_with_one_line() -> None:
    with pytest.raises(UserError, match="a process was killed, perhaps because memory is short: run the same command"):
        list(call_all(killed, [(1,), (2,)], 2))
    for child in multiprocessing.active_children():
        child.join(10)
    assert not multiprocessing.active_children()
