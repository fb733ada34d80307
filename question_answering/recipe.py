"""The keys of an answerer's recipe (TOML files such as those in question_answering/recipes), as dataclasses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from s2s.config import option
from s2s.errors import UserError
from s2s.models.answer_configuration import StackedAttentionConfig
from s2s.models.configuration import DecoderConfig, ParallelConfig, RecurrentEncoderConfig
from s2s.nn.configuration import MAX_UNITS, HardConfig
from s2s.storage.bundled import find_model
from s2s.training.configuration import TrainingConfig
from s2s.vision.crops import MIRRORED, WHOLE, Augmentation
from s2s.vision.images import Preprocessing


@dataclass(frozen=True)
class DataConfig:
    """Questions about pictures. question_answering/question_files.py lists the formats."""

    train: tuple[Path, ...] = option(help="one file or several")
    validation: Path | None = option(None, help="without it, some pictures of the first training file are held out")
    images: Path | None = option(
        None, help="the folder that names of pictures are relative to (default: that of each file, or images in it)"
    )
    held_out: float = option(0.1, above=0, below=1, help="share of the pictures that are held out for validation")
    answer_threshold: int = option(1, low=1, help="how often an answer must occur in the training data to be known")

    def problems(self) -> Iterator[str]:
        """Report files that are missing."""
        if not self.train:
            yield "there is nothing to train on: set train"
        for path in (*self.train, self.validation, self.images):
            if path is not None and not path.exists():
                yield f"{path} does not exist (paths are relative to the current directory)"


@dataclass(frozen=True)
class CaptionerPictureConfig:
    """The picture encoder of a captioner, frozen."""

    kind: ClassVar[str] = "captioner"
    model: Path = option(
        Path("everyday"), help="a bundled captioner, whose weights are not stored again, or a model directory"
    )
    mirror: bool = option(False, help="also train on mirrored pictures, if neither question nor answer names a side")
    crops: int = option(0, low=0, help="random crops of each picture, used as often as the whole one")
    tuned_stages: ClassVar[int] = 0

    def problems(self) -> Iterator[str]:
        """Report a captioner that is not there."""
        try:
            find_model(self.model, "captioning")
        except UserError as error:
            yield f"model: {error}"


@dataclass(frozen=True)
class CNNPictureConfig:
    """A CNN with ImageNet weights, or the small one without, which is trained with the rest."""

    kind: ClassVar[str] = "cnn"
    backbone: str = option("small", help="the CNN; see s2s/vision/backbones.py")
    weights: Path | None = option(None, help="a file with its weights, used instead of a download")
    preprocessing: Preprocessing = Preprocessing()
    mirror: bool = option(False, help="also train on mirrored pictures, if neither question nor answer names a side")
    crops: int = option(0, low=0, help="random crops of each picture, used as often as the whole one")
    tuned_stages: int = option(4, low=0, help="how many of the CNN's last stages are trained; `small` has four")
    tuning_rate: float = option(1.0, above=0, high=1, help="learning rate of these, as a share of that of all others")

    def problems(self) -> Iterator[str]:
        """Report missing files, and weights that would stay random."""
        if self.weights is not None and not self.weights.is_file():
            yield f"weights: {self.weights} is not a file (paths are relative to the current directory)"
        if self.backbone == "small" and self.tuned_stages != 4:
            yield "backbone small begins with random weights: set tuned_stages to 4, so that all its stages are trained"


PictureConfig = CaptionerPictureConfig | CNNPictureConfig


@dataclass(frozen=True)
class VocabularyConfig:
    """Which words of the questions are known, all in lower case."""

    threshold: int = option(1, low=1, help="how often a word must occur in the training questions to be known")
    unknown: float = option(
        0.25,
        low=0,
        help="alpha: in training, a word that occurs c times is read as unknown in alpha / (alpha + c) of its places",
    )


@dataclass(frozen=True)
class WrittenConfig:
    """The second head: a decoder that writes the answer, word by word."""

    decoder: DecoderConfig = ParallelConfig(embedding_dim=128, dim=256)
    weight: float = option(0.5, above=0, high=100, help="of its loss, beside the loss of the answer that is chosen")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A whole recipe."""

    data: DataConfig
    batch: int = option(64, low=1, help="questions of an update")
    together: int = option(1, low=1, help="questions about one picture that share a batch, so that it is encoded once")
    picture: PictureConfig = CaptionerPictureConfig()
    vocabulary: VocabularyConfig = VocabularyConfig()
    embedding_dim: int = option(200, low=1, high=MAX_UNITS, help="of a word")
    encoder: RecurrentEncoderConfig = RecurrentEncoderConfig(dim=128)
    attention: StackedAttentionConfig = StackedAttentionConfig()
    written: WrittenConfig | None = option(None)
    label_smoothing: float = option(0.0, low=0, below=1)
    training: TrainingConfig = TrainingConfig()

    def problems(self) -> Iterator[str]:
        """Report groups of questions that are larger than a batch, and attention that cannot be trained here."""
        if self.together > self.batch:
            yield f"together ({self.together}) is more than the questions of a batch ({self.batch})"
        kinds: dict[str, object] = {"attention.attention": self.attention.attention}
        if self.written:
            kinds["written.decoder.attention"] = getattr(self.written.decoder, "attention", None)
        for key, kind in kinds.items():
            if isinstance(kind, HardConfig):
                yield f'{key} = "hard" needs a reward, which answerers are not trained with: choose soft attention'


def views(picture: PictureConfig) -> list[Augmentation]:
    """The ways to look at a training picture, each used as often as the others."""
    whole = [MIRRORED, WHOLE] if picture.mirror else [WHOLE]
    return whole + [Augmentation(crop, picture.mirror and crop % 2 == 0) for crop in range(1, picture.crops + 1)]
