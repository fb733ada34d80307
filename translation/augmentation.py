"""Augmentation: training pairs that teach a model to copy words that it does not know.

A vocabulary of subwords that covers all characters finds no unknown token in its training text. A model would never
learn to write one, and characters that it has never seen would vanish from the translation. Therefore, in some pairs, a
word that both sides share is replaced by a character that no vocabulary knows: the model learns to write UNK where it
reads UNK, and `copying` puts the source's word there (Luong et al., 2015b, do so for rare words).
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from s2s.text.tokens import UNKNOWN_CHARACTER

SHORTEST = 4  # characters of a word that is worth copying, such as a name or a loan word; not "in" or "an"


def replace_shared_word(source: str, target: str, words: re.Pattern[str], draw: random.Random) -> tuple[str, str]:
    """Replace one word that both sides share by an unknown character; return the pair as it is if they share none.

    Args:
        words: the pattern of the vocabulary, see `translation.unknown_words.word_pattern`
        draw: chooses the word
    """
    sides = words.findall(source), words.findall(target)
    shared = sorted(word for word in set(sides[0]) & set(sides[1]) if len(word) >= SHORTEST or word.isdecimal())
    if not shared:
        return source, target
    chosen = draw.choice(shared)
    first, second = ("".join(UNKNOWN_CHARACTER if word == chosen else word for word in side) for side in sides)
    return first, second


def augment(
    sources: Sequence[str], targets: Sequence[str], words: re.Pattern[str], rate: float, seed: int
) -> tuple[list[str], list[str]]:
    """Apply `replace_shared_word` to a random share `rate` of the pairs; the result depends on `seed` alone."""
    draw = random.Random(seed)
    pairs = [
        replace_shared_word(source, target, words, draw) if draw.random() < rate else (source, target)
        for source, target in zip(sources, targets)
    ]
    return [source for source, _ in pairs], [target for _, target in pairs]
