"""Configuration of models that label: how a word is spelt, how frames are read, and how vectors become labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from s2s.config import option
from s2s.models.configuration import RecurrentEncoderConfig
from s2s.nn.configuration import MAX_UNITS, AdditiveConfig, CellConfig, LSTMConfig, SoftAttentionConfig


@dataclass(frozen=True)
class SpellingConfig:
    """A bidirectional recurrent layer over the characters of a word (Ling et al., 2015)."""

    cell: CellConfig = option(LSTMConfig())
    embedding_dim: int = option(32, low=1, high=MAX_UNITS, help="of a character")
    dim: int = option(64, low=1, high=MAX_UNITS, help="units in each direction")

    @property
    def output_dim(self) -> int:
        """Width of what is added to the embedding of a word."""
        return 2 * self.dim


@dataclass(frozen=True)
class FrameByFrameConfig:
    """Each frame of a film by itself: what came before and comes after is not known."""

    kind: ClassVar[str] = "frame_by_frame"
    dim: int = option(256, low=1, high=MAX_UNITS, help="units of its layer")
    embedding_dropout: float = option(0.3, low=0, below=1, help="elements of the vector of a frame")

    @property
    def output_dim(self) -> int:
        """Width of the grid's vectors."""
        return self.dim


FrameEncoderConfig = RecurrentEncoderConfig | FrameByFrameConfig


@dataclass(frozen=True)
class LastReadingConfig:
    """The last state of each direction."""

    kind: ClassVar[str] = "last"


@dataclass(frozen=True)
class MeanReadingConfig:
    """The mean over the positions."""

    kind: ClassVar[str] = "mean"


@dataclass(frozen=True)
class MaxReadingConfig:
    """The largest value of each feature over the positions (Conneau et al., 2017)."""

    kind: ClassVar[str] = "max"


@dataclass(frozen=True)
class AttentionReadingConfig:
    """The mean over the positions, weighted by attention from a query that is learned (Yang et al., 2016)."""

    kind: ClassVar[str] = "attention"
    attention: SoftAttentionConfig = option(AdditiveConfig(128))


ReadingConfig = LastReadingConfig | MeanReadingConfig | MaxReadingConfig | AttentionReadingConfig


@dataclass(frozen=True)
class ClassifierHeadConfig:
    """One label a sentence."""

    kind: ClassVar[str] = "classifier"
    reading: ReadingConfig = option(AttentionReadingConfig(), help="how positions become one vector")
    dropout: float = option(0.5, low=0, below=1, help="of that vector")


@dataclass(frozen=True)
class TaggerHeadConfig:
    """One label a word, or a frame."""

    kind: ClassVar[str] = "tagger"
    dropout: float = option(0.5, low=0, below=1, help="of the vector of each word or frame")


HeadConfig = ClassifierHeadConfig | TaggerHeadConfig
