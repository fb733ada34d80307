"""The answerer: a picture encoder, a question encoder, attention and answers, stored as one model directory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from question_answering.assets import Assets
from question_answering.configuration import (
    KIND,
    AnswererConfig,
    OwnPictureConfig,
    SharedPictureConfig,
)
from question_answering.eyes import shared_captioner
from s2s.config import to_dict
from s2s.models.answer_network import AnswerHead, AnswerNetwork
from s2s.models.configuration import GridEncoderConfig
from s2s.models.decoders import build_decoder
from s2s.models.heads import ClassifierNetwork
from s2s.models.image_encoder import GridEncoder, ImageEncoder, ProjectedCells
from s2s.models.label_configuration import ClassifierHeadConfig
from s2s.models.pretrained import load_eyes
from s2s.models.text_encoder import TextEncoder, source_embedding
from s2s.storage import model_directory
from s2s.storage.model_directory import StoredModel
from s2s.storage.weights import load_weights, weightless
from s2s.vision.backbones import Backbone, empty_backbone

_CNN = "encoder.backbone."  # the beginning of the names of its weights


def build_network(assets: Assets, backbone: Backbone) -> AnswerNetwork:
    """The network from pixels and questions to answers, freshly initialised except for the CNN."""
    config = assets.config
    attention, answers = config.attention, len(config.answers)
    written = None if assets.written is None else len(assets.written)
    decoder = None
    if config.decoder is not None and written is not None:
        decoder = build_decoder(config.decoder, written, attention.dim, 2 * attention.dim)
    blind = ClassifierNetwork(_reader(assets), ClassifierHeadConfig(attention.reading, attention.dropout), answers)
    head = AnswerHead(attention, _reader(assets), answers, blind, decoder)
    return AnswerNetwork(ImageEncoder(backbone, GridEncoder(GridEncoderConfig(attention.dim), backbone.dim)), head)


def _reader(assets: Assets) -> TextEncoder:
    """What reads questions; the blind network has its own."""
    return TextEncoder(assets.config.encoder, source_embedding(len(assets.words), assets.config.embedding_dim))


@dataclass(frozen=True)
class AnswererModel:
    """A network, and what it reads by.

    Attributes:
        network: from `Pixels` and questions to answers, its encoder an `ImageEncoder`
    """

    assets: Assets
    network: AnswerNetwork

    @property
    def config(self) -> AnswererConfig:
        """The configuration of the network."""
        return self.assets.config

    @property
    def encoder(self) -> ImageEncoder:
        """Of the pictures."""
        assert isinstance(self.network.encoder, ImageEncoder)
        return self.network.encoder

    def without_cnn(self) -> AnswerNetwork:
        """Return a network from `Features` to answers that shares its modules with `network`."""
        return AnswerNetwork(self.encoder.grid, self.network.head)

    @classmethod
    def load(cls, directory: Path | str) -> AnswererModel:
        """Read a model directory; raises `UserError` if it is not one, is damaged, or holds another kind of model."""
        return model_directory.load(directory, KIND)

    def save(self, directory: Path, about: Mapping[str, Any]) -> None:
        """Write a model directory, in 16 bits, without the CNN of a captioner that is shared."""
        shared = isinstance(self.config.picture, SharedPictureConfig)
        tensors = {
            name: tensor for name, tensor in self.network.state_dict().items() if not (shared and name.startswith(_CNN))
        }
        model_directory.write_model(
            directory,
            kind=KIND,
            config=to_dict(self.config),
            tensors=tensors,
            assets=self.assets.to_files(),
            about=about,
            dtype=torch.float16,
        )


def _build(stored: StoredModel) -> AnswererModel:
    assets = Assets.read(stored)
    picture, tensors = assets.config.picture, dict(stored.tensors)
    if isinstance(picture, SharedPictureConfig):
        eyes, _ = load_eyes(shared_captioner(picture, stored.directory))
        tensors |= {f"{_CNN}{name}": tensor for name, tensor in eyes.state_dict().items()}
        with weightless():
            network = build_network(assets, eyes)
    else:
        with weightless():
            network = build_network(assets, _own_backbone(picture))
    load_weights(network, tensors, source=stored.directory)
    return AnswererModel(assets, network.eval())


def _own_backbone(picture: OwnPictureConfig) -> Backbone:
    """A CNN for stored weights, with the grid encoder of a captioner above it where the configuration says so."""
    backbone = empty_backbone(picture.backbone)
    if picture.projection is None:
        return backbone
    grid = GridEncoder(GridEncoderConfig(picture.projection), backbone.dim)
    return backbone.extended(ProjectedCells(grid), picture.projection)


model_directory.register(KIND, _build, limits=["max_answer_length"])
