"""Task: what the trainer trains. The trainer knows nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isnan
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor, nn


@dataclass(frozen=True)
class Loss:
    """A batch's loss.

    Attributes:
        total: the sum that is minimised, with its gradient
        weight: what makes a mean of it: real target tokens, say
        figures: sums to be logged, as means over `weight`
        size: how many tokens (or whatever the task counts) the batch held, for the speed
    """

    total: Tensor
    weight: float
    size: int
    figures: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Validation:
    """What a validation found: all figures, `loss` among them, and the name of the one that chooses the best model."""

    figures: Mapping[str, float]
    primary: str
    higher_is_better: bool = True

    def beats(self, best: float | None) -> bool:
        """Whether the primary figure is better than the best so far; any is better than none, or than no number."""
        value = self.figures[self.primary]
        return best is None or isnan(best) or (value > best if self.higher_is_better else value < best)

    def by_loss(self) -> Validation:
        """The same, with the loss to choose by."""
        return replace(self, primary="loss", higher_is_better=False)


class Task(Protocol):
    """A training: translation, captioning, self-critical training, a language model, a tagger.

    A task draws its random numbers from torch's global generators, which the trainer seeds from (seed, step) before
    every step, or from a generator of its own seeded by (seed, epoch, position): so that a resumed training repeats.
    """

    def plan(self, epoch: int) -> Sequence[Sequence[int]]:
        """The examples of each batch of an epoch; the same whenever it is asked."""
        ...

    def batch(self, epoch: int, position: int, examples: Sequence[int]) -> Any:
        """Make the batch at a position of an epoch, on the model's device."""
        ...

    def longest(self) -> Sequence[int]:
        """The batch that needs the most memory, for the rehearsal before step 1."""
        ...

    def loss(self, model: nn.Module, batch: Any) -> Loss:
        """The loss of a batch, always through `model(...)`."""
        ...

    def validate(self, model: nn.Module, limit: int | None = None) -> Validation:
        """Decode and score the validation set as a user would; in the rehearsal, so many of its examples."""
        ...

    def whereabouts(self, examples: Sequence[int]) -> str:
        """Where a batch's examples stand in the user's files, for messages: `lines 3, 17, 2041 of train.en`."""
        ...

    def save(self, model: nn.Module, directory: Path, about: Mapping[str, Any]) -> None:
        """Write a model directory."""
        ...
