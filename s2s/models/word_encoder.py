"""The word encoder: a text encoder that also reads how each word is spelt."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from s2s.models.configuration import RecurrentEncoderConfig
from s2s.models.label_configuration import SpellingConfig
from s2s.models.text_encoder import TextEncoder, source_embedding
from s2s.nn.recurrent import RecurrentEncoder
from s2s.text.padding import Padded
from s2s.text.words import PaddedWords


class SpellingEncoder(nn.Module):
    """A vector for each word, from its characters: the last states of a layer in both directions.

    Args:
        config: the shape
        characters: size of the vocabulary
    """

    def __init__(self, config: SpellingConfig, characters: int) -> None:
        super().__init__()
        self.embedding = source_embedding(characters, config.embedding_dim)
        self.layers = RecurrentEncoder(config.cell, config.embedding_dim, config.dim, bidirectional=True)

    def forward(self, source: PaddedWords) -> Tensor:
        """Each different word once, then spread over the sentences -> (batch, positions, 2 * dim)."""
        encoded = self.layers(self.embedding(source.spellings), source.spelling_lengths)
        words = torch.cat([encoded.ahead[-1][0], encoded.back[-1][0]], -1)  # (different words, 2 * dim)
        return nn.functional.embedding(source.spelling_of, words)


class WordEncoder(TextEncoder):
    """A `TextEncoder` of `PaddedWords`: it reads the embedding of each word beside what its spelling says.

    Args:
        config: the shape
        embedding: of the words
        spelling: what the characters are read by
        characters: size of their vocabulary
    """

    def __init__(
        self, config: RecurrentEncoderConfig, embedding: nn.Embedding, spelling: SpellingConfig, characters: int
    ) -> None:
        super().__init__(config, embedding, spelling.output_dim)
        self.spelling = SpellingEncoder(spelling, characters)

    def embed(self, source: Padded) -> Tensor:
        """See `TextEncoder`."""
        assert isinstance(source, PaddedWords)
        words = self.embedding(source.ids)
        return torch.cat([words, self.spelling(source).to(words.dtype)], -1)
