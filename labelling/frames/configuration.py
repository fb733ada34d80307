"""Configuration of a frame labeller, as a model directory holds it. Nothing here needs torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from labelling.configuration import label_problems
from s2s.config import option
from s2s.models.configuration import RecurrentEncoderConfig
from s2s.models.label_configuration import FrameEncoderConfig, TaggerHeadConfig
from s2s.vision.images import Preprocessing

FRAME_LABELLER = "frame_labeller"  # the kind of its model directories
MAX_SIDES = 16


@dataclass(frozen=True)
class FrameLabellerConfig:
    """Everything that is needed to build the network for stored weights, and to look at frames as in training."""

    labels: tuple[str, ...] = option(help="in the order of the scores")
    backbone: str = option(help="the CNN")
    preprocessing: Preprocessing = Preprocessing()
    sides: int = option(1, low=1, high=MAX_SIDES, help="see the recipe")
    encoder: FrameEncoderConfig = RecurrentEncoderConfig()
    head: TaggerHeadConfig = TaggerHeadConfig()

    def problems(self) -> Iterator[str]:
        """Report labels that are none, too many, or the same."""
        yield from label_problems(self.labels)
