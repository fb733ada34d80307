"""Configuration of a translation model, as a model directory holds it. Nothing here needs torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from s2s.config import option
from s2s.models.configuration import DecoderConfig, ParallelConfig, RecurrentEncoderConfig, TextEncoderConfig
from s2s.nn.configuration import MAX_UNITS
from s2s.text.tokens import PLACEHOLDERS

KIND = "translation"  # of model directories
MODELS = Path(__file__).resolve().parent / "models"  # the bundled ones
# What is stored may be a stranger's: these bound the work and memory that it can ask for, beyond any in earnest.
MAX_SOURCE_LENGTH, MAX_LENGTH_RATIO = 100_000, 100.0


@dataclass(frozen=True)
class PictureConfig:
    """The photographs that stand beside the sentences, as a frozen CNN sees them."""

    backbone: str = option("efficientnet_lite2", help="the CNN; see s2s/vision/backbones.py")
    size: int = option(224, low=1, high=4096, help="pixels a side of the square that the CNN sees")
    fit: Literal["stretch", "pad"] = option(
        "stretch", help="stretch to the square, or keep the shape and pad with grey"
    )
    dim: int = option(256, low=1, high=MAX_UNITS, help="of the vectors that the CNN's cells are projected to")


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
    picture: PictureConfig | None = option(None)
