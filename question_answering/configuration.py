"""Configuration of an answerer, as a model directory holds it. Nothing here needs torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from s2s.config import option
from s2s.models.answer_configuration import StackedAttentionConfig
from s2s.models.configuration import DecoderConfig, RecurrentEncoderConfig
from s2s.nn.configuration import MAX_UNITS
from s2s.vision.images import Preprocessing

KIND = "answerer"  # of model directories
MAX_ANSWERS = 100_000  # a model may be a stranger's
MAX_ANSWER_LENGTH = 1_000  # tokens; far beyond any in earnest


@dataclass(frozen=True)
class OwnPictureConfig:
    """A picture encoder whose weights are stored with the model."""

    kind: ClassVar[str] = "own"
    backbone: str = option(help="the CNN's name; see s2s/vision/backbones.py")
    projection: int | None = option(None, low=1, high=MAX_UNITS, help="width of a captioner's grid above the CNN")
    preprocessing: Preprocessing = Preprocessing()


@dataclass(frozen=True)
class SharedPictureConfig:
    """The picture encoder of a bundled captioner, whose weights are not stored again."""

    kind: ClassVar[str] = "shared"
    model: str = option(help="the captioner's name")
    weights: str = option(help="the SHA-256 of the captioner's weights")
    dim: int = option(low=1, high=MAX_UNITS, help="of its grid")
    preprocessing: Preprocessing = Preprocessing()


PictureConfig = OwnPictureConfig | SharedPictureConfig


@dataclass(frozen=True)
class AnswererConfig:
    """Everything that is needed to build the network for stored weights, and to read questions as in training."""

    answers: tuple[str, ...] = option(help="in the order of the scores")
    picture: PictureConfig = option()
    embedding_dim: int = option(low=1, high=MAX_UNITS, help="of a word")
    encoder: RecurrentEncoderConfig = RecurrentEncoderConfig()
    attention: StackedAttentionConfig = StackedAttentionConfig()
    decoder: DecoderConfig | None = option(None, help="what writes answers; none in a model that only chooses")
    max_answer_length: int = option(1, low=1, high=MAX_ANSWER_LENGTH, help="tokens of the longest answer trained on")

    def problems(self) -> Iterator[str]:
        """Report answers that are none, too many, or the same."""
        if not 0 < len(self.answers) <= MAX_ANSWERS or len(set(self.answers)) < len(self.answers):
            yield f"answers must be 1 to {MAX_ANSWERS:,} different texts"
        if any(not answer or {"\n", "\t"} & set(answer) for answer in self.answers):
            yield "an answer must be text without tabs and line ends"
