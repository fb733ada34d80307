"""Odd lines with protected spans of every kind through a translator: is every span found again in the output, once?

    python -m tests.benchmarks.odd_text [--model en-de] [--lines 10000] [--seed 1] [--examples 20]

The lines are those of tests/odd_lines.py. Counts go to standard output, by kind of line: the lines with a missing or a
doubled span, and those that repeat words though their source does not; then the spans that are most often missing, and
examples. The exit code is 1 if a span is missing.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence

from tests.odd_lines import OddLine, doubled_spans, loops, missing_spans, odd_lines
from translation.translator import Translator

BATCH = 1000  # lines that are given to the translator at once


def translate(model: str, lines: Sequence[OddLine], device: str) -> list[str]:
    """The translations of the lines, with notes of how far it is on standard error."""
    translator, outputs, started = Translator.load(model, device=device), list[str](), time.monotonic()
    for first in range(0, len(lines), BATCH):
        texts = [line.text for line in lines[first : first + BATCH]]
        outputs += [translation.text for translation in translator.translate(texts)]
        print(f"{len(outputs):,} lines, {time.monotonic() - started:.0f} s", file=sys.stderr)
    return outputs


def report(lines: Sequence[OddLine], outputs: Sequence[str], examples: int) -> int:
    """Print the counts and examples, and return the number of lines with a missing span."""
    all_lines, missing, doubled = Counter[str](), Counter[str](), Counter[str]()
    looping, spans, shown = Counter[str](), Counter[str](), list[str]()
    for line, output in zip(lines, outputs, strict=True):
        lost, twice = missing_spans(line, output), doubled_spans(line, output)
        all_lines[line.kind] += 1
        missing[line.kind] += bool(lost)
        doubled[line.kind] += bool(twice)
        repeated = loops(line, output)
        looping[line.kind] += bool(repeated)
        spans.update(lost)
        if lost or twice or repeated:
            shown.append(f"{line.text!r}\n    {output!r}\n    missing {lost}, doubled {twice}, repeated {repeated}")
    print(f"{'kind of line':24} {'lines':>7} {'missing':>8} {'doubled':>8} {'looping':>8}")
    for kind, count in all_lines.items():
        print(f"{kind:24} {count:7,} {missing[kind]:8,} {doubled[kind]:8,} {looping[kind]:8,}")
    print(f"{'all':24} {len(lines):7,} {missing.total():8,} {doubled.total():8,} {looping.total():8,}")
    print(", ".join(f"{span} ({count})" for span, count in spans.most_common(30)))
    print("\n".join(shown[:: max(1, len(shown) // max(1, examples))][:examples]))
    return missing.total()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, and return 1 if a span is missing in a line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="en-de", help="a model directory or the name of a bundled model")
    parser.add_argument("--lines", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--examples", type=int, default=20)
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    chosen = parser.parse_args(arguments)
    lines = list(odd_lines(chosen.lines, chosen.seed))
    return int(report(lines, translate(chosen.model, lines, chosen.device), chosen.examples) > 0)


if __name__ == "__main__":
    sys.exit(main())
