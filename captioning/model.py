"""The captioning model: a CNN, a grid encoder, a decoder and a vocabulary, stored as one model directory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from captioning import familiarity
from captioning.assets import Assets
from captioning.configuration import KIND, CaptioningConfig
from captioning.engine import CaptioningEngine
from captioning.familiarity import Familiarity
from captioning.torch_encoder import TorchEncoder
from s2s.config import to_dict
from s2s.decoding import confidence
from s2s.decoding.confidence import Calibration
from s2s.decoding.torch_network import TorchNetwork
from s2s.models.decoders import build_decoder
from s2s.models.encoder_decoder import EncoderDecoder
from s2s.models.image_encoder import ImageEncoder, build_grid_encoder
from s2s.models.quantisation import check_not_quantised, decoding_precision, quantise_for_decoding
from s2s.nn.configuration import DecodingPrecision, Precision
from s2s.nn.precision import choose_device, use_threads
from s2s.storage import model_directory
from s2s.storage.model_directory import StoredModel
from s2s.storage.weights import load_weights, weightless
from s2s.text.vocabulary import Vocabulary
from s2s.vision.backbones import Backbone, empty_backbone
from s2s.vision.images import Preprocessing


def build_network(config: CaptioningConfig, backbone: Backbone, tokens: int) -> EncoderDecoder:
    """The network from pixels to tokens, freshly initialised except for the CNN."""
    grid = build_grid_encoder(config.encoder, backbone.dim)
    decoder = build_decoder(config.decoder, tokens, grid.output_dim, grid.summary_dim)
    return EncoderDecoder(ImageEncoder(backbone, grid), decoder)


@dataclass(frozen=True)
class CaptioningModel:
    """A network and the vocabulary that turns its tokens into text.

    Attributes:
        network: from `Pixels` to tokens, its encoder an `ImageEncoder`
        familiarity: what its training pictures look like; None if it was not calibrated
        calibration: of its confidence; None if it was not calibrated
    """

    config: CaptioningConfig
    vocabulary: Vocabulary
    network: EncoderDecoder
    familiarity: Familiarity | None = None
    calibration: Calibration | None = None

    @property
    def encoder(self) -> ImageEncoder:
        """Of the network."""
        assert isinstance(self.network.encoder, ImageEncoder)
        return self.network.encoder

    @property
    def preprocessing(self) -> Preprocessing:
        """How a photograph becomes its square; see `s2s.models.pretrained.SeesPictures`."""
        return self.config.preprocessing

    def without_cnn(self) -> EncoderDecoder:
        """Return a network from `Features` to tokens that shares its modules with `network`; call this once."""
        return EncoderDecoder(self.encoder.grid, self.network.decoder)

    @classmethod
    def load(cls, directory: Path | str) -> CaptioningModel:
        """Read a model directory; raises `UserError` if it is not one, is damaged, or holds another kind of model."""
        return model_directory.load(directory, KIND)

    def engine(self, precision: Precision = "auto") -> CaptioningEngine:
        """The model as a `Captioner` takes it: it shares its network, which must be on its device and evaluating.

        Args:
            precision: of matrix products
        """
        network = TorchNetwork(self.without_cnn(), precision)
        searches_in = decoding_precision(self.network.decoder, precision, network.device)
        return CaptioningEngine(
            self.config,
            self.vocabulary,
            self.familiarity,
            self.calibration,
            encode=TorchEncoder(self.encoder, precision),
            network=network,
            precision=searches_in,
        )

    def save(self, directory: Path, about: Mapping[str, Any]) -> None:
        """Write a model directory, in 16 bits; raises `UserError` if the model was quantised for decoding."""
        check_not_quantised(self.network.decoder)
        assets = {"vocabulary": self.vocabulary.to_bytes()}
        if self.familiarity:
            assets[familiarity.FILE] = self.familiarity.to_bytes()
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


def _build(stored: StoredModel) -> CaptioningModel:
    assets = Assets.read(stored)
    with weightless():
        backbone = empty_backbone(assets.config.backbone)
        network = build_network(assets.config, backbone, len(assets.vocabulary))
    load_weights(network, stored.tensors, source=stored.directory)
    assets.check_dim(backbone.dim, stored.directory)
    return CaptioningModel(**vars(assets), network=network.eval())


model_directory.register(KIND, _build, limits=["max_caption_length"])


def load_engine(
    directory: Path, device: str = "auto", precision: DecodingPrecision = "auto", threads: int | None = None
) -> CaptioningEngine:
    """Load a model for PyTorch, quantised if `precision` says so; `threads` are those of the whole process.

    Raises:
        UserError: the model is missing or damaged; the device or the precision is not available.
    """
    use_threads(threads)
    chosen, model = choose_device(device), CaptioningModel.load(directory)
    model.network.to(chosen)
    return model.engine(quantise_for_decoding(model.network.decoder, precision, chosen))
