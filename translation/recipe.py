"""A translation recipe: what a TOML file under translation/recipes says, as dataclasses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from s2s.config import option
from s2s.models.configuration import DecoderConfig, ParallelConfig, RecurrentEncoderConfig, TextEncoderConfig
from s2s.text.languages import is_language_code, unknown_code_message
from s2s.training.trainer import TrainingConfig
from translation.corpus import Cleaning


@dataclass(frozen=True)
class DataConfig:
    """The raw text files; line n of a source file is translated by line n of its target file."""

    train_source: list[Path] = option(help="one file or several; cleaned one by one, so that one may be given twice")
    train_target: list[Path] = option(help="as many, in the same order")
    validation_source: Path = option()
    validation_target: Path = option()
    source_language: str = option(help="a code such as en; it names the model")
    target_language: str = option(help="likewise, and it picks BLEU's tokenisers")

    def problems(self) -> Iterator[str]:
        """Files that do not pair up or are not there."""
        if not self.train_source:
            yield "train_source names no file"
        if len(self.train_source) != len(self.train_target):
            yield f"{len(self.train_source)} train_source files but {len(self.train_target)} train_target files"
        for name in ("source_language", "target_language"):
            if not is_language_code(getattr(self, name)):
                yield f"{name}: {unknown_code_message(getattr(self, name))}"
        for path in [*self.train_source, *self.train_target, self.validation_source, self.validation_target]:
            if not path.is_file():
                yield f"{path} is not a file (paths are relative to the current directory)"


@dataclass(frozen=True)
class VocabularyConfig:
    """How text becomes tokens; with `start`, as that model's does: then kind, size and threshold are its own."""

    kind: Literal["bpe", "unigram", "word", "character"] = option("bpe")
    size: int = option(6000, low=8, high=1_000_000, help="tokens of a subword vocabulary, the special ones included")
    threshold: int = option(2, low=1, help="word, character: least number of occurrences")
    joint: bool = option(True, help="one vocabulary for both languages")
    bpe_dropout: float = option(
        0.0, low=0, below=1, help="merges left out at random in training (Provilkov et al., 2020)"
    )

    unknown_copies: float = option(
        0.05, low=0, below=1, help="how often a name or number of both sides is made unknown, to learn copying"
    )

    def problems(self) -> Iterator[str]:
        """BPE-dropout drops BPE's merges."""
        if self.bpe_dropout and self.kind != "bpe":
            yield f'bpe_dropout needs kind = "bpe", not {self.kind!r}'


@dataclass(frozen=True)
class BatchConfig:
    """The budget of a batch, in one of two currencies."""

    sentences: int | None = option(None, low=1)
    tokens: int | None = option(None, low=1, help="padded tokens, of both sides together")

    def problems(self) -> Iterator[str]:
        """Exactly one."""
        if (self.sentences is None) == (self.tokens is None):
            yield "set either sentences or tokens"


@dataclass(frozen=True)
class MinimumRiskConfig:
    """Minimum risk training: the model's own translations, rewarded by their BLEU (Shen et al., 2016)."""

    width: int = option(
        5, low=2, high=100, help="of the beam whose hypotheses are weighed: the decoder reads so many rows more a pair"
    )
    cross_entropy: float = option(0.3, low=0, below=1, help="share of cross-entropy in the loss")


@dataclass(frozen=True)
class Recipe:
    """From text to model."""

    data: DataConfig
    batch: BatchConfig
    start: Path | None = option(None, help="a model directory whose weights and vocabularies are gone on from")
    cleaning: Cleaning = Cleaning()
    vocabulary: VocabularyConfig = VocabularyConfig()
    encoder: TextEncoderConfig = RecurrentEncoderConfig()
    decoder: DecoderConfig = ParallelConfig()
    training: TrainingConfig = TrainingConfig()
    tie_embeddings: bool = option(True, help="source and target share their embeddings; needs a joint vocabulary")
    label_smoothing: float = option(0.1, low=0, below=1, help="minimum risk training has none")
    r_drop: float = option(
        0.0,
        low=0,
        help="alpha of R-Drop (Wu et al., 2021), which reads each batch twice: a step takes twice the time and memory",
    )
    minimum_risk: MinimumRiskConfig | None = option(None)

    def problems(self) -> Iterator[str]:
        """What cannot be together."""
        if self.minimum_risk and self.start is None:
            yield "minimum_risk goes on from a trained model: name its directory in start"
        if self.minimum_risk and self.r_drop:
            yield "r_drop has no place in minimum_risk training: leave it out"
        if self.start is not None and not self.start.is_dir():
            yield f"start: {self.start} is no model directory"
        if self.tie_embeddings and not self.vocabulary.joint:
            yield "tie_embeddings needs vocabulary.joint"
