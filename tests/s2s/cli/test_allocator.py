"""Freed memory is kept: counted by the pages that the system has to hand out, in processes of their own."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

from s2s.cli.allocator import keep_freed_memory

ROOT = Path(__file__).resolve().parents[3]
# Rounds in which thirty megabytes are taken and given back, as by a step of search: pages that came in the last nine.
PROGRAM = """
import resource
from s2s.cli.allocator import keep_freed_memory

kept = {call}

def pages():
    parts = [b"x" * (5 << 20) for _ in range(6)]
    del parts
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

first = pages()
print(kept, max(pages() for _ in range(9)) - first)
"""


def pages(call: str) -> tuple[bool, int]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(call=call)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    kept, count = done.stdout.split()
    return kept == "True", int(count)


def test_memory_that_was_freed_serves_again() -> None:
    kept, count = pages("keep_freed_memory()")
    if not kept:
        pytest.skip("the C library is not glibc")
    before = pages("False")[1]
    assert count * 10 < before  # else the system would have been asked nine times


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not keep_freed_memory()


def test_other_libraries_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    assert not keep_freed_memory()


def test_what_the_user_has_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "1000000")
    assert not keep_freed_memory()
