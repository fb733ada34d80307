"""Configuration of a language model, as a model directory holds it. Nothing here needs torch."""

from __future__ import annotations

from dataclasses import dataclass

from s2s.config import option
from s2s.models.language_configuration import RecurrentLanguageModelConfig

KIND = "language_model"  # of model directories
LENGTH = 500  # tokens of a sample, by default


@dataclass(frozen=True)
class LanguageModelConfig:
    """Everything that is needed to build the network for stored weights."""

    vocabulary_kind: str = option()
    model: RecurrentLanguageModelConfig = RecurrentLanguageModelConfig()
    example: str = option("", help="a line that the model can continue, which pages offer")
