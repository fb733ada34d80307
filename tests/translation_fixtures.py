"""A translation model of a few thousand random weights, with subwords of a few English lines."""

from __future__ import annotations

from dataclasses import replace

import torch

from s2s.decoder import DecoderConfig
from s2s.subwords import train_subwords
from s2s.vocabulary import END
from translation.encoder import EncoderConfig
from translation.model import TranslationConfig, TranslationModel

LINES = ["A man in a red hat is sleeping in the park .", "Two dogs play with a ball in the snow !"]
SHAPE = TranslationConfig(
    source_language="en",
    target_language="de",
    vocabulary_kind="word",
    joint_vocabulary=True,
    tie_embeddings=True,
    max_source_length=20,
    length_ratio=1.0,
    encoder=EncoderConfig(dim=8),
    decoder=DecoderConfig(embedding_dim=8, dim=8, attention_dim=8),
)


def tiny_model() -> TranslationModel:
    """It writes nonsense, of other words for other lines; it was "trained" on sources of at most 30 tokens."""
    vocabulary = train_subwords(LINES, 60)
    shape = replace(SHAPE, vocabulary_kind="bpe", max_source_length=30, decoder=replace(SHAPE.decoder, dim=16))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        model = TranslationModel.fresh(shape, vocabulary, vocabulary)
        with torch.no_grad():
            for parameter in model.network.parameters():
                parameter.normal_()
            model.network.decoder.projection.bias[END] += 2  # as it is, a random model hardly ever ends
    return model
