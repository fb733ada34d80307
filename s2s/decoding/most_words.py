"""A constraint on the number of words: a sentence that has as many as allowed goes on with its last word, or ends."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from s2s.arrays import Array, namespace, repeat
from s2s.decoding.constraints import keep_rows
from s2s.text.tokens import SPECIALS
from s2s.text.vocabulary import Vocabulary


@dataclass(frozen=True)
class MostWords:
    """No row has more than so many words; signs are none.

    Attributes:
        words: (rows,) int64, how many each row has
        begins: (vocabulary,) bool, whether a word begins with a token
        most: how many there may be
    """

    words: Array
    begins: Array
    most: int

    @classmethod
    def of(cls, sentences: int, vocabulary: Vocabulary, most: int, array: Callable[[Any], Array]) -> MostWords:
        """The constraint before the first token of each sentence; `array` is `Network.array`."""
        tokens = vocabulary.tokens(range(len(vocabulary)))
        spoken = [any(map(str.isalnum, token)) or not token.strip() for token in tokens]  # a space alone begins a word
        begins = np.array(vocabulary.word_starts()) & np.array(spoken)
        begins[: len(SPECIALS)] = False
        return cls(array(np.zeros(sentences, dtype=np.int64)), array(begins), most)

    def read(self, tokens: Array) -> MostWords:
        """See `Constraint`."""
        xp = namespace(tokens)
        return replace(self, words=self.words + xp.astype(self.begins[tokens], xp.int64))

    def apply(self, log_probabilities: Array, attention: Array | None = None) -> Array:
        """See `Constraint`."""
        xp = namespace(log_probabilities)
        full = self.words >= self.most
        return xp.where(full[:, None] & self.begins[None, :], -math.inf, log_probabilities)

    def reorder(self, parents: Array) -> MostWords:
        """See `Constraint`."""
        return replace(self, words=self.words[parents])

    def keep(self, sentences: Array, total: int) -> MostWords:
        """See `Constraint`."""
        return replace(self, words=keep_rows(self.words, sentences, total))

    def repeat(self, times: int) -> MostWords:
        """See `Constraint`."""
        return replace(self, words=repeat(self.words, times))
