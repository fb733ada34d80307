"""Many files of every format and fault through `caption --sidecars --json`, interrupted several times; its memory.

    PYTHONPATH=tests python -m tests.benchmarks.soak_caption [--files 5000] [--stops 5] [-- OPTIONS OF caption]

The files are those of tests/many_pictures.py. After each interruption the JSON must be whole, and at the end every
sound picture must be in it once. With `--stops 0`, memory must not grow. Linux only: memory is read from /proc.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from many_pictures import ManyPictures, write_many_pictures

ROOT = Path(__file__).resolve().parents[2]
SIGNALS = (signal.SIGINT, signal.SIGKILL, signal.SIGTERM)
GROWTH = 1.1  # of the second half's greatest memory over the first half's
MARKS = (1000, 5000, 10_000)  # pictures after which the memory is told


def entries(path: Path) -> list[dict[str, object]]:
    """The results so far; the file is whole at every moment."""
    return json.loads(path.read_bytes()) if path.exists() else []


def lines_of(path: Path) -> int:
    """How many results are there, without reading them: each is a line."""
    return max(0, path.read_bytes().count(b"\n") - 2) if path.exists() else 0


def watch(command: Sequence[str], results: Path, until: int | None, stop: signal.Signals) -> list[tuple[int, float]]:
    """Run `caption`, and stop it once so many results are there.

    Return how many there are, and its memory in MB, several times a second.
    """
    memory = list[tuple[int, float]]()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            status = Path(f"/proc/{process.pid}/status").read_text()
            resident = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")]
            memory += [(lines_of(results), int(each) / 1024) for each in resident]
            if until is not None and len(entries(results)) >= until:
                process.send_signal(stop)
                break
            time.sleep(0.3)
    return memory


def told(memory: Sequence[tuple[int, float]]) -> str:
    """The memory at the marks, the most, and that at the end."""
    at = {mark: next((size for done, size in memory if done >= mark), None) for mark in MARKS}
    parts = [f"{size:,.0f} MB after {mark:,} pictures" for mark, size in at.items() if size is not None]
    sizes = [size for _, size in memory]
    return ", ".join([*parts, f"{max(sizes):,.0f} MB at most", f"{sizes[-1]:,.0f} MB at the end"])


def faults(made: ManyPictures, folder: Path, results: Path, memory: Sequence[float]) -> list[str]:
    """What is wrong at the end."""
    found = [str(entry["path"]) for entry in entries(results)]
    wrong = []
    if sorted(found) != sorted(made.sound):
        lost, doubled = len(set(made.sound) - set(found)), len(found) - len(set(found))
        wrong.append(f"{lost:,} pictures are lost, {doubled:,} doubled")
    if len(list(folder.rglob("*.txt"))) != len(made.sound):
        wrong.append("the side files are not one per picture")
    half = len(memory) // 2
    if half > 3 and max(memory[half:]) > GROWTH * max(memory[3:half]):
        wrong.append(f"memory grew from {max(memory[3:half]):,.0f} MB to {max(memory[half:]):,.0f} MB")
    return wrong


def main() -> int:
    """Run, report, and return 1 where something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--stops", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("options", nargs="*", help="for caption, after --")
    arguments = parser.parse_args()
    draw = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as place:
        folder, results = Path(place, "album"), Path(place, "results.json")
        folder.mkdir()
        made = write_many_pictures(folder, arguments.files, arguments.seed)
        command = [sys.executable, "-m", "captioning.caption", str(folder), "--sidecars", "--json", str(results)]
        command += arguments.options
        marks = sorted(draw.sample(range(1, len(made.sound)), arguments.stops))
        started, memory = time.monotonic(), list[tuple[int, float]]()
        for number, until in enumerate([*marks, None]):
            stop = SIGNALS[number % len(SIGNALS)]
            memory = watch(command, results, until, stop)
            print(f"{time.monotonic() - started:6,.0f} s: {len(entries(results)):,} of {len(made.sound):,} pictures")
        wrong = faults(made, folder, results, [] if arguments.stops else [size for _, size in memory])
        speed = len(made.sound) / (time.monotonic() - started)
        print(f"{speed:,.1f} pictures/s; in the last run {told(memory)}")
    whole = (
        f"{len(made.sound):,} pictures once each, {len(made.broken):,} broken files, {len(made.others):,} passed over"
    )
    print("\n".join(wrong) or whole)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
