"""Teaching a model to copy what it does not know.

A subword vocabulary with full character coverage never meets an unknown token in its training text, so a model would
never learn to write one, and a character it has never seen would vanish from the translation. Hence some pairs of a
batch get a word that stands on both sides replaced by a character that no vocabulary knows: the model learns to write
UNK where it reads UNK, and search puts the source's characters there (Luong et al., 2015b, do so for rare words).
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from s2s.text.tokens import UNKNOWN_CHARACTER

SHORTEST = 4  # characters of a word that is worth copying, a name or a loan word; not "in" or "an"


def make_unknown(source: str, target: str, unit: re.Pattern[str], draw: random.Random) -> tuple[str, str]:
    """Replace one word that both sides have by an unknown character; the pair as it is where they share none.

    `unit` is what `copying` makes unknown in a text to translate: `WORD` of it where tokens are words, else `UNIT`.
    """
    units = unit.findall(source), unit.findall(target)
    shared = sorted(each for each in set(units[0]) & set(units[1]) if len(each) >= SHORTEST or each.isdecimal())
    if not shared:
        return source, target
    word = draw.choice(shared)
    first, second = ("".join(UNKNOWN_CHARACTER if each == word else each for each in side) for side in units)
    return first, second


def sometimes_unknown(
    sources: Sequence[str], targets: Sequence[str], unit: re.Pattern[str], rate: float, seed: int
) -> tuple[list[str], list[str]]:
    """`make_unknown` for a share `rate` of the pairs, though most share no word; the draw depends on `seed` alone."""
    draw = random.Random(seed)
    pairs = [
        make_unknown(source, target, unit, draw) if draw.random() < rate else (source, target)
        for source, target in zip(sources, targets)
    ]
    return [source for source, _ in pairs], [target for _, target in pairs]
