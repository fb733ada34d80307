"""Configuration of answerers: how a question looks at a picture. Nothing here needs torch."""

from __future__ import annotations

from dataclasses import dataclass

from s2s.config import option
from s2s.models.label_configuration import AttentionReadingConfig, ReadingConfig
from s2s.nn.configuration import MAX_UNITS, AdditiveConfig, AttentionConfig

MAX_HOPS = 8


@dataclass(frozen=True)
class StackedAttentionConfig:
    """Attention of a question over a picture, several times in a row (Yang et al., 2016)."""

    hops: int = option(2, low=1, high=MAX_HOPS, help="how often the question looks at the picture")
    dim: int = option(256, low=1, high=MAX_UNITS, help="of the question's vector and of the cells of the picture")
    attention: AttentionConfig = option(AdditiveConfig(256))
    reading: ReadingConfig = option(AttentionReadingConfig(), help="how the words of a question become one vector")
    cell_dropout: float = option(0.3, low=0, below=1, help="of the cells of the picture")
    dropout: float = option(0.5, low=0, below=1, help="of the vector that the answer is read from")
