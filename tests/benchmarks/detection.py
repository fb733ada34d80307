"""How often /detect finds the language of a line, and whether its probabilities are right.

    python tests/benchmarks/detection.py en=FILE de=FILE fr=FILE [--lines 400]

A table by the length of the line and one by the probability of the likeliest language, of all that py3langid knows.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import NamedTuple

if not __package__:
    sys.path[:0] = [str(Path(__file__).resolve().parents[2])]

from serving.languages import language_identifier


class Line(NamedTuple):
    """A line: its length, the probability of its likeliest language, and whether that is its own."""

    length: int
    probability: float
    right: bool


def table(title: str, lines: Sequence[Line], key: Callable[[Line], float], edges: Sequence[float]) -> None:
    """Print the share of right languages between two edges each."""
    print(f"{title:16}{'lines':>7}{'right':>8}{'mean probability':>18}")
    for low, high in pairwise(edges):
        found = [line for line in lines if low <= key(line) < high]
        if found:
            right, mean = (sum(each) / len(found) for each in zip(*((line.right, line.probability) for line in found)))
            print(f"{low:6g} to {high:<6g}{len(found):7,}{right:8.1%}{mean:18.2f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", nargs="+", metavar="LANG=FILE")
    parser.add_argument("--lines", type=int, default=400, help="of each file, drawn at random")
    arguments = parser.parse_args()
    lines: list[Line] = []
    for language, _, name in (text.partition("=") for text in arguments.texts):
        found = [line for line in Path(name).read_text(encoding="utf-8").split("\n") if line.strip()]
        for line in Random(0).sample(found, min(arguments.lines, len(found))):
            likeliest, probability = language_identifier().rank(line)[0]
            lines.append(Line(len(line), probability, likeliest == language))
    print(f"{len(lines):,} lines, {sum(line.right for line in lines) / len(lines):.1%} right")
    table("characters", lines, lambda line: line.length, (0, 20, 40, 80, 10_000))
    table("probability", lines, lambda line: line.probability, (0, 0.5, 0.8, 0.95, 1.01))


if __name__ == "__main__":
    main()
