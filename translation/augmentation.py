"""Augmentation: changes of training pairs, drawn anew for every epoch, that teach a model what its text does not show.

placeholders   numbers, names and other words that both sides have in common or that translate each other become
placeholders, so that the model learns to write a placeholder where its content belongs. (Luong et
al., 2015b, and Crego et al., 2016, section 3.5, do so for rare words and entities.)
unknown words  a word that both sides share becomes a character that no vocabulary knows: the model learns to write
UNK where it reads UNK, for the unknown words that are more than there are placeholders.
lower case     the source in lower case, as people type.
single words   a pair of words in the place of a pair of sentences: a model that was only trained on sentences
answers a word with a sentence.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from s2s.config import option
from s2s.text.spans import find_spans
from s2s.text.tokens import PLACEHOLDERS, UNKNOWN_CHARACTER
from translation.lexicon import Lexicon

SHORTEST = 4  # characters of a word that may stand for one to be copied, such as a name; not "in" or "an"
_SHARED = 0.9  # of the pairs with a span on both sides, the share in which it becomes a placeholder in an epoch
_AT_AN_END = 0.2  # of the pairs that get placeholders, the share in which one is added at an end

Part = tuple[int, int]  # offsets in a text, [start, end)


@dataclass(frozen=True)
class AugmentationConfig:
    """`[augmentation]`: the share of the training pairs that each change is made to, in every epoch."""

    placeholders: float = option(0.1, low=0, below=1, help="words become placeholders; vocabulary.placeholders is > 0")
    lower_case: float = option(0.03, low=0, below=1, help="the source is written in lower case")
    single_words: float = option(0.01, low=0, below=1, help="the pair becomes two words that translate each other")


class Augmentation:
    """Makes the texts of each epoch; they depend on the seed alone.

    Args:
        sources, targets: the training text; `targets[i]` translates `sources[i]`
        config: what is changed, and how often
        unknown_copies: the share of the pairs in which a word of both sides becomes unknown
        words: the pattern of the vocabulary's words, see `translation.reading.word_pattern`
        placeholders: how many the vocabularies have
        lexicon: of the whole text, where these are a part of it; learned from them by default
    """

    def __init__(
        self,
        sources: Sequence[str],
        targets: Sequence[str],
        config: AugmentationConfig,
        *,
        unknown_copies: float,
        words: re.Pattern[str],
        placeholders: int,
        lexicon: Lexicon | None = None,
    ) -> None:
        self._sources, self._targets = sources, targets
        self._config, self._unknown_copies = config, unknown_copies
        self._words, self._placeholders = words, PLACEHOLDERS[:placeholders]
        self._known_lexicon = lexicon

    @cached_property
    def _lexicon(self) -> Lexicon:
        return self._known_lexicon or Lexicon(self._sources, self._targets)

    @cached_property
    def _shared(self) -> dict[int, list[tuple[Part, Part]]]:
        """The spans, such as numbers, that stand on both sides of a pair."""
        if not self._placeholders:
            return {}
        found = {i: shared_spans(*pair) for i, pair in enumerate(zip(self._sources, self._targets))}
        return {i: spans for i, spans in found.items() if spans}

    @property
    def changes_texts(self) -> bool:
        """Whether any text may be changed."""
        config = self._config
        return bool(self._placeholders or self._unknown_copies or config.lower_case or config.single_words)

    def texts(self, seed: int, examples: Iterable[int]) -> tuple[list[str], list[str]]:
        """The sources and targets of some examples, with the changes that `seed` draws."""
        draw = random.Random(seed)
        pairs = [self._changed(i, self._sources[i], self._targets[i], draw) for i in examples]
        return [source for source, _ in pairs], [target for _, target in pairs]

    def _changed(self, i: int, source: str, target: str, draw: random.Random) -> tuple[str, str]:
        config, chance = self._config, draw.random()
        parts = self._shared[i] if i in self._shared and draw.random() < _SHARED else []
        if chance < config.single_words and (words := self._lexicon.pairs(source, target)):
            one, other = draw.choice(words)
            return one[0], other[0]
        chance -= config.single_words
        if self._placeholders and chance < config.placeholders:
            source, target = self._with_placeholders(source, target, parts, draw)
        else:
            chance -= config.placeholders
            if chance < self._unknown_copies and not parts:
                source, target = replace_shared_word(source, target, self._words, draw)
            source, target = replace_parts(source, target, parts, self._numbers(len(parts), draw))
        if draw.random() < config.lower_case:
            source = source.lower()
        return source, target

    def _with_placeholders(
        self, source: str, target: str, parts: Sequence[tuple[Part, Part]], draw: random.Random
    ) -> tuple[str, str]:
        """Up to three pairs of words as placeholders, besides `parts`, and one more at an end of some pairs."""
        pairs = self._lexicon.pairs(source, target)
        words = [(one.span(), other.span()) for one, other in pairs if min(len(one[0]), len(other[0])) >= SHORTEST]
        free = [pair for pair in words if not any(_overlap(pair, part) for part in parts)]
        chosen = draw.sample(free, min(len(free), draw.choice((1, 1, 1, 2, 2, 3))))
        parts = sorted([*parts, *chosen])[: len(self._placeholders) - 1]
        *numbers, extra = self._numbers(len(parts) + 1, draw)
        source, target = replace_parts(source, target, parts, numbers)
        if draw.random() < _AT_AN_END or not parts:
            at_start = draw.random() < 0.5
            source, target = (_at_an_end(side, extra, at_start) for side in (source, target))
        return source, target

    def _numbers(self, count: int, draw: random.Random) -> str:
        """Placeholders in order, from a random one on: all of them are to be trained alike."""
        first = draw.randrange(len(self._placeholders)) if count else 0
        return (self._placeholders * 2)[first : first + count]


def shared_spans(source: str, target: str) -> list[tuple[Part, Part]]:
    """The protected spans of the source that read like words and stand in the target too, each once."""
    spans = [span for span in find_spans(source) if span.word]
    texts = [source[span.start : span.end] for span in spans]
    shared = []
    for span, text in zip(spans, texts):
        places = list(re.finditer(rf"(?<!\w){re.escape(text)}(?!\w)", target))
        if len(places) == 1 and texts.count(text) == 1:
            shared.append(((span.start, span.end), places[0].span()))
    targets = sorted(part for _, part in shared)
    overlapping = any(one[1] > other[0] for one, other in pairwise(targets))
    return [] if overlapping else shared


def replace_parts(
    source: str, target: str, parts: Sequence[tuple[Part, Part]], placeholders: Iterable[str]
) -> tuple[str, str]:
    """Replace parts of both sides by placeholders; `parts` are in the order of the source and do not overlap."""
    if not parts:
        return source, target
    replaced = list(zip(parts, placeholders))
    return (
        _replaced(source, [(part, placeholder) for (part, _), placeholder in replaced]),
        _replaced(target, [(part, placeholder) for (_, part), placeholder in replaced]),
    )


def _replaced(text: str, parts: Sequence[tuple[Part, str]]) -> str:
    for (start, end), placeholder in sorted(parts, reverse=True):  # from the right: the other offsets stay valid
        text = text[:start] + placeholder + text[end:]
    return text


def _overlap(one: tuple[Part, Part], other: tuple[Part, Part]) -> bool:
    return any(a[0] < b[1] and b[0] < a[1] for a, b in zip(one, other))


def _at_an_end(text: str, placeholder: str, at_start: bool) -> str:
    if at_start:
        return f"{placeholder} {text}"
    mark = text[-1:] if text[-1:] in (".", "!", "?") else ""
    return f"{text.removesuffix(mark)} {placeholder}{mark}"


def replace_shared_word(source: str, target: str, words: re.Pattern[str], draw: random.Random) -> tuple[str, str]:
    """Replace one word that both sides share by an unknown character; return the pair as it is if they share none.

    Args:
        words: the pattern of the vocabulary, see `translation.reading.word_pattern`
        draw: chooses the word
    """
    sides = words.findall(source), words.findall(target)
    shared = sorted(word for word in set(sides[0]) & set(sides[1]) if len(word) >= SHORTEST or word.isdecimal())
    if not shared:
        return source, target
    chosen = draw.choice(shared)
    first, second = ("".join(UNKNOWN_CHARACTER if word == chosen else word for word in side) for side in sides)
    return first, second
