"""Updates of the weights: loss, gradient, clipping, optimiser step, running average."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT, SIGTERM
from typing import Any

import torch
from torch import Tensor, nn

from s2s import seeds
from s2s.errors import check
from s2s.nn.precision import autocast
from s2s.training.averaging import Average
from s2s.training.configuration import TrainingConfig
from s2s.training.distributed import Ranks
from s2s.training.optimisation import scale_and_clip
from s2s.training.optimisers import Optimiser
from s2s.training.schedule import Schedule
from s2s.training.task import Loss, Task


@dataclass(frozen=True)
class Update:
    """One update of the weights.

    Attributes:
        losses: of its batches; of several processes one, for all batches together
        rate: the learning rate
        norm: of the mean gradient before clipping, ()
        signal: that a process has received before this update, by its number; None for none
    """

    losses: Sequence[Loss]
    rate: float
    norm: Tensor
    signal: int | None = None


class Updater:
    """Updates the weights of a model.

    Args:
        task, model, config: as the trainer's
        optimiser, schedule, average: what an update calls
        last: the directory of the last good training state, for messages
        ranks: the processes that train together

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
        ranks: Ranks | None = None,
    ) -> None:
        self._ranks = ranks or Ranks()
        self._module = self._ranks.wrapped(model)
        self._task, self._model, self._config, self._last = task, model, config, last
        self._optimiser, self._schedule, self._average = optimiser, schedule, average
        self._parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self._device = self._parameters[0].device
        self.check_every = 1 if self._device.type == "cpu" else 50
        self._unchecked: list[tuple[int, Sequence[int], Tensor]] = []  # step, examples, loss + norm

    def update(
        self,
        step: int,
        epoch: int,
        plan: Sequence[Sequence[int]],
        batches: Sequence[int],
        signal: int | None = None,
    ) -> Update:
        """Make the update after `step` others.

        Args:
            step: counted from 0
            epoch: counted from 0
            plan: the examples of each batch of the epoch; only those of this process are asked for
            batches: the positions of one batch or several in the plan, for all processes together
            signal: that this process has received

        Raises:
            UserError: a loss or a gradient is not finite; the message names the step and its examples.
        """
        torch.manual_seed(seeds.of_step(self._config.seed, step, self._ranks.rank))
        rate = self._config.optimiser.learning_rate * self._schedule.share(step)
        shares = [(batch, True) for batch in batches] if self._task.splits else self._ranks.share(batches)
        own = [(position, plan[position], counts) for position, counts in shares]
        losses = list[Loss]()
        for number, (position, batch, counts) in enumerate(own, 1):
            with nullcontext() if number == len(own) else self._ranks.without_sum(self._module):
                losses.append(self.backward(epoch, position, batch, counts=counts))
        losses, signal = self._summed(losses, signal)
        # DistributedDataParallel gives the mean of the processes' gradients, where their sum is wanted.
        weight = sum(loss.weight for loss in losses) / self._ranks.world
        norm = scale_and_clip(self._parameters, weight, self._config.optimiser)
        examples = [example for _, batch, _ in own for example in batch]
        self._unchecked.append((step + 1, examples, norm + sum(loss.total.detach() for loss in losses)))
        if len(self._unchecked) >= self.check_every:
            self.check_finite()
        self._optimiser.step(rate)
        self._optimiser.zero_grad()
        self._average.update(step + 1)
        return Update(losses, rate, norm, signal)

    def backward(self, epoch: int, position: int, examples: Sequence[int], *, counts: bool = True) -> Loss:
        """Add the gradient of one batch's summed loss to the parameters' gradients, or zeros if it does not count."""
        batch = self._task.batch(epoch, position, examples)
        with autocast(self._config.precision, self._device):
            loss = self._task.loss(self._module, batch)
        if not counts:
            nothing = {name: total * 0 for name, total in loss.figures.items()}
            loss = Loss(loss.total * 0, 0.0, 0, nothing)
        loss.total.backward()
        return loss

    def _summed(self, losses: list[Loss], signal: int | None) -> tuple[list[Loss], int | None]:
        """The losses of all processes as one, and the signal that one of them has received."""
        if self._ranks.world == 1:
            return losses, signal
        names = sorted({name for loss in losses for name in loss.figures})
        interrupted, terminated = signal == SIGINT, signal == SIGTERM
        numbers = [float(interrupted), float(terminated), sum(each.weight for each in losses)]
        numbers.append(float(sum(each.size for each in losses)))
        values = torch.tensor(numbers, dtype=torch.float64, device=self._device)
        sums = [sum(each.total.detach().double() for each in losses)]
        sums += [sum(each.figures[name].detach().double() for each in losses) for name in names]
        values = self._ranks.total(torch.cat([values, torch.stack([torch.as_tensor(value) for value in sums])]))
        interrupts, terminations, weight, size = values[:4].tolist()
        loss = Loss(values[4], weight, round(size), dict(zip(names, values[5:])))
        return [loss], SIGTERM if terminations else SIGINT if interrupts else None

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
