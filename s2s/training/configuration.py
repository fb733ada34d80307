"""The `[training]` section of a recipe, which every task has. Nothing here needs torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from s2s.config import option
from s2s.nn.configuration import Precision


@dataclass(frozen=True)
class OptimiserConfig:
    """`[training.optimiser]`: how gradients become updates."""

    name: Literal["adamw", "adam", "sgd"] = option("adamw")
    learning_rate: float = option(1e-3, above=0, help="the peak of the schedule")
    beta1: float = option(0.9, low=0, below=1, help="Adam's; SGD's momentum")
    beta2: float = option(0.98, low=0, below=1, help="Adam's")
    weight_decay: float = option(0.0, low=0, help="of matrices; decoupled in AdamW, else added to the gradient")
    clip_norm: float = option(1.0, low=0, help="largest norm of the whole gradient; 0 does not clip")
    clip_value: float = option(0.0, low=0, high=1e30, help="largest absolute value of an element; 0 does not clip")


@dataclass(frozen=True)
class ScheduleConfig:
    """`[training.schedule]`: how the learning rate changes from step to step."""

    name: Literal["constant", "cosine", "inverse_sqrt", "plateau"] = option("cosine")
    warmup_steps: int = option(300, low=0, help="steps over which the rate rises linearly from 0")
    floor: float = option(0.0, low=0, high=1, help="share of the peak below which no schedule falls")
    factor: float = option(0.5, above=0, below=1, help="plateau: multiply the rate by this")
    patience: int = option(2, low=1, help="plateau: after so many validations as in training.patience")


@dataclass(frozen=True)
class AveragingConfig:
    """`[training.averaging]`: which weights are averaged."""

    decay: float = option(0.0, low=0, below=1, help="of a running average, which is what is validated; 0 is none")
    keep: int = option(0, low=0, help="checkpoints whose mean is the last candidate for the best model; 0 is none")
    choose: Literal["last", "best"] = option("last", help="which checkpoints are averaged")


@dataclass(frozen=True)
class TrainingConfig:
    """`[training]`: the part of a recipe that every task has."""

    seed: int = option(1, low=0, high=2**32 - 1, help="of the initial weights, the batches and all dropout")
    epochs: int = option(20, low=1, help="may be raised when resuming; cosine then falls towards the new end")
    precision: Precision = option("auto", help="of matrix products; auto is bfloat16 where the processor has it")
    accumulate: int = option(1, low=1, help="batches whose gradients make one step")
    validate_every: int = option(1, low=1, help="epochs; the last one always validates")
    patience: int = option(
        0,
        low=0,
        help="stop after so many validations in a row, counted from the end of the warm-up, that improved neither the "
        "score nor the loss; 0 never stops early",
    )
    best: Literal["score", "loss"] = option(
        "score", help="the best model has the best score of what it writes, or the lowest validation loss"
    )
    save_every: int = option(500, low=1, help="steps between two savings of the training state")
    optimiser: OptimiserConfig = OptimiserConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    averaging: AveragingConfig = AveragingConfig()
