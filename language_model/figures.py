"""The figures of a language model: nats and bits per character, perplexity per token and per word."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Figures:
    """How well a text is predicted. Two models with different tokens can be compared by characters and by words.

    Attributes:
        nats: minus the log-probability of the whole text
        tokens: of the model
        characters, words: of the text, see language_model/corpus.py
    """

    nats: float
    tokens: int
    characters: int
    words: int

    @property
    def nats_per_token(self) -> float:
        """The loss of training."""
        return self.nats / self.tokens

    @property
    def nats_per_character(self) -> float:
        """The mean of minus ln p."""
        return self.nats / self.characters

    @property
    def bits_per_character(self) -> float:
        """The mean of minus log2 p."""
        return self.nats_per_character / math.log(2)

    @property
    def word_perplexity(self) -> float:
        """The exponential of the nats per word; infinity where that is too large for a number."""
        exponent = self.nats / self.words
        return math.exp(exponent) if exponent < 700 else math.inf
