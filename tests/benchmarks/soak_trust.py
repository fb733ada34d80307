"""Thousands of wrong inputs of every kind through the commands: is anything lost, silently wrong, or a crash?

    python tests/benchmarks/soak_trust.py [--inputs 10000] [--processes 100] [--kinds ...] [--seed 1] [--first 0]

Kinds and what must come of them: tests/fuzz_kinds.py. The commands' main functions are called in this process, which
takes a few hours for 10,000 inputs of each kind; with --processes so many more of each go through processes of their
own. A table goes to standard error, figures as JSON to standard output. The same seed draws the same inputs: a fault
tells its number, and `--first NUMBER --inputs 1` repeats it.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

if not __package__:
    sys.path[:0] = [str(folder) for folder in Path(__file__).resolve().parents[1:3]]

from fuzz_kinds import KINDS
from fuzz_world import Call, Outcome, World, build, in_a_process, in_this_process, use_cache

SHOWN = 5  # faults of a kind that are told in full
NOTED = 60  # seconds between two notes of how far it is


class Counted:
    """A way to call commands that counts how they end."""

    def __init__(self, call: Call) -> None:
        self._call, self.codes = call, Counter[int]()

    def __call__(self, name: str, arguments: Sequence[object]) -> Outcome:
        """See `Call`."""
        done = self._call(name, arguments)
        self.codes[done.code] += 1
        return done


def soak(world: World, kind: str, numbers: range, seed: int, call: Call) -> dict[str, Any]:
    """Figures of the attempts of these numbers."""
    attempt, together = KINDS[kind]
    counted, faults = Counted(call), Counter[str]()
    started = noted = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for number in numbers:
            for fault in attempt(world, Random(f"{seed} {kind} {number}"), counted, Path(folder)):
                faults[fault.what] += 1
                if faults.total() <= SHOWN:
                    print(f"{kind} {number}: {fault.what}: {fault.told}", file=sys.stderr, flush=True)
            if time.monotonic() - noted > NOTED:
                noted = time.monotonic()
                print(f"{kind}: {number} of {numbers.stop}, {faults.total()} faults", file=sys.stderr, flush=True)
    return {
        "inputs": len(numbers) * together,
        "exit_codes": {str(code): count for code, count in sorted(counted.codes.items())},
        **{what: faults[what] for what in ("crash", "lost", "silent")},
        "seconds": round(time.monotonic() - started, 1),
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def show(title: str, found: dict[str, dict[str, Any]]) -> None:
    """A table on standard error."""
    print(
        f"\n{title:20} {'inputs':>8} {'crashes':>8} {'lost':>6} {'silent':>7} {'seconds':>8} {'MB':>6}  exit codes",
        file=sys.stderr,
    )
    for kind, figures in found.items():
        codes = ", ".join(f"{code}: {count:,}" for code, count in figures["exit_codes"].items())
        numbers = f"{figures['inputs']:8,} {figures['crash']:8} {figures['lost']:6} {figures['silent']:7}"
        print(f"{kind:20} {numbers} {figures['seconds']:8,.0f} {figures['megabytes']:6,}  {codes}", file=sys.stderr)


def main() -> int:
    """Run all, and return 1 where there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=10_000, help="of each kind, in this process")
    parser.add_argument("--processes", type=int, default=0, help="inputs of each kind that go through real processes")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first attempt")
    options = parser.parse_args()
    found: dict[str, dict[str, dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        use_cache(Path(folder))
        world = build(Path(folder))
        for title, inputs, call in (
            ("in one process", options.inputs, in_this_process),
            ("in real processes", options.processes, in_a_process),
        ):
            if inputs:
                ranges = {
                    kind: range(options.first, options.first - (-inputs // KINDS[kind][1])) for kind in options.kinds
                }
                found[title] = {kind: soak(world, kind, ranges[kind], options.seed, call) for kind in ranges}
                show(title, found[title])
    print(json.dumps(found, indent=1))
    return int(
        any(
            figures[what]
            for table in found.values()
            for figures in table.values()
            for what in ("crash", "lost", "silent")
        )
    )


if __name__ == "__main__":
    sys.exit(main())
