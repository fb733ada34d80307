"""A captioning recipe: what a TOML file under captioning/recipes says, as dataclasses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from s2s.config import option
from s2s.models.configuration import DecoderConfig, GridEncoderConfig, ImageEncoderConfig, ParallelConfig
from s2s.training.trainer import TrainingConfig
from s2s.vision.crops import MIRRORED, WHOLE, Augmentation
from s2s.vision.images import Preprocessing


@dataclass(frozen=True)
class DataConfig:
    """Pictures and their captions; `captioning/corpus.py` tells the formats."""

    train: Path = option(help="CSV, TSV, JSONL, COCO's JSON, or a folder of pictures with .txt files beside them")
    validation: Path = option()
    images: Path | None = option(None, help="the folder that names of pictures start from (default: that of the file)")

    def problems(self) -> Iterator[str]:
        """What is not there."""
        for path in (self.train, self.validation, self.images):
            if path is not None and not path.exists():
                yield f"{path} does not exist (paths are relative to the current directory)"


@dataclass(frozen=True)
class ImageConfig:
    """How a picture becomes a grid of vectors."""

    backbone: str = option("efficientnet_lite2", help="the CNN; see s2s/vision/backbones.py")
    weights: Path | None = option(None, help="its weights, where they are not to be downloaded")
    preprocessing: Preprocessing = Preprocessing()
    mirror: bool = option(True, help="show pictures mirrored too, left and right in their captions exchanged")
    crops: int = option(0, low=0, help="random crops of a picture, each seen as often as the whole; mirrored in turn")
    tuned_stages: int = option(0, low=0, help="last stages of the CNN that are trained too; the others are frozen")
    tuning_rate: float = option(0.05, above=0, high=1, help="their learning rate, as a share of that of all others")

    def views(self) -> list[Augmentation]:
        """What is seen of a training picture, each as often as the others."""
        whole = [MIRRORED, WHOLE] if self.mirror else [WHOLE]
        return whole + [Augmentation(crop, self.mirror and crop % 2 == 0) for crop in range(1, self.crops + 1)]

    def problems(self) -> Iterator[str]:
        """What is not there."""
        if self.weights is not None and not self.weights.is_file():
            yield f"weights: {self.weights} is not a file (paths are relative to the current directory)"


@dataclass(frozen=True)
class VocabularyConfig:
    """How captions become tokens, after lower-casing and the Penn Treebank's tokenisation; with `start`, as its do."""

    kind: Literal["word", "bpe", "unigram"] = option("word")
    threshold: int = option(5, low=1, help="word: least number of occurrences")
    size: int = option(3000, low=8, high=1_000_000, help="tokens of a subword vocabulary, the special ones included")


@dataclass(frozen=True)
class SelfCriticalConfig:
    """Self-critical training: the captions that the model samples, rewarded by their CIDEr-D (Rennie et al., 2017)."""

    samples: int = option(5, low=2, help="captions a picture; the mean of the others is each one's baseline")
    temperature: float = option(
        1.0, above=0, help="of sampling; the loss is of the model at 1, so with another the gradient is slightly biased"
    )
    cross_entropy: float = option(0.2, low=0, below=1, help="share of cross-entropy in the loss, against loose ends")


@dataclass(frozen=True)
class Recipe:
    """From pictures and captions to a model."""

    data: DataConfig
    captions: int = option(128, low=1, help="in a batch; of self-critical training, sampled ones")
    together: int = option(1, low=1, help="captions of one picture that share a batch and the work of the encoder")
    start: Path | None = option(None, help="a model directory whose weights are gone on from")
    image: ImageConfig = ImageConfig()
    vocabulary: VocabularyConfig = VocabularyConfig()
    encoder: ImageEncoderConfig = GridEncoderConfig()
    decoder: DecoderConfig = ParallelConfig()
    label_smoothing: float = option(0.1, low=0, below=1)
    doubly_stochastic: float = option(0.0, low=0, help="weight of Show, Attend and Tell's term on the attention")
    scheduled_sampling: float = option(
        0.0, low=0, high=1, help="chance, in the last epoch, that the model reads itself"
    )
    self_critical: SelfCriticalConfig | None = option(None)
    training: TrainingConfig = TrainingConfig()

    def problems(self) -> Iterator[str]:
        """What cannot be together."""
        if self.start is not None and not self.start.is_dir():
            yield f"start: {self.start} is no model directory"
        if self.self_critical and self.start is None:
            yield "self_critical goes on from a trained model: name its directory in start"
        if self.scheduled_sampling and not self.decoder.sequential:
            yield f"scheduled_sampling needs another decoder.kind: {self.decoder.kind} reads all words at once"
        if self.doubly_stochastic and not self.decoder.attends:
            yield f"doubly_stochastic is a term on the attention, and decoder.kind {self.decoder.kind} has none"
        if self.self_critical and (self.scheduled_sampling or self.doubly_stochastic):
            yield "scheduled_sampling and doubly_stochastic have no place in self_critical training: leave them out"
