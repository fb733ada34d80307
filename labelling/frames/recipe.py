"""The keys of a frame labeller's recipe (TOML files such as labelling/recipes/toy-films.toml), as dataclasses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from labelling.frames.configuration import MAX_SIDES
from s2s.config import option
from s2s.models.configuration import RecurrentEncoderConfig
from s2s.models.label_configuration import FrameEncoderConfig, TaggerHeadConfig
from s2s.training.configuration import TrainingConfig
from s2s.vision.images import Preprocessing


@dataclass(frozen=True)
class FilmsConfig:
    """Folders of films. A film is a folder of frames and a file labels.txt, with a label a line."""

    train: Path = option(help="a folder with a folder for each film")
    validation: Path = option(help="likewise")

    def problems(self) -> Iterator[str]:
        """Report folders that are missing."""
        for path in (self.train, self.validation):
            if not path.is_dir():
                yield f"{path} is not a folder (paths are relative to the current directory)"


@dataclass(frozen=True)
class FrameConfig:
    """How a frame becomes a vector."""

    backbone: str = option("efficientnet_lite0", help="the CNN, which stays as it is; see s2s/vision/backbones.py")
    weights: Path | None = option(None, help="a file with its weights, used instead of a download")
    preprocessing: Preprocessing = Preprocessing()
    sides: int = option(
        1,
        low=1,
        high=MAX_SIDES,
        help="the feature map is averaged in so many rows and columns of parts: 1 is the mean of the whole frame, and "
        "more keep where things are",
    )

    def problems(self) -> Iterator[str]:
        """Report missing files."""
        if self.weights is not None and not self.weights.is_file():
            yield f"weights: {self.weights} is not a file (paths are relative to the current directory)"


@dataclass(frozen=True)
class FrameLabellerRecipe:
    """A whole recipe."""

    data: FilmsConfig
    batch: int = option(16, low=1, help="films of an update")
    image: FrameConfig = FrameConfig()
    encoder: FrameEncoderConfig = option(
        RecurrentEncoderConfig(dim=128), help="recurrent, or frame_by_frame, which knows no other frame"
    )
    head: TaggerHeadConfig = TaggerHeadConfig()
    label_smoothing: float = option(0.0, low=0, below=1)
    training: TrainingConfig = TrainingConfig()
