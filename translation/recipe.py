"""The keys of a translation recipe (TOML files such as those in translation/recipes), as dataclasses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from s2s.config import option
from s2s.models.configuration import DecoderConfig, ParallelConfig, RecurrentEncoderConfig, TextEncoderConfig
from s2s.text.languages import is_language_code, unknown_code_message
from s2s.text.tokens import PLACEHOLDERS
from s2s.training.configuration import TrainingConfig
from translation.augmentation import AugmentationConfig
from translation.corpus import Cleaning


@dataclass(frozen=True)
class DataConfig:
    """The text files. Line n of a target file translates line n of its source file."""

    train_source: list[Path] = option(help="one file or several; a file that is listed twice counts twice")
    train_target: list[Path] = option(help="the target files, in the order of train_source")
    validation_source: Path = option()
    validation_target: Path = option()
    source_language: str = option(help="a language code such as en")
    target_language: str = option(help="a language code; it also selects the tokeniser of BLEU")

    def problems(self) -> Iterator[str]:
        """Report files that are missing or do not pair up, and unknown language codes."""
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
    """How text becomes tokens. With `start` it is that model's vocabulary: kind and size may be left out."""

    kind: Literal["bpe", "unigram", "word", "character"] = option("bpe")
    size: int = option(6000, low=8, high=1_000_000, help="tokens of a subword vocabulary, the special ones included")
    threshold: int = option(2, low=1, help="word, character: how often a token must occur to be known")
    joint: bool = option(True, help="one vocabulary for both languages")
    rare_character: int = option(
        5,
        low=0,
        help="letters of the source that occur less often, and signs that occur less than 20 times as often, are not "
        "read but copied or carried around; in text of fewer than 5,000 lines in proportion",
    )
    placeholders: int = option(
        len(PLACEHOLDERS), low=0, high=len(PLACEHOLDERS), help="tokens that stand for text to be copied, such as a URL"
    )
    bpe_dropout: float = option(
        0.0, low=0, below=1, help="share of merges left out at random in training (Provilkov et al., 2020)"
    )
    unknown_copies: float = option(
        0.05,
        low=0,
        below=1,
        help="share of pairs in which a word of both sides becomes unknown, to teach copying",
    )

    def problems(self) -> Iterator[str]:
        """Report BPE-dropout without BPE."""
        if self.bpe_dropout and self.kind != "bpe":
            yield f'bpe_dropout needs kind = "bpe", not {self.kind!r}'


@dataclass(frozen=True)
class BatchConfig:
    """The size of a batch, in sentences or in tokens."""

    sentences: int | None = option(None, low=1)
    tokens: int | None = option(None, low=1, help="padded tokens, of both sides together")

    def problems(self) -> Iterator[str]:
        """Report that not exactly one of them is set."""
        if (self.sentences is None) == (self.tokens is None):
            yield "set either sentences or tokens"


@dataclass(frozen=True)
class MinimumRiskConfig:
    """Minimum risk training: the model's own translations are rewarded by their BLEU (Shen et al., 2016)."""

    width: int = option(
        5,
        low=2,
        high=100,
        help="width of the beam that finds the translations; each is one more row for the decoder",
    )
    cross_entropy: float = option(0.3, low=0, below=1, help="share of cross-entropy in the loss")


@dataclass(frozen=True)
class Recipe:
    """A whole recipe."""

    data: DataConfig
    batch: BatchConfig
    start: Path | None = option(None, help="a model directory; training continues from its weights and vocabularies")
    cleaning: Cleaning = Cleaning()
    vocabulary: VocabularyConfig = VocabularyConfig()
    augmentation: AugmentationConfig = AugmentationConfig()
    encoder: TextEncoderConfig = RecurrentEncoderConfig()
    decoder: DecoderConfig = ParallelConfig()
    training: TrainingConfig = TrainingConfig()
    tie_embeddings: bool = option(True, help="source and target share their embeddings; needs a joint vocabulary")
    label_smoothing: float = option(0.1, low=0, below=1, help="not used by minimum risk training")
    r_drop: float = option(
        0.0,
        low=0,
        help="alpha of R-Drop (Wu et al., 2021); it reads each batch twice, so a step needs twice the time and memory",
    )
    minimum_risk: MinimumRiskConfig | None = option(None)

    def problems(self) -> Iterator[str]:
        """Report options that do not go together."""
        if self.minimum_risk and self.start is None:
            yield "minimum_risk continues the training of a model: set start to its directory"
        if self.minimum_risk and self.r_drop:
            yield "r_drop cannot be combined with minimum_risk: remove one of them"
        if self.start is not None and not self.start.is_dir():
            yield f"start: {self.start} is not a model directory"
        if self.tie_embeddings and not self.vocabulary.joint:
            yield "tie_embeddings needs vocabulary.joint"
