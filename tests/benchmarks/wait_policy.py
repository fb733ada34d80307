"""Training steps with two threads, under several settings of how threads wait for each other, in turns.

    uv run python -m tests.benchmarks.wait_policy               on a quiet machine
    uv run python -m tests.benchmarks.wait_policy --busy        beside a process that computes all the time

A thread of OpenMP that has nothing to do waits for the others by default in a loop, for some milliseconds, before it
sleeps. OMP_WAIT_POLICY=PASSIVE lets it sleep at once, and GOMP_SPINCOUNT sets the rounds of the loop (300,000 by
default). They are read when PyTorch is imported, so that each setting has a process of its own. All do steps of
translation/recipes/multi30k-en-de.toml, a few at a time, and wait for their turn.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

POLICIES = ("", "OMP_WAIT_POLICY=PASSIVE", "GOMP_SPINCOUNT=10000", "GOMP_SPINCOUNT=1000")


def work(threads: int, steps: int) -> None:
    """Do some steps for each line of standard input; print the mean seconds of a step: wall and processor time."""
    import torch

    from s2s.cli.allocator import keep_freed_memory
    from tests.benchmarks.transformer_speed import ours

    keep_freed_memory()
    torch.set_num_threads(threads)
    step = ours(*torch.randint(4, 6000, (2, 80, 14)).unbind(), recurrent=True)
    step()
    print("ready", flush=True)
    for _ in sys.stdin:
        wall, processor = time.perf_counter(), time.process_time()
        for _ in range(steps):
            step()
        spent = time.perf_counter() - wall, time.process_time() - processor
        print(json.dumps([each / steps for each in spent]), flush=True)


def main() -> None:
    """Measure in turns, and print the medians."""
    parser = argparse.ArgumentParser(description="Training steps under settings of how threads wait.")
    for name, default in {"threads": 2, "steps": 5, "turns": 7}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--busy", action="store_true", help="beside a process that computes all the time")
    parser.add_argument("--policies", nargs="*", default=POLICIES, help="each a variable and its value, or nothing")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options.threads, options.steps)
        return
    sizes = [f"--threads={options.threads}", f"--steps={options.steps}"]
    command = [sys.executable, "-m", "tests.benchmarks.wait_policy", "--work", *sizes]
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"]) if options.busy else None
    workers = {policy: _started(command, policy) for policy in options.policies}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in workers}
    try:
        for worker in workers.values():
            _line(worker)
        for _ in range(options.turns):
            for name, worker in workers.items():
                assert worker.stdin is not None
                worker.stdin.write("go\n")
                worker.stdin.flush()
                found[name].append(json.loads(_line(worker)))
    finally:
        for process in (*workers.values(), *([busy] if busy else [])):
            process.kill()
    for name, times in found.items():
        wall, processor = (statistics.median(each) for each in zip(*times))
        lowest, highest = (1000 * pick(each[0] for each in times) for pick in (min, max))
        print(
            f"{name or 'as it is':23} {1000 * wall:7.0f} ms a step ({lowest:.0f} to {highest:.0f}), "
            f"{1000 * processor:.0f} ms of processor time"
        )


def _started(command: list[str], policy: str) -> subprocess.Popen[str]:
    environment = {
        name: value for name, value in os.environ.items() if name not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
    }
    name, _, value = policy.partition("=")
    if name:
        environment[name] = value
    return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _line(worker: subprocess.Popen[str]) -> str:
    assert worker.stdout is not None
    line = worker.stdout.readline()
    assert line, "a worker has ended"
    return line


if __name__ == "__main__":
    main()
