"""Batches of sentences that are lists of words, with the spelling of each different word."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from s2s.arrays import Array
from s2s.text.padding import Padded, pad
from s2s.text.vocabulary import CharacterVocabulary, WordVocabulary

LONGEST_WORD = 64  # characters that are read of a word; of a longer one its beginning and its end


@dataclass(frozen=True, eq=False)
class PaddedWords(Padded):
    """Sentences of words, and how the words are spelt.

    Each different word of the batch is spelt once, so that layers over characters read it once.

    Attributes:
        spellings: (different words, longest) int64 ids of characters, PAD after the end of each word.
        spelling_lengths: (different words,) int64, at least 1.
        spelling_of: (rows, longest) int64, which of these each word is; 0 at padding.
    """

    spellings: Array
    spelling_lengths: Array
    spelling_of: Array

    def moved(self, move: Callable[[Any], Any]) -> PaddedWords:
        """See `Padded`."""
        return PaddedWords(*map(move, vars(self).values()))


def pad_words(
    sentences: Sequence[Sequence[str]], ids: Sequence[Sequence[int]], characters: CharacterVocabulary
) -> PaddedWords:
    """Return sentences with their spellings as NumPy arrays.

    Args:
        sentences: of at least one word each, none of which is empty
        ids: of the words
        characters: the vocabulary of the spellings
    """
    numbers: dict[str, int] = {}
    spelling_of = [[numbers.setdefault(word, len(numbers)) for word in sentence] for sentence in sentences]
    spelt = pad([characters.encode(shortened(word)) for word in numbers])
    padded = pad(ids)
    places = np.zeros_like(padded.ids)
    places[padded.mask] = list(chain.from_iterable(spelling_of))
    return PaddedWords(padded.ids, padded.lengths, spelt.ids, spelt.lengths, places)


def shortened(word: str) -> str:
    """The word, or the beginning and the end of one that is longer than `LONGEST_WORD`."""
    half = LONGEST_WORD // 2
    return word if len(word) <= LONGEST_WORD else word[:half] + word[-half:]


def word_ids(sentences: Sequence[Sequence[str]], vocabulary: WordVocabulary, *, lower_case: bool) -> list[list[int]]:
    """The ids of words, in lower case where the vocabulary is."""
    return [
        vocabulary.encode_tokens([word.lower() for word in sentence] if lower_case else sentence)
        for sentence in sentences
    ]
