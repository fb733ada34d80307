"""Spoiling: lines turned into odd ones, so that a calibration of confidence has seen bad translations.

A model translates nearly all of its validation text well. What it does with other text can be measured on validation
lines that were spoiled: their reference is still known, and the translation of a spoiled line is far from it. There are
three ways. The first is the most like text of another domain, and is used for half of the lines:

    rare        words are replaced by rare words of other lines
    shuffled    all words in another order
    made-up     words are replaced by made-up ones, some with letters of other scripts

The share of words that is replaced is drawn for each line, from 10 % to all. The mark at the end of a line stays there.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence

_MARKS = ".!?… \t"
_SHARES = (0.1, 0.2, 0.35, 0.5, 0.75, 1.0)
_FOREIGN, _FOREIGN_SHARE = "ǂʘøðþжλקあ字", 0.03  # letters of other scripts, and how many there are among letters


def spoiled(lines: Sequence[str], seed: int) -> list[str]:
    """One odd version of each line, the same for the same seed; a line of one word is made of other characters."""
    generator = random.Random(seed)
    stems = [line.rstrip(_MARKS) for line in lines]
    marks = [line[len(stem) :].rstrip() for line, stem in zip(lines, stems)]
    texts = [stem.split() for stem in stems]
    counts = Counter(word for words in texts for word in words)
    known = sorted(counts)
    rare = [word for word in known if counts[word] == 1] or known
    ways: list[Callable[[list[str]], list[str]]] = [
        lambda words: _replaced(words, lambda: generator.choice(rare), generator),
        lambda words: generator.sample(words, len(words)),
        lambda words: _replaced(words, lambda: generator.choice(rare), generator),
        lambda words: _replaced(words, lambda: _made_up(known, generator), generator),
    ]
    odd = [" ".join(ways[i % len(ways)](words)) if words else "" for i, words in enumerate(texts)]
    return [line + mark for line, mark in zip(odd, marks)]


def _replaced(words: Sequence[str], other: Callable[[], str], generator: random.Random) -> list[str]:
    """The words with a random share of them replaced, at least one."""
    changed = list(words)
    count = max(1, round(generator.choice(_SHARES) * len(words)))
    for position in generator.sample(range(len(words)), count):
        changed[position] = other()
    return changed


def _made_up(words: Sequence[str], generator: random.Random) -> str:
    """The beginning of one word and the end of another."""
    first, second = generator.choice(words), generator.choice(words)
    letters = first[: generator.randint(1, len(first))] + second[generator.randint(0, len(second) - 1) :]
    return "".join(generator.choice(_FOREIGN) if generator.random() < _FOREIGN_SHARE else each for each in letters)
