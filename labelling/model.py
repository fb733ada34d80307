"""The model of classifiers and taggers: a text encoder with a head, and vocabularies, stored as one directory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from labelling.assets import Assets
from labelling.configuration import CLASSIFIER, TAGGER, LabellingConfig
from s2s.config import to_dict
from s2s.models.heads import LabelNetwork, build_label_network
from s2s.models.text_encoder import TextEncoder, build_text_encoder, source_embedding
from s2s.models.word_encoder import WordEncoder
from s2s.storage import model_directory
from s2s.storage.model_directory import StoredModel
from s2s.storage.weights import load_weights, weightless
from s2s.text.vocabulary import WordVocabulary


def build_network(config: LabellingConfig, words: int, characters: int) -> LabelNetwork:
    """The network, freshly initialised; the sizes are those of the vocabularies."""
    embedding = source_embedding(words, config.embedding_dim)
    encoder: TextEncoder
    if config.spelling is None:
        encoder = build_text_encoder(config.encoder, embedding)
    else:
        encoder = WordEncoder(config.encoder, embedding, config.spelling, characters)
    return build_label_network(encoder, config.head, len(config.labels))


@dataclass(frozen=True)
class LabellingModel:
    """A network and what it reads by."""

    assets: Assets
    network: LabelNetwork

    @property
    def config(self) -> LabellingConfig:
        """The configuration of the network."""
        return self.assets.config

    @property
    def text_encoder(self) -> TextEncoder:
        """What reads the words; see `s2s.models.pretrained.ReadsText`."""
        return self.network.encoder

    @property
    def source(self) -> WordVocabulary:
        """The vocabulary of what it reads."""
        return self.assets.words

    @classmethod
    def fresh(cls, assets: Assets) -> LabellingModel:
        """An untrained model."""
        return cls(assets, build_network(assets.config, len(assets.words), len(assets.characters or ())))

    @classmethod
    def load(cls, directory: Path | str, kind: str | None = None) -> LabellingModel:
        """Read a model directory; raises `UserError` if it is not one, is damaged, or is not of this kind."""
        return model_directory.load(directory, kind)

    def save(self, directory: Path, about: Mapping[str, Any]) -> None:
        """Write a model directory, in 16 bits."""
        model_directory.write_model(
            directory,
            kind=self.config.head.kind,
            config=to_dict(self.config),
            tensors=self.network.state_dict(),
            assets=self.assets.to_files(),
            about=about,
            dtype=torch.float16,
        )


def _build(stored: StoredModel) -> LabellingModel:
    assets = Assets.read(stored)
    with weightless():
        model = LabellingModel.fresh(assets)
    load_weights(model.network, stored.tensors, source=stored.directory)
    model.network.eval()
    return model


for _kind in (CLASSIFIER, TAGGER):
    model_directory.register(_kind, _build)
