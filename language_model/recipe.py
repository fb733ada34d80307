"""The keys of a language model's recipe (TOML files such as those in language_model/recipes), as dataclasses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from s2s.config import option
from s2s.models.language_configuration import RecurrentLanguageModelConfig
from s2s.training.configuration import TrainingConfig


@dataclass(frozen=True)
class DataConfig:
    """The text: files to train on, and files to validate on, or a share of the text that is kept back for that."""

    train: tuple[Path, ...] = option(help="files of text, perhaps compressed by gzip; read as one text, in this order")
    validation: tuple[Path, ...] = option((), help="files of text that is not trained on; or set validation_share")
    validation_share: float = option(
        0.0, low=0, high=0.5, help="the last characters of the training text to validate on, as a share of all"
    )

    def problems(self) -> Iterator[str]:
        """Report files that are missing, and a validation text that is named twice or not at all."""
        if not self.train:
            yield "there is no text to train on: set train"
        if bool(self.validation) == bool(self.validation_share):
            yield "set either validation or validation_share"
        for path in (*self.train, *self.validation):
            if not path.is_file():
                yield f"{path} is not a file (paths are relative to the current directory)"


@dataclass(frozen=True)
class VocabularyConfig:
    """How text becomes tokens."""

    kind: Literal["character", "word", "bpe", "unigram"] = option("character")
    size: int = option(8000, low=8, high=1_000_000, help="bpe, unigram: tokens, the special ones included")
    threshold: int = option(1, low=1, help="character, word: how often a token must occur to be known")


@dataclass(frozen=True)
class BatchConfig:
    """Truncated back-propagation through time: the text in so many streams, read in chunks of so many tokens."""

    streams: int = option(64, low=1, high=65_536, help="parts of the text that are read side by side")
    steps: int = option(
        128, low=1, high=65_536, help="tokens of a chunk, the longest distance that a gradient goes back"
    )


@dataclass(frozen=True)
class FullSoftmax:
    """Training computes the scores of the whole vocabulary."""

    kind: ClassVar[str] = "full"


@dataclass(frozen=True)
class SampledSoftmax:
    """Training computes the scores of the targets and of a sample: for words; see s2s/nn/sampled_softmax.py."""

    kind: ClassVar[str] = "sampled"
    size: int = option(4096, low=1, high=1_000_000, help="the mean number of sampled tokens in a step")


@dataclass(frozen=True)
class Recipe:
    """A whole recipe."""

    data: DataConfig
    batch: BatchConfig = BatchConfig()
    vocabulary: VocabularyConfig = VocabularyConfig()
    model: RecurrentLanguageModelConfig = RecurrentLanguageModelConfig()
    softmax: FullSoftmax | SampledSoftmax = FullSoftmax()
    training: TrainingConfig = TrainingConfig()
