"""The translation model: an encoder-decoder with its vocabularies, stored as one model directory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from s2s.config import from_dict, option, to_dict
from s2s.decoding import confidence
from s2s.decoding.confidence import Calibration, read_calibration
from s2s.models.configuration import DecoderConfig, ParallelConfig, RecurrentEncoderConfig, TextEncoderConfig
from s2s.models.decoders import build_decoder
from s2s.models.encoder_decoder import EncoderDecoder
from s2s.models.quantisation import check_not_quantised
from s2s.models.text_encoder import build_text_encoder, source_embedding
from s2s.storage import model_directory
from s2s.storage.model_directory import StoredModel
from s2s.storage.weights import load_weights, weightless
from s2s.text import vocabulary
from s2s.text.tokens import PLACEHOLDERS
from s2s.text.vocabulary import Vocabulary
from translation.confidence import WORDS

KIND = "translation"
# What is stored may be a stranger's: these bound the work and memory that it can ask for, beyond any in earnest.
MAX_SOURCE_LENGTH, MAX_LENGTH_RATIO = 100_000, 100.0


@dataclass(frozen=True)
class TranslationConfig:
    """Everything that is needed to build the network for stored weights."""

    source_language: str = option()
    target_language: str = option()
    vocabulary_kind: str = option()
    joint_vocabulary: bool = option()
    tie_embeddings: bool = option()
    max_source_length: int = option(low=1, high=MAX_SOURCE_LENGTH, help="tokens of the longest source trained on")
    length_ratio: float = option(
        above=0, high=MAX_LENGTH_RATIO, help="target tokens per source token; few training pairs have more"
    )
    placeholders: int = option(0, low=0, high=len(PLACEHOLDERS), help="the last tokens of both vocabularies")
    rare_characters: str = option("", help="of the source; too rare in training to be read, so they are copied")
    encoder: TextEncoderConfig = RecurrentEncoderConfig()
    decoder: DecoderConfig = ParallelConfig()


def build_network(config: TranslationConfig, source_size: int, target_size: int) -> EncoderDecoder:
    """The network, freshly initialised; the sizes are those of the vocabularies."""
    memory_dim = config.encoder.output_dim
    decoder = build_decoder(config.decoder, target_size, memory_dim, memory_dim)
    embedding = (
        decoder.embedding if config.tie_embeddings else source_embedding(source_size, config.decoder.embedding_dim)
    )
    return EncoderDecoder(build_text_encoder(config.encoder, embedding), decoder)


@dataclass(frozen=True)
class TranslationModel:
    """A network and the vocabularies that turn text into its tokens and back.

    Attributes:
        calibration: of its confidence; None if it was not calibrated
    """

    config: TranslationConfig
    source: Vocabulary
    target: Vocabulary
    network: EncoderDecoder
    calibration: Calibration | None = None

    @classmethod
    def fresh(cls, config: TranslationConfig, source: Vocabulary, target: Vocabulary) -> TranslationModel:
        """An untrained model."""
        return cls(config, source, target, build_network(config, len(source), len(target)))

    @classmethod
    def load(cls, directory: Path | str) -> TranslationModel:
        """Read a model directory; raises `UserError` if it is not one, is damaged, or holds another kind of model."""
        return model_directory.load(directory, KIND)

    def save(self, directory: Path, about: Mapping[str, Any]) -> None:
        """Write a model directory, in 16 bits; raises `UserError` if the model was quantised for decoding."""
        check_not_quantised(self.network.decoder)
        assets = {"source.vocabulary": self.source.to_bytes()}
        if not self.config.joint_vocabulary:
            assets["target.vocabulary"] = self.target.to_bytes()
        if self.calibration:
            assets[confidence.FILE] = self.calibration.to_json()
        model_directory.write_model(
            directory,
            kind=KIND,
            config=to_dict(self.config),
            tensors=self.network.state_dict(),
            assets=assets,
            about=about,
            dtype=torch.float16,
        )


def _build(stored: StoredModel) -> TranslationModel:
    config = from_dict(TranslationConfig, stored.config, source=str(stored.path))
    load = partial(vocabulary.load_vocabulary, config.vocabulary_kind, placeholders=config.placeholders)
    source = load(stored.asset("source.vocabulary"))
    target = source if config.joint_vocabulary else load(stored.asset("target.vocabulary"))
    with weightless():
        network = build_network(config, len(source), len(target))
    load_weights(network, stored.tensors, source=stored.directory)
    path = stored.directory / confidence.FILE
    calibration = read_calibration(stored.assets.get(confidence.FILE), path, WORDS)
    return TranslationModel(config, source, target, network.eval(), calibration)


model_directory.register(KIND, _build, limits=["max_source_length", "length_ratio", "rare_characters"])
