"""Updates of the weights: loss, gradient, clipping, optimiser step, running average."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from s2s import seeds
from s2s.errors import check
from s2s.nn.precision import autocast
from s2s.training.averaging import Average
from s2s.training.configuration import TrainingConfig
from s2s.training.optimisation import scale_and_clip
from s2s.training.optimisers import Optimiser
from s2s.training.schedule import Schedule
from s2s.training.task import Loss, Task


@dataclass(frozen=True)
class Update:
    """One update of the weights.

    Attributes:
        losses: of its batches
        rate: the learning rate
        norm: of the mean gradient before clipping, ()
    """

    losses: Sequence[Loss]
    rate: float
    norm: Tensor


class Updater:
    """Updates the weights of a model.

    Args:
        task, model, config: as the trainer's
        optimiser, schedule, average: what an update calls
        last: the directory of the last good training state, for messages

    Attributes:
        check_every: updates between two checks for losses that are not finite: on a GPU each check waits for the device
    """

    def __init__(
        self,
        task: Task[Any],
        model: nn.Module,
        config: TrainingConfig,
        optimiser: Optimiser,
        schedule: Schedule,
        average: Average,
        last: Path,
    ) -> None:
        self._task, self._model, self._config, self._last = task, model, config, last
        self._optimiser, self._schedule, self._average = optimiser, schedule, average
        self._parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self._device = self._parameters[0].device
        self.check_every = 1 if self._device.type == "cpu" else 50
        self._unchecked: list[tuple[int, Sequence[int], Tensor]] = []  # step, examples, loss + norm

    def update(self, step: int, epoch: int, batches: Sequence[tuple[int, Sequence[int]]]) -> Update:
        """Make the update after `step` others.

        Args:
            step: counted from 0
            epoch: counted from 0
            batches: the positions of one batch or several in the epoch, and their examples

        Raises:
            UserError: a loss or a gradient is not finite; the message names the step and its examples.
        """
        torch.manual_seed(seeds.of_step(self._config.seed, step))
        rate = self._config.optimiser.learning_rate * self._schedule.share(step)
        losses = [self.backward(epoch, position, examples) for position, examples in batches]
        norm = scale_and_clip(self._parameters, sum(loss.weight for loss in losses), self._config.optimiser)
        examples = [example for _, batch in batches for example in batch]
        self._unchecked.append((step + 1, examples, norm + sum(loss.total.detach() for loss in losses)))
        if len(self._unchecked) >= self.check_every:
            self.check_finite()
        self._optimiser.step(rate)
        self._optimiser.zero_grad()
        self._average.update(step + 1)
        return Update(losses, rate, norm)

    def backward(self, epoch: int, position: int, examples: Sequence[int]) -> Loss:
        """Add the gradient of one batch's summed loss to the parameters' gradients."""
        batch = self._task.batch(epoch, position, examples)
        with autocast(self._config.precision, self._device):
            loss = self._task.loss(self._model, batch)
        loss.total.backward()
        return loss

    def check_finite(self) -> None:
        """Check the updates since the last check; before a state is saved, all of them must have been checked.

        Raises:
            UserError: as `update`.
        """
        unchecked, self._unchecked = self._unchecked, []
        finite = torch.stack([value for *_, value in unchecked]).isfinite().tolist() if unchecked else []
        for (step, examples, _), good in zip(unchecked, finite):
            check(
                good,
                f"step {step}: the loss or its gradient is not finite, in the batch of "
                f"{self._task.whereabouts(examples)}: lower the learning rate or check these examples; "
                f"the last good state is in {self._last}",
            )
