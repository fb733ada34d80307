"""Write toy data: sequences to copy, to reverse, to classify and to tag.

    s2s prepare toy --output data/toy

writes, for a sequence such as `mo ka mo`,

    train.source       mo ka mo
    train.copy         mo ka mo
    train.reverse      mo ka mo, from its end to its beginning
    train.first.tsv    mo, a tab, and the sequence: to classify it by its first word
    train.again.tsv    a word and its tag on each line, `new` or, for a word that has occurred before, `again`

The files of `val` and `test` (1,000 held-out sequences) are like these, and `long` has longer sequences than the
others. No sequence occurs twice in all files together. The sequences depend on the seed only. See
translation/recipes/TUTORIAL.md and docs/lecture.md for trainings on them.
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


def _line(words: Sequence[str]) -> str:
    return " ".join(words) + "\n"


def _tagged(words: Sequence[str]) -> str:
    """Words in columns; a blank line ends the sequence."""
    tags = ("again" if word in words[:i] else "new" for i, word in enumerate(words))
    return "".join(f"{word}\t{tag}\n" for word, tag in zip(words, tags)) + "\n"


# The files of a split: what each has of a sequence.
FILES: Mapping[str, Callable[[Sequence[str]], str]] = {
    "source": _line,
    "copy": _line,
    "reverse": lambda words: _line(words[::-1]),
    "first.tsv": lambda words: f"{words[0]}\t{_line(words)}",
    "again.tsv": _tagged,
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
    parser = Parser(description="Write sequences of invented words, with their copies and reversals, and with labels.")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="the folder to write to")
    parser.add_argument("--seed", type=int, default=1, help="random seed (default: %(default)s)")
    parser.add_argument("--force", action="store_true", help="overwrite existing files")
    options: argparse.Namespace = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    paths = {(split, file): options.output / f"{split}.{file}" for split in SPLITS for file in FILES}
    for path in paths.values():
        check_output(path, force=options.force)
    drawn = sequences(options.seed)
    for (split, file), path in paths.items():
        with atomic_file(path) as aside:
            aside.write_text("".join(map(FILES[file], drawn[split])), encoding="utf-8", newline="\n")
        print(path)
    counts = ", ".join(f"{len(words):,} {split}" for split, words in drawn.items())
    print(f"{options.output}: {counts} sequences", file=sys.stderr)
    return 0


def main() -> int:
    """Entry point."""
    return command.run(toy)


if __name__ == "__main__":
    sys.exit(main())
