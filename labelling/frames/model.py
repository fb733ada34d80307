"""The model of a frame labeller: a CNN, an encoder of films and a head, stored as one model directory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from labelling.frames.configuration import FRAME_LABELLER, FrameLabellerConfig
from s2s.config import from_dict, to_dict
from s2s.models.frame_encoder import FrameEncoder, build_frame_encoder
from s2s.models.heads import TaggerNetwork
from s2s.storage import model_directory
from s2s.storage.model_directory import StoredModel
from s2s.storage.weights import load_weights, weightless
from s2s.vision.backbones import Backbone, empty_backbone


@dataclass(frozen=True)
class FrameLabellerModel:
    """A frozen CNN, and the network that labels its vectors."""

    config: FrameLabellerConfig
    backbone: Backbone
    network: TaggerNetwork[FrameEncoder]

    @classmethod
    def fresh(cls, config: FrameLabellerConfig, backbone: Backbone) -> FrameLabellerModel:
        """An untrained model that looks through this CNN."""
        encoder = build_frame_encoder(config.encoder, backbone.dim * config.sides**2)
        return cls(config, backbone, TaggerNetwork(encoder, config.head, len(config.labels)))

    @property
    def whole(self) -> nn.Module:
        """All that is stored."""
        return nn.ModuleDict({"backbone": self.backbone, "network": self.network})

    @classmethod
    def load(cls, directory: Path | str) -> FrameLabellerModel:
        """Read a model directory; raises `UserError` if it is not one, is damaged, or holds another kind of model."""
        return model_directory.load(directory, FRAME_LABELLER)

    def save(self, directory: Path, about: Mapping[str, Any]) -> None:
        """Write a model directory, in 16 bits."""
        model_directory.write_model(
            directory,
            kind=FRAME_LABELLER,
            config=to_dict(self.config),
            tensors=self.whole.state_dict(),
            about=about,
            dtype=torch.float16,
        )


def _build(stored: StoredModel) -> FrameLabellerModel:
    config = from_dict(FrameLabellerConfig, stored.config, source=str(stored.path))
    with weightless():
        model = FrameLabellerModel.fresh(config, empty_backbone(config.backbone))
    load_weights(model.whole, stored.tensors, source=stored.directory)
    model.backbone.eval()
    model.network.eval()
    return model


model_directory.register(FRAME_LABELLER, _build)
