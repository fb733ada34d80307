"""The keys of a captioning recipe (TOML files such as those in captioning/recipes), as dataclasses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from captioning.configuration import KIND
from captioning.metrics.content import known_content_words
from captioning.mirroring import knows_sides, unknown_sides
from captioning.writing import TextKind
from s2s.config import option
from s2s.errors import UserError
from s2s.models.configuration import (
    DecoderConfig,
    GridEncoderConfig,
    ImageEncoderConfig,
    ParallelConfig,
    hard_attention_problems,
)
from s2s.storage.bundled import find_model
from s2s.text.languages import ENGLISH, is_language_code, primary_subtag, unknown_code_message
from s2s.training.configuration import TrainingConfig
from s2s.vision.crops import MIRRORED, WHOLE, Augmentation
from s2s.vision.images import Preprocessing


@dataclass(frozen=True)
class Corpus:
    """Pictures and their captions to train on. docs/caption_formats.md lists the formats."""

    path: Path = option(help="CSV, JSONL, COCO's JSON and so on, or a folder of pictures with .txt files beside them")
    images: Path | None = option(None, help="the folder that picture names are relative to (default: that of the file)")
    weight: float = option(
        1.0,
        above=0,
        high=1000,
        help="how often an epoch reads each caption: 2 is twice; with 0.25 each epoch reads another quarter of them",
    )
    together: int | None = option(
        None, low=1, help="captions of one picture that share a batch (default: that of the recipe)"
    )

    def problems(self) -> Iterator[str]:
        """Report files that are missing."""
        yield from _missing(self.path, self.images)


@dataclass(frozen=True)
class DataConfig:
    """Pictures and their captions: one file or several corpora for training, and one file for validation."""

    validation: Path = option(help="all its captions are references")
    train: Path | None = option(None, help="one file; the formats are those of corpora")
    images: Path | None = option(
        None, help="the folder that picture names in both are relative to (default: that of the file)"
    )
    corpora: tuple[Corpus, ...] = option((), help="further pictures, each file with a weight")
    temperature: float = option(
        1.0, low=1, help="above 1, small corpora count more: a share is proportional to weight * size ** (1 / T)"
    )

    @cached_property
    def training(self) -> tuple[Corpus, ...]:
        """All corpora that are trained on."""
        return (*([Corpus(self.train, self.images)] if self.train else []), *self.corpora)

    def problems(self) -> Iterator[str]:
        """Report files that are missing."""
        if not (self.train or self.corpora):
            yield "there is nothing to train on: set train, or corpora"
        yield from _missing(self.train, self.validation, self.images)


def _missing(*paths: Path | None) -> Iterator[str]:
    for path in paths:
        if path is not None and not path.exists():
            yield f"{path} does not exist (paths are relative to the current directory)"


@dataclass(frozen=True)
class ImageConfig:
    """How a picture becomes a grid of vectors."""

    backbone: str = option("efficientnet_lite2", help="the CNN; see s2s/vision/backbones.py")
    weights: Path | None = option(None, help="a file with its weights, used instead of a download")
    preprocessing: Preprocessing = Preprocessing()
    mirror: bool = option(True, help="also train on mirrored pictures, with left and right exchanged in their captions")
    crops: int = option(
        0,
        low=0,
        help="random crops of each picture, used as often as the whole one; every second is mirrored",
    )
    tuned_stages: int = option(0, low=0, help="how many of the CNN's last stages are trained; the others are frozen")
    tuning_rate: float = option(
        0.05,
        above=0,
        high=1,
        help="learning rate of these stages, as a share of that of all others",
    )

    def views(self) -> list[Augmentation]:
        """The ways to look at a training picture, each used as often as the others."""
        whole = [MIRRORED, WHOLE] if self.mirror else [WHOLE]
        return whole + [Augmentation(crop, self.mirror and crop % 2 == 0) for crop in range(1, self.crops + 1)]

    def problems(self) -> Iterator[str]:
        """Report missing files."""
        if self.weights is not None and not self.weights.is_file():
            yield f"weights: {self.weights} is not a file (paths are relative to the current directory)"


@dataclass(frozen=True)
class VocabularyConfig:
    """How captions are written and become ids. With `start`, vocabulary and text are those of that model."""

    kind: Literal["word", "bpe", "unigram"] = option("word")
    threshold: int | None = option(
        None, low=1, help="word: how often a word must occur to be known (default: 5, fewer if there are few captions)"
    )
    size: int = option(3000, low=8, high=1_000_000, help="tokens of a subword vocabulary, the special ones included")
    text: TextKind = option(
        "own",
        help="own: as people wrote it, with capitals and punctuation; treebank: the lower-cased tokens of the caption "
        "metrics of English, without punctuation",
    )


@dataclass(frozen=True)
class RewardConfig:
    """The weights of the rewards, which captioning/rewards.py defines. A caption earns their weighted sum."""

    cider_d: float = option(1.0, low=0, help="CIDEr-D, 1 being what tables print as 100")
    bleu_4: float = option(0.0, low=0, help="BLEU-4 of the caption, smoothed, 0 to 1")
    content_recall: float = option(
        0.0, low=0, help="the right content words, by how many of the references have them; people earn 1"
    )
    information: float = option(0.0, low=0, help="the right content words, by their rarity; people earn 1")
    repetition: float = option(0.0, low=0, help="penalty for each content word or phrase that is said again")

    def problems(self) -> Iterator[str]:
        """Report that nothing good is rewarded."""
        if not (self.cider_d or self.bleu_4 or self.content_recall or self.information):
            yield "all rewards have the weight 0: give at least one of them another weight"


@dataclass(frozen=True)
class SelfCriticalConfig:
    """Self-critical training: sampled captions are rewarded, by their CIDEr-D for example (Rennie et al., 2017)."""

    samples: int = option(5, low=2, help="captions per picture; the baseline of each is the mean reward of the others")
    temperature: float = option(
        1.0,
        above=0,
        help="of sampling; the loss uses temperature 1, so another value biases the gradient a little",
    )
    cross_entropy: float = option(
        0.2, low=0, below=1, help="share of cross-entropy in the loss; prevents unfinished endings"
    )
    reward: RewardConfig = RewardConfig()


@dataclass(frozen=True)
class Recipe:
    """A whole recipe."""

    data: DataConfig
    captions: int = option(
        128, low=1, help="captions per batch, fewer if there are few; in self-critical training, sampled captions"
    )
    together: int = option(1, low=1, help="captions of one picture that share a batch, so that it is encoded once")
    language: str | None = option(
        None, help="of the captions, a code such as de (default: that of start, else en, English)"
    )
    start: Path | None = option(
        None,
        help="a model directory, or the name of a bundled model; training continues from its weights. If it writes in "
        "another language, a vocabulary is learned, and all weights but those of words are kept",
    )
    image: ImageConfig = ImageConfig()
    vocabulary: VocabularyConfig = VocabularyConfig()
    encoder: ImageEncoderConfig = GridEncoderConfig()
    decoder: DecoderConfig = ParallelConfig()
    label_smoothing: float = option(0.1, low=0, below=1)
    doubly_stochastic: float = option(0.0, low=0, help="weight of doubly stochastic attention (Xu et al., 2015)")
    scheduled_sampling: float = option(
        0.0, low=0, high=1, help="probability in the last epoch that the decoder reads its own word; it rises from 0"
    )
    self_critical: SelfCriticalConfig | None = option(None)
    training: TrainingConfig = TrainingConfig()

    def problems(self) -> Iterator[str]:
        """Report options that do not go together."""
        if self.start is not None:
            try:
                find_model(self.start, KIND)
            except UserError as error:
                yield f"start: {error}"
        if self.language or not self.start:  # else that of start decides, which is read later
            yield from self.language_problems(self.language or ENGLISH)
        if self.self_critical and self.start is None:
            yield "self_critical continues the training of a model: set start to its directory"
        if self.scheduled_sampling and not self.decoder.reads_own_words:
            yield f"scheduled_sampling needs another decoder.kind: {self.decoder.kind} reads all words at once"
        if self.doubly_stochastic and not self.decoder.attends:
            yield f"doubly_stochastic is a term on the attention, and decoder.kind {self.decoder.kind} has none"
        rewards = "self_critical" if self.self_critical else None
        yield from hard_attention_problems(self.decoder, rewards=rewards, scheduled_sampling=self.scheduled_sampling)
        if self.self_critical and (self.scheduled_sampling or self.doubly_stochastic):
            yield "scheduled_sampling and doubly_stochastic cannot be combined with self_critical: remove them"

    def language_problems(self, language: str) -> Iterator[str]:
        """Report what is not known of the language of the captions, but needed."""
        if not is_language_code(language):
            yield f"language: {unknown_code_message(language)}"
            return
        if self.image.mirror and not knows_sides(language):
            yield f"image.mirror: {unknown_sides(language)}"
        if self.vocabulary.text == "treebank" and primary_subtag(language) != ENGLISH:
            yield f'vocabulary.text: treebank is for English, and the captions are in {language}: set it to "own"'
        reward = self.self_critical.reward if self.self_critical else None
        if reward and (reward.content_recall or reward.information or reward.repetition):
            try:
                known_content_words(language)
            except UserError as error:
                yield f"self_critical.reward: {error}"
