"""Many lines of all sorts through `translate`: does memory grow, and does every line come back in its place?

    python tests/benchmarks/soak_translate.py --model RUN/best [--lines 100000] [--text FILE] [-- OPTIONS OF translate]

Sentences are those of `--text`, or made up. Among them are blank lines, lines of a hundred words, one of a hundred
thousand characters, and characters that no model knows. Linux only: memory is read from /proc.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

SCRIPT = Path(__file__).resolve().parents[2] / "translation" / "translate.py"
WORDS: list[str] = ["a", "man", "two", "dogs", "is", "in", "on", "with", "red", "ball", "the", "street", "and", "runs"]
BLANK = ["", " ", "\t", "\u3000", "\u2028", "\x0c"]
ODD = ["北京", "🐕", "\u200b", "\x01", "\x85", "a\u2028b", "a\rb", "e\u0301", "العربية", "<unk>", "▁", "⁇", "|||"]
GROWTH = 1.1  # of the second half's greatest memory over the first half's


class Sample(NamedTuple):
    """The state of the process at some time."""

    seconds: float
    lines: int
    megabytes: float


def corpus(count: int, sentences: Sequence[str], draw: random.Random) -> Iterator[str]:
    """The lines, without their ends."""
    for number in range(count):
        kind = draw.random()
        line = draw.choice(sentences) if sentences else " ".join(draw.choices(WORDS, k=draw.randint(3, 20))) + "."
        if number == count // 2:
            yield " ".join(draw.choices(WORDS, k=20_000))
        elif kind < 0.05:
            yield draw.choice(BLANK)
        elif kind < 0.06:
            yield " ".join(line for _ in range(8))
        elif kind < 0.061:
            yield "".join(draw.choices(WORDS, k=100))
        elif kind < 0.10:
            words = line.split(" ")
            words.insert(draw.randint(0, len(words)), draw.choice(ODD))
            yield " ".join(words)
        else:
            yield line


def watch(process: subprocess.Popen[bytes], output: Path) -> list[Sample]:
    """Sample memory once a second until the process ends."""
    samples, started, lines = [], time.monotonic(), 0
    with output.open("rb") as written:
        while process.poll() is None:
            status = Path(f"/proc/{process.pid}/status").read_text()
            resident = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")]
            lines += written.read().count(b"\n")
            if resident:
                samples.append(Sample(time.monotonic() - started, lines, int(resident[0]) / 1024))
            time.sleep(1)
    return samples


def verdict(source: Path, output: Path, samples: Sequence[Sample]) -> Iterator[str]:
    """What is wrong, a line each."""
    lines, translations = (path.read_bytes().decode().split("\n") for path in (source, output))
    if len(lines) != len(translations):
        yield f"{len(lines) - 1:,} lines gave {len(translations) - 1:,}"
    pairs = enumerate(zip(lines, translations), 1)
    filled = [number for number, (line, translation) in pairs if not line.strip() and translation]
    if filled:
        yield f"{len(filled):,} blank lines did not stay blank, the first is {filled[0]}"
    busy = [sample for sample in samples if sample.lines]
    first, second = ([s.megabytes for s in half] for half in (busy[: len(busy) // 2], busy[len(busy) // 2 :]))
    if not first:
        yield "too few lines to see whether memory grows"
    elif max(second) > GROWTH * max(first):
        yield f"memory grew from {max(first):,.0f} MB at most in the first half to {max(second):,.0f} MB"


def main() -> int:
    """Run, print a table, and return 1 where something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--text", type=Path, help="a file of sentences to draw from")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("options", nargs="*", help="for translate, after --")
    arguments = parser.parse_args()
    sentences = arguments.text.read_text(encoding="utf-8").split("\n")[:-1] if arguments.text else []
    with tempfile.TemporaryDirectory() as folder:
        source, output = Path(folder, "source.txt"), Path(folder, "output.txt")
        draw = random.Random(arguments.seed)
        with source.open("w", encoding="utf-8", newline="") as file:
            file.writelines(line + draw.choice(["\n", "\r\n"]) for line in corpus(arguments.lines, sentences, draw))
        command = [sys.executable, SCRIPT, "--model", arguments.model, *arguments.options, source]
        with output.open("wb") as file, subprocess.Popen(command, stdout=file) as process:
            samples = watch(process, output)
        print(f"{'seconds':>9} {'lines':>9} {'lines/s':>9} {'MB':>7}")
        for sample in [*samples[:: max(1, len(samples) // 12)], *samples[-1:]]:
            speed = sample.lines / max(sample.seconds, 1e-9)
            print(f"{sample.seconds:9,.0f} {sample.lines:9,} {speed:9,.0f} {sample.megabytes:7,.0f}")
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = used.ru_utime + used.ru_stime
        print(f"{seconds:,.0f} s of processor time, {arguments.lines / seconds:,.0f} lines a second of it,", end=" ")
        print(f"{used.ru_maxrss / 1024:,.0f} MB at most, {samples[-1].megabytes:,.0f} MB at the end")
        faults = [f"translate ended with {process.returncode}"] if process.returncode else []
        faults += verdict(source, output, samples)
    print("\n".join(faults) or f"{arguments.lines:,} lines in, as many out, blanks in place, memory steady")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
