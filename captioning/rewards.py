"""Rewards of sampled captions in self-critical training, and their weighted sum.

A reward is a number for a tokenised caption of a training picture. CIDEr-D alone narrows the language: a caption earns
most by the phrase that fits many pictures. The others ask for words that say more.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from captioning.metrics.cider import CiderD
from captioning.metrics.content import ContentWords, known_content_words
from captioning.metrics.sentence_bleu import SentenceBleu
from captioning.recipe import RewardConfig

Words = Sequence[Hashable]  # the words of a caption, END last if it is finished
References = Sequence[Sequence[Words]]  # of each picture its captions


class Reward(Protocol):
    """What a caption of a training picture is worth."""

    def score(self, picture: int, words: Words) -> float:
        """The reward of one caption of the picture with this number; 1 is about what a good one has."""
        ...


class RightWords:
    """Values of the content words that a caption shares with its picture's references, each word once.

    The values are divided so that the references of a picture earn 1 on average.

    Args:
        references: tokenised
        content: tells the content words of their language
        value: of a word, from how many of the picture's references have it
    """

    def __init__(self, references: References, content: ContentWords, value: Callable[[Hashable, int], float]) -> None:
        self._values = [_in_units_of_people(captions, content, value) for captions in references]

    def score(self, picture: int, words: Words) -> float:
        """See `Reward`; 0 or more."""
        values = self._values[picture]
        return sum(values.get(word, 0.0) for word in set(words))


def content_recall(references: References, content: ContentWords) -> RightWords:
    """A reward for saying what most people say: a word is worth as much as there are references with it."""
    return RightWords(references, content, lambda _, count: count)


def information(references: References, content: ContentWords) -> RightWords:
    """A reward for words that tell much: a word is worth its information, -log p(word), if a reference has it.

    p is the word's share of all content words of the references. So "man" earns little, and "fisherman" much, but only
    where people say so.
    """
    said = (word for captions in references for words in captions for word in words)
    counts = Counter(filter(content.includes, said))
    total = counts.total()
    return RightWords(references, content, lambda word, _: math.log(total / counts[word]))


def _in_units_of_people(
    captions: Sequence[Words], content: ContentWords, value: Callable[[Hashable, int], float]
) -> Mapping[Hashable, float]:
    sets = [set(filter(content.includes, words)) for words in captions]
    counts = Counter(word for words in sets for word in words)
    values = {word: value(word, count) for word, count in counts.items()}
    mean = sum(values[word] for words in sets for word in words) / len(sets)
    return {word: each / mean for word, each in values.items()} if mean else {}


@dataclass(frozen=True)
class Repetition:
    """A penalty: minus the number of content words, and of n-grams with one, that a caption says a second time."""

    content: ContentWords

    def score(self, picture: int, words: Words) -> float:
        """See `Reward`; 0 or less."""
        return -float(sum(self.content.repeated_ngrams(words, order) for order in (1, 2, 3)))


class MixedReward:
    """The weighted sum of rewards.

    Args:
        config: the weights; a reward of weight 0 is not computed
        references: of all training pictures, tokenised, each with END last
        language: of the captions

    Raises:
        UserError: a reward needs the content words of the language, and they are not known.
    """

    def __init__(self, config: RewardConfig, references: References, language: str) -> None:
        makers = {
            "cider_d": lambda: CiderD(references),
            "bleu_4": lambda: SentenceBleu(references),
            "content_recall": lambda: content_recall(references, known_content_words(language)),
            "information": lambda: information(references, known_content_words(language)),
            "repetition": lambda: Repetition(known_content_words(language)),
        }
        weights = {name: getattr(config, name) for name in makers}
        self._parts: list[tuple[float, Reward]] = [
            (weight, makers[name]()) for name, weight in weights.items() if weight
        ]

    def score(self, picture: int, words: Words) -> float:
        """See `Reward`."""
        return sum(weight * reward.score(picture, words) for weight, reward in self._parts)
