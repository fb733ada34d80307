"""Configuration of a captioning model, as a model directory holds it. Nothing here needs torch."""

from __future__ import annotations

from dataclasses import dataclass

from captioning.writing import TextKind, Writing
from s2s.config import option
from s2s.models.configuration import DecoderConfig, GridEncoderConfig, ImageEncoderConfig, ParallelConfig
from s2s.text.languages import ENGLISH
from s2s.vision.images import Preprocessing

KIND = "captioning"  # of model directories
MAX_CAPTION_LENGTH = 10_000  # far beyond any in earnest: what a stranger's model can ask for is bounded


@dataclass(frozen=True)
class CaptioningConfig:
    """Everything that is needed to build the network for stored weights and to prepare its pictures."""

    backbone: str = option(help="the CNN's name; see s2s/vision/backbones.py")
    vocabulary_kind: str = option()
    max_caption_length: int = option(low=1, high=MAX_CAPTION_LENGTH, help="tokens of the longest caption trained on")
    preprocessing: Preprocessing = Preprocessing()
    encoder: ImageEncoderConfig = GridEncoderConfig()
    decoder: DecoderConfig = ParallelConfig()
    text: TextKind = option("treebank", help="how its captions are written; see captioning/writing.py")
    language: str = option(ENGLISH, help="of its captions, a code such as de")

    @property
    def writing(self) -> Writing:
        """How its captions are written."""
        return Writing(self.text, words=self.vocabulary_kind == "word", language=self.language)
