"""The language model: a network with its vocabulary, stored as one model directory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from language_model.assets import VOCABULARY, Assets
from language_model.configuration import KIND, LanguageModelConfig
from language_model.engine import LanguageEngine
from s2s.config import to_dict
from s2s.decoding.torch_network import TorchNetwork
from s2s.models.encoder_decoder import EncoderDecoder
from s2s.models.language_model import RecurrentLanguageModel
from s2s.models.quantisation import check_not_quantised, decoding_precision, quantise_for_decoding
from s2s.nn.configuration import DecodingPrecision, Precision
from s2s.nn.precision import choose_device, use_threads
from s2s.storage import model_directory
from s2s.storage.model_directory import StoredModel
from s2s.storage.weights import load_weights, weightless
from s2s.text.vocabulary import Vocabulary


@dataclass(frozen=True)
class LanguageModel:
    """A network and the vocabulary that turns text into its tokens and back."""

    config: LanguageModelConfig
    vocabulary: Vocabulary
    decoder: RecurrentLanguageModel

    @classmethod
    def fresh(cls, config: LanguageModelConfig, vocabulary: Vocabulary) -> LanguageModel:
        """An untrained model."""
        return cls(config, vocabulary, RecurrentLanguageModel(config.model, len(vocabulary)))

    @classmethod
    def load(cls, directory: Path | str) -> LanguageModel:
        """Read a model directory; raises `UserError` if it is not one, is damaged, or holds another kind of model."""
        return model_directory.load(directory, KIND)

    def engine(self, precision: Precision = "auto") -> LanguageEngine:
        """The model as a `Generator` takes it: it shares its network, which must be on its device and evaluating."""
        network = TorchNetwork(EncoderDecoder(None, self.decoder), precision)
        writes_in = decoding_precision(self.decoder, precision, network.device)
        return LanguageEngine(self.config, self.vocabulary, network, 1, writes_in)

    def save(self, directory: Path, about: Mapping[str, Any]) -> None:
        """Write a model directory, in 16 bits; raises `UserError` if the model was quantised for decoding."""
        check_not_quantised(self.decoder)
        model_directory.write_model(
            directory,
            kind=KIND,
            config=to_dict(self.config),
            tensors=self.decoder.state_dict(),
            assets={VOCABULARY: self.vocabulary.to_bytes()},
            about=about,
            dtype=torch.float16,
        )


def _build(stored: StoredModel) -> LanguageModel:
    assets = Assets.read(stored)
    with weightless():
        decoder = RecurrentLanguageModel(assets.config.model, len(assets.vocabulary))
    load_weights(decoder, stored.tensors, source=stored.directory)
    return LanguageModel(assets.config, assets.vocabulary, decoder.eval())


model_directory.register(KIND, _build)


def load_model(directory: Path, device: str = "auto", threads: int | None = None) -> LanguageModel:
    """Load a model for PyTorch onto a device; `threads` are those of the whole process.

    Raises:
        UserError: the model is missing or damaged, or the device is not available.
    """
    use_threads(threads)
    chosen, model = choose_device(device), LanguageModel.load(directory)
    model.decoder.to(chosen)
    return model


def load_engine(
    directory: Path, device: str = "auto", precision: DecodingPrecision = "auto", threads: int | None = None
) -> LanguageEngine:
    """Load a model for PyTorch to write with, quantised if `precision` says so.

    Raises:
        UserError: as `load_model`; or the precision is not available.
    """
    model = load_model(directory, device, threads)
    chosen = model.decoder.embedding.weight.device
    return model.engine(quantise_for_decoding(model.decoder, precision, chosen))
