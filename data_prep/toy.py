"""Write toy data for translation: sequences to copy and to reverse.

    s2s prepare toy --output data/toy

writes `train.source` with sequences such as `mo ka ti`, `train.copy` with the same sequences, and `train.reverse` with
`ti ka mo`. The files of `val` and `test` (1,000 held-out sequences) are like these, and `long` has longer sequences
than the others. No sequence occurs twice in all files together. The sequences depend on the seed only. See
translation/recipes/TUTORIAL.md for a training on them.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from s2s.cli import command
from s2s.cli.arguments import Parser
from s2s.errors import check
from s2s.files import atomic_file, check_output

WORDS = ("ba", "do", "fi", "gu", "ka", "le", "mo", "nu", "pa", "ri", "so", "ti", "vu", "we", "xo", "zu")

SIDES: Mapping[str, Callable[[Sequence[str]], Sequence[str]]] = {
    "source": lambda words: words,
    "copy": lambda words: words,
    "reverse": lambda words: words[::-1],
}


@dataclass(frozen=True)
class Split:
    """How many sequences of how many words."""

    count: int
    shortest: int
    longest: int

    def lengths(self) -> Iterator[int]:
        """The length of each sequence, spread evenly."""
        return (self.shortest + i % (self.longest - self.shortest + 1) for i in range(self.count))


SPLITS: Mapping[str, Split] = {
    "train": Split(40_000, 4, 10),
    "val": Split(200, 4, 10),
    "test": Split(1_000, 4, 10),
    "long": Split(1_000, 11, 20),
}


def sequences(seed: int, splits: Mapping[str, Split] = SPLITS) -> dict[str, list[tuple[str, ...]]]:
    """The sequences of each split, all of them different; raise `UserError` where there are not so many."""
    for length, count in Counter(chain.from_iterable(split.lengths() for split in splits.values())).items():
        some = len(WORDS) ** length
        check(count <= some, f"there are {some:,} sequences of {length} words, not {count:,}: ask for fewer, or longer")
    stream, seen = _random_words(seed), set()

    def new(length: int) -> tuple[str, ...]:
        while (words := tuple(next(stream) for _ in range(length))) in seen:
            pass
        seen.add(words)
        return words

    return {name: [new(length) for length in split.lengths()] for name, split in splits.items()}


def _random_words(seed: int) -> Iterator[str]:
    generator = random.Random(seed)
    while True:
        yield WORDS[int(generator.random() * len(WORDS))]  # `random` is what no version of Python may change


def toy(arguments: list[str]) -> int:
    """Write the files into the folder that the arguments name; return the exit code."""
    parser = Parser(description="Write sequences of invented words, with their copies and reversals as targets.")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="the folder to write to")
    parser.add_argument("--seed", type=int, default=1, help="random seed (default: %(default)s)")
    parser.add_argument("--force", action="store_true", help="overwrite existing files")
    options: argparse.Namespace = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    paths = {(split, side): options.output / f"{split}.{side}" for split in SPLITS for side in SIDES}
    for path in paths.values():
        check_output(path, force=options.force)
    drawn = sequences(options.seed)
    for (split, side), path in paths.items():
        with atomic_file(path) as aside:
            lines = (" ".join(SIDES[side](words)) + "\n" for words in drawn[split])
            aside.write_text("".join(lines), encoding="utf-8", newline="\n")
        print(path)
    counts = ", ".join(f"{len(words):,} {split}" for split, words in drawn.items())
    print(f"{options.output}: {counts} sequences", file=sys.stderr)
    return 0


def main() -> int:
    """Entry point."""
    return command.run(toy)


if __name__ == "__main__":
    sys.exit(main())
