"""The keys of a translation recipe (TOML files such as those in translation/recipes), as dataclasses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

from s2s.config import option
from s2s.models.configuration import (
    DecoderConfig,
    ParallelConfig,
    RecurrentEncoderConfig,
    TextEncoderConfig,
    hard_attention_problems,
)
from s2s.text.languages import is_language_code, unknown_code_message
from s2s.text.lines import count_lines, read_lines
from s2s.text.tokens import PLACEHOLDERS
from s2s.training.configuration import TrainingConfig
from translation.augmentation import AugmentationConfig
from translation.configuration import PictureConfig
from translation.corpus import (
    Cleaning,
    ParallelText,
    check_counts,
    check_table,
    read_parallel,
    read_table,
    table_pairs,
)

_WEIGHT = "how often an epoch reads each pair: 2 is twice; with 0.25 each epoch reads another quarter of the pairs"


@dataclass(frozen=True)
class FilesCorpus:
    """Two text files. Line n of the target translates line n of the source."""

    kind: ClassVar[str] = "files"
    source: Path = option()
    target: Path = option()
    weight: float = option(1.0, above=0, high=1000, help=_WEIGHT)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files."""
        return self.source, self.target

    @property
    def sides(self) -> tuple[str, str]:
        """What messages call the source and the target."""
        return str(self.source), str(self.target)

    def read(self) -> ParallelText:
        """Read the pairs; see `read_parallel`."""
        return read_parallel(self.source, self.target)

    def count(self) -> int:
        """Count the pairs; raise a UserError where `read` would raise one because of the numbers of lines."""
        sources, targets = count_lines(self.source), count_lines(self.target)
        check_counts(self.source, self.target, sources, targets)
        return sources

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Yield the pairs that `count` has counted, without holding them."""
        return zip(read_lines(self.source), read_lines(self.target), strict=True)


@dataclass(frozen=True)
class TableCorpus:
    """One file, with a tab between the source and the target of a line."""

    kind: ClassVar[str] = "tsv"
    path: Path = option(help="plain text, or compressed with gzip or Zstandard")
    columns: tuple[int, int] = option((1, 2), low=1, help="of the source and of the target, counted from 1")
    weight: float = option(1.0, above=0, high=1000, help=_WEIGHT)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The file."""
        return (self.path,)

    @property
    def sides(self) -> tuple[str, str]:
        """What messages call the source and the target."""
        source, target = (f"{self.path} (column {column})" for column in self.columns)
        return source, target

    def read(self) -> ParallelText:
        """Read the pairs; see `read_table`."""
        return read_table(self.path, self.columns)

    def count(self) -> int:
        """Count the pairs; raise a UserError if there is none."""
        lines = count_lines(self.path)
        check_table(self.path, lines)
        return lines

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Yield the pairs, without holding them; see `table_pairs`."""
        return table_pairs(self.path, self.columns)


Corpus = FilesCorpus | TableCorpus


@dataclass(frozen=True)
class PicturesConfig:
    """Photographs beside the sentences: their files of names, and the CNN that sees them."""

    train: tuple[Path, ...] = option((), help="a file for each of data.train_source: the picture of each line, or none")
    validation: Path | None = option(None, help="the same for data.validation_source")
    folder: Path | None = option(None, help="what the names are relative to (default: the folder of their file)")
    backbone: str = option("efficientnet_lite2", help="the CNN, which stays frozen; see s2s/vision/backbones.py")
    weights: Path | None = option(None, help="a file with its weights, used instead of a download")
    size: int = option(224, low=1, high=4096, help="pixels a side of the square that the CNN sees")
    fit: Literal["stretch", "pad"] = option(
        "stretch", help="stretch to the square, or keep the shape and pad with grey"
    )
    dim: int = option(256, low=1, help="of the vectors that the CNN's cells are projected to")

    @property
    def model(self) -> PictureConfig:
        """What the model has to know."""
        return PictureConfig(self.backbone, self.size, self.fit, self.dim)

    def problems(self) -> Iterator[str]:
        """Report files that are missing."""
        for path in (*self.train, self.validation, self.weights):
            if path is not None and not path.is_file():
                yield f"{path} is not a file (paths are relative to the current directory)"


@dataclass(frozen=True)
class DataConfig:
    """The text: corpora of pairs for training, and two files for validation."""

    validation_source: Path = option()
    validation_target: Path = option()
    source_language: str = option(help="a language code such as en")
    target_language: str = option(help="a language code; it also selects the tokeniser of BLEU")
    train_source: tuple[Path, ...] = option((), help="one file or several; a file that is listed twice counts twice")
    train_target: tuple[Path, ...] = option((), help="the target files, in the order of train_source")
    corpora: tuple[Corpus, ...] = option((), help="further text, each with a weight; kind is files or tsv")
    temperature: float = option(
        1.0, low=1, help="above 1, small corpora count more: a share is proportional to weight * size ** (1 / T)"
    )

    prepared: Path | None = option(
        None, help="a folder that `s2s prepare corpus` made of this text, which training then streams from the disk"
    )

    @cached_property
    def training(self) -> tuple[Corpus, ...]:
        """All corpora that are trained on."""
        return (*map(FilesCorpus, self.train_source, self.train_target), *self.corpora)

    def problems(self) -> Iterator[str]:
        """Report files that are missing or do not pair up, and unknown language codes."""
        if not (self.train_source or self.train_target or self.corpora):
            yield "there is no text to train on: set train_source and train_target, or corpora"
        if len(self.train_source) != len(self.train_target):
            yield f"{len(self.train_source)} train_source files but {len(self.train_target)} train_target files"
        for name in ("source_language", "target_language"):
            if not is_language_code(getattr(self, name)):
                yield f"{name}: {unknown_code_message(getattr(self, name))}"
        paths = [*self.train_source, *self.train_target, *(path for corpus in self.corpora for path in corpus.paths)]
        for path in [*([] if self.prepared else paths), self.validation_source, self.validation_target]:
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
    picture: PicturesConfig | None = option(None, help="photographs beside the sentences")

    def problems(self) -> Iterator[str]:
        """Report options that do not go together."""
        if self.minimum_risk and self.start is None:
            yield "minimum_risk continues the training of a model: set start to its directory"
        if self.minimum_risk and self.r_drop:
            yield "r_drop cannot be combined with minimum_risk: remove one of them"
        rewards = "minimum_risk" if self.minimum_risk else None
        yield from hard_attention_problems(self.decoder, rewards=rewards, scheduled_sampling=0)
        if self.start is not None and not self.start.is_dir():
            yield f"start: {self.start} is not a model directory"
        if self.picture and len(self.picture.train) != len(self.data.train_source):
            yield (
                f"picture.train names {len(self.picture.train)} files and data.train_source "
                f"{len(self.data.train_source)}: name a file of pictures for each"
            )
        if self.picture and self.data.corpora:
            yield "picture needs text in train_source and train_target: move the files of data.corpora there"
        if self.picture and self.data.prepared:
            yield "picture cannot be combined with data.prepared: leave out one of them"
        if self.tie_embeddings and not self.vocabulary.joint:
            yield "tie_embeddings needs vocabulary.joint"
