"""The translation model: an encoder-decoder with its vocabularies, stored as one model directory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from s2s.config import to_dict
from s2s.decoding import confidence
from s2s.decoding.confidence import Calibration
from s2s.decoding.torch_network import TorchNetwork
from s2s.models.configuration import GridEncoderConfig
from s2s.models.decoders import build_decoder
from s2s.models.encoder_decoder import EncoderDecoder
from s2s.models.image_encoder import GridEncoder, ImageEncoder
from s2s.models.pictured_text import PicturedTextEncoder
from s2s.models.quantisation import check_not_quantised, decoding_precision, quantise_for_decoding
from s2s.models.text_encoder import TextEncoder, build_text_encoder, source_embedding
from s2s.models.transformer_encoder import TransformerEncoder
from s2s.nn.configuration import DecodingPrecision, Precision
from s2s.nn.precision import choose_device, use_threads
from s2s.storage import model_directory
from s2s.storage.model_directory import StoredModel
from s2s.storage.weights import load_weights, weightless
from s2s.text.vocabulary import Vocabulary
from s2s.vision.backbones import Backbone, empty_backbone
from translation.assets import Assets
from translation.configuration import KIND, TranslationConfig
from translation.engine import TranslationEngine
from translation.pictures import PictureReader, preprocessing

BATCH_TOKENS = 8192  # of a batch in search, for PyTorch; see `TranslationEngine`


def build_network(
    config: TranslationConfig, source_size: int, target_size: int, backbone: Backbone | None = None
) -> EncoderDecoder:
    """The network, freshly initialised.

    Args:
        config: its shape
        source_size, target_size: of the vocabularies
        backbone: the CNN of a model that sees pictures; None for one without weights
    """
    memory_dim = config.encoder.output_dim
    image = None
    if config.picture:
        backbone = backbone or empty_backbone(config.picture.backbone)
        backbone.unfreeze(0)
        image = ImageEncoder(backbone, GridEncoder(GridEncoderConfig(config.picture.dim), backbone.dim))
    summary_dim = memory_dim + (image.grid.summary_dim if image else 0)
    decoder = build_decoder(config.decoder, target_size, memory_dim, summary_dim)
    embedding = (
        decoder.embedding if config.tie_embeddings else source_embedding(source_size, config.decoder.embedding_dim)
    )
    text = build_text_encoder(config.encoder, embedding)
    return EncoderDecoder(PicturedTextEncoder(text, image) if image else text, decoder)


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

    @property
    def text_encoder(self) -> TextEncoder | TransformerEncoder:
        """What reads the source; see `s2s.models.pretrained.ReadsText`."""
        encoder = self.network.encoder
        encoder = encoder.text if isinstance(encoder, PicturedTextEncoder) else encoder
        assert isinstance(encoder, TextEncoder | TransformerEncoder)
        return encoder

    @property
    def backbone(self) -> Backbone | None:
        """The CNN of a model that sees pictures; None for any other."""
        encoder = self.network.encoder
        return encoder.image.backbone if isinstance(encoder, PicturedTextEncoder) else None

    @classmethod
    def fresh(
        cls,
        config: TranslationConfig,
        source: Vocabulary,
        target: Vocabulary,
        backbone: Backbone | None = None,
    ) -> TranslationModel:
        """An untrained model; `backbone` is the CNN of one that sees pictures."""
        return cls(config, source, target, build_network(config, len(source), len(target), backbone))

    @classmethod
    def load(cls, directory: Path | str) -> TranslationModel:
        """Read a model directory; raises `UserError` if it is not one, is damaged, or holds another kind of model."""
        return model_directory.load(directory, KIND)

    def engine(self, precision: Precision = "auto") -> TranslationEngine:
        """The model as a `Translator` takes it: it shares its network, which must be on its device and evaluating.

        Args:
            precision: of matrix products
        """
        network = TorchNetwork(self.network, precision)
        searches_in = decoding_precision(self.network.decoder, precision, network.device)
        assets = Assets(self.config, self.source, self.target, self.calibration)
        encoder, look = self.network.encoder, None
        if self.config.picture and isinstance(encoder, PicturedTextEncoder):
            look = PictureReader(encoder.image, preprocessing(self.config.picture), precision)
        return TranslationEngine(
            **vars(assets), network=network, precision=searches_in, batch_tokens=BATCH_TOKENS, look=look
        )

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
    assets = Assets.read(stored)
    with weightless():
        network = build_network(assets.config, len(assets.source), len(assets.target))
    load_weights(network, stored.tensors, source=stored.directory)
    return TranslationModel(**vars(assets), network=network.eval())


model_directory.register(KIND, _build, limits=["max_source_length", "length_ratio", "rare_characters"])


def load_engine(
    directory: Path, device: str = "auto", precision: DecodingPrecision = "auto", threads: int | None = None
) -> TranslationEngine:
    """Load a model for PyTorch, quantised if `precision` says so; `threads` are those of the whole process.

    Raises:
        UserError: the model is missing or damaged; the device or the precision is not available.
    """
    use_threads(threads)
    chosen, model = choose_device(device), TranslationModel.load(directory)
    model.network.to(chosen)
    return model.engine(quantise_for_decoding(model.network.decoder, precision, chosen))
