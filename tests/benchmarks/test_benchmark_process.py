"""Commands in processes of their own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.benchmarks.process import CommandError, Finished, run

ROOT = Path(__file__).resolve().parents[2]


def python(code: str, text: str = "", limit: float | None = None) -> Finished:
    return run([sys.executable, "-S", "-c", code], folder=ROOT, threads=1, text=text, limit=limit)


def test_a_command_is_fed_heard_and_weighed() -> None:
    held = "x = bytearray(64 << 20)\n"
    done = python(held + "import sys; print(input()); print('note', file=sys.stderr)", text="hello\n")
    assert (done.output, done.log) == ("hello\n", "note\n")
    assert done.megabytes > 64


def test_a_failure_shows_what_the_command_said_last() -> None:
    with pytest.raises(CommandError, match="ended with 3:\nreason"):
        python("import sys; print('reason', file=sys.stderr); sys.exit(3)")


def test_a_command_that_is_stopped_has_not_failed() -> None:
    done = python("print('begun', flush=True); import time; time.sleep(60)", limit=0.2)
    assert done.output == "begun\n"
    assert done.seconds < 30


def test_the_suite_stays_small() -> None:
    """A child's peak of memory is counted from its parent's on."""
    code = "import sys, tests.benchmarks.suite; print('torch' in sys.modules, 'numpy' in sys.modules)"
    assert run([sys.executable, "-c", code], folder=ROOT, threads=1).output == "False False\n"
