"""The trainer: one loop for every task, exact to the bit when it goes on after a stop.

A training is a function of its configuration and seed. The order of batches follows from (seed, epoch), every random
number of a step from (seed, step), and validation draws none; so the state to save is the weights, the optimiser's
moments and a few integers, and N steps equal k steps, a kill, and N - k steps.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from s2s.averaging import Average, AveragingConfig
from s2s.checkpoint import read_state, write_state
from s2s.command import Terminated
from s2s.config import option
from s2s.errors import UserError, check
from s2s.optimisation import (
    OptimiserConfig,
    Schedule,
    ScheduleConfig,
    build_optimiser,
    optimiser_tensors,
    restore_optimiser,
    scale_and_clip,
)
from s2s.precision import Precision, products
from s2s.progress import Progress
from s2s.run_directory import RunDirectory
from s2s.task import Loss, Task, Validation


@dataclass(frozen=True)
class TrainingConfig:
    """The part of a recipe that every task has."""

    seed: int = option(1, low=0)
    epochs: int = option(20, low=1, help="may be raised when resuming")
    precision: Precision = option("auto", help="of matrix products; auto is bfloat16 where the processor has it")
    accumulate: int = option(1, low=1, help="batches whose gradients make one step")
    validate_every: int = option(1, low=1, help="epochs")
    patience: int = option(0, low=0, help="stop after so many validations without a new best; 0 never stops early")
    save_every: int = option(500, low=1, help="steps between two savings of the training state")
    optimiser: OptimiserConfig = OptimiserConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    averaging: AveragingConfig = AveragingConfig()


class NonFinite(UserError):
    """The loss or its gradient is no number any more."""


@dataclass
class Position:
    """Where a training stands: all that its state holds beside tensors."""

    step: int = 0  # updates of the weights
    epoch: int = 0
    batch: int = 0  # of the epoch, the next to be read
    best: float | None = None
    stale: int = 0  # validations since the best


class Trainer:
    """Train `model` on `task` in a run directory.

    Args:
        task: what to train.
        model: on its device; its parameters are the float32 masters.
        config: how.
        run: a locked run directory, whose `last` state is gone on from where there is one.
        about: what is worth knowing of the making of the model, stored with it.
    """

    def __init__(
        self, task: Task, model: nn.Module, config: TrainingConfig, run: RunDirectory, about: Mapping[str, Any]
    ) -> None:
        self.task, self.model, self.config, self.run, self.about = task, model, config, run, about
        self.device = next(model.parameters()).device
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.optimiser = build_optimiser(config.optimiser, model)
        steps = -(-len(task.plan(0)) // config.accumulate)
        self.schedule = Schedule(config.schedule, config.epochs * steps)
        self.average = Average(config.averaging, model, run.kept)
        self.position = Position()

    # ------------------------------------------------------------------------------------------------ the loop

    def train(self) -> Position:
        """Train to the end, or to a signal, after which the state is saved and the signal raised."""
        if self.run.has_state():
            self._restore()
        else:
            self._rehearse()
            self._save()
        with _Signals() as signals, Progress(self.position.step, self.schedule.total_steps) as progress:
            while not self._done():
                self._epoch(progress, signals)
        return self.position

    def _done(self) -> bool:
        patience = self.config.patience
        return self.position.epoch >= self.config.epochs or (0 < patience <= self.position.stale)

    def _epoch(self, progress: Progress, signals: _Signals) -> None:
        """The rest of an epoch, its validation, and the state that has both behind it."""
        plan = self.task.plan(self.position.epoch)
        self.model.train()
        while self.position.batch < len(plan):
            self._step(plan, progress)
            if signals.came or self.position.step % self.config.save_every == 0:
                self._save()
                signals.obey()
        self.position.epoch, self.position.batch = self.position.epoch + 1, 0
        if self.position.epoch % self.config.validate_every == 0 or self.position.epoch >= self.config.epochs:
            self._validate(progress)
        self._save()
        signals.obey()

    def _step(self, plan: Any, progress: Progress) -> None:
        """One update of the weights, from one batch or several."""
        position = self.position
        torch.manual_seed(self.config.seed * 1_000_000_007 + position.step)  # of every device
        rate = self.config.optimiser.learning_rate * self.schedule.share(position.step)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        taken = range(position.batch, min(position.batch + self.config.accumulate, len(plan)))
        losses = [self._backward(position.epoch, i, plan[i]) for i in taken]
        weight = sum(loss.weight for loss in losses)
        norm = scale_and_clip(self.parameters, weight, self.config.optimiser)
        if not torch.isfinite(norm):  # a loss that is not finite has no finite gradient
            examples = [example for i in taken for example in plan[i]]
            raise NonFinite(
                f"step {position.step + 1}: the loss is not finite, in the batch of {self.task.whereabouts(examples)}: "
                f"lower the learning rate or look at these examples; the last good state is in {self.run.last}"
            )
        self.optimiser.step()
        self.optimiser.zero_grad()
        position.step, position.batch = position.step + 1, taken.stop
        self.average.follow(position.step)
        progress.step(losses, weight, rate, norm, epoch=position.epoch + 1)

    def _backward(self, epoch: int, position: int, examples: Any) -> Loss:
        batch = self.task.batch(epoch, position, examples)
        with products(self.config.precision, self.device):
            loss = self.task.loss(self.model, batch)
        loss.total.backward()
        return loss

    # -------------------------------------------------------------------------------------------- validation

    def _validate(self, progress: Progress) -> None:
        """Score the model, keep it where it is the best, log."""
        started = time.monotonic()
        with self.average.applied(self.model):
            validation = self._score()
            improved = validation.beats(self.position.best)
            if improved:
                self._keep(validation)
            self.average.keep(self.model, self.position.step, validation)
        self.position.stale = 0 if improved else self.position.stale + 1
        self.schedule.observe(improved)
        if self._done() and self.average.several():
            self._validate_mean(progress)
        self._report(progress, validation, improved, time.monotonic() - started)

    def _validate_mean(self, progress: Progress) -> None:
        """At the end the mean of the kept weights stands as one more candidate."""
        with self.average.mean(self.model):
            validation = self._score()
            improved = validation.beats(self.position.best)
            if improved:
                self._keep(validation)
        progress.say(f"mean of {len(self.average.kept)} kept models: {_told(validation)}" + " (best)" * improved)

    def _score(self) -> Validation:
        self.model.eval()
        with torch.random.fork_rng(), torch.no_grad(), products(self.config.precision, self.device):
            validation = self.task.validate(self.model)
        self.model.train()
        return validation

    def _keep(self, validation: Validation) -> None:
        self.position.best = validation.figures[validation.primary]
        figures = {"step": self.position.step, "epoch": self.position.epoch, **validation.figures}
        self.task.save(self.model, self.run.best, {**self.about, "validation": figures})

    def _report(self, progress: Progress, validation: Validation, improved: bool, seconds: float) -> None:
        position = self.position
        training = progress.means()
        entry = {"step": position.step, "epoch": position.epoch, **training, **validation.figures, "seconds": seconds}
        self.run.append_log(entry)
        trained = ", ".join(f"{name} {value:.3f}" for name, value in training.items())
        best = " (best)" if improved else ""
        progress.say(f"epoch {position.epoch}: {trained}; validation: {_told(validation)}{best}, {seconds:.0f} s")

    # ----------------------------------------------------------------------------------------------- the state

    def _save(self) -> None:
        tensors = {f"model/{name}": tensor for name, tensor in self.model.state_dict().items()}
        tensors |= dict(optimiser_tensors(self.optimiser, self.model))
        tensors |= self.average.tensors()
        record = {**vars(self.position), "schedule": self.schedule.record(), "kept": self.average.record()}
        write_state(self.run.last, tensors, record)
        self.average.forget()  # weights that no saved state mentions any more

    def _restore(self) -> None:
        tensors, record = read_state(self.run.last)
        part = {prefix: _below(tensors, prefix) for prefix in ("model", "average")}
        self.model.load_state_dict(part["model"])
        moments = {key: value for key, value in tensors.items() if key.split("/")[0] not in part}
        restore_optimiser(self.optimiser, self.model, moments)
        self.average.restore(part["average"], record.pop("kept"))
        self.schedule.restore(record.pop("schedule"))
        self.position = Position(**record)
        self.run.cut_log(self.position.step)

    def _rehearse(self) -> None:
        """What will fail fails now: the largest batch, four decoded lines, a checkpoint written and read back."""
        self.model.train()
        longest = self.task.longest()
        loss = self._backward(0, 0, longest)
        check(
            bool(torch.isfinite(loss.total)),
            f"the loss of the largest batch is not finite before the first step ({self.task.whereabouts(longest)})",
        )
        self.optimiser.zero_grad()
        self.model.eval()
        with torch.no_grad(), products(self.config.precision, self.device):
            self.task.validate(self.model, limit=4)
        self._save()
        tensors, _ = read_state(self.run.last)
        same = all(
            torch.equal(tensors[f"model/{name}"], value.cpu()) for name, value in self.model.state_dict().items()
        )
        check(same, f"{self.run.last}: what was written does not read back equal: check the disk")


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(f"{prefix}/"): tensor for name, tensor in tensors.items() if name.startswith(f"{prefix}/")
    }


def _told(validation: Validation) -> str:
    return ", ".join(f"{name} {value:.2f}" for name, value in validation.figures.items())


class _Signals:
    """SIGINT and SIGTERM wait for the end of a step, so that what is saved is whole; a second one does not wait."""

    def __init__(self) -> None:
        self.came: int | None = None

    def __enter__(self) -> _Signals:
        self._previous = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _note(self, number: int, _: object) -> None:
        self.came = number
        signal.signal(number, self._previous[signal.Signals(number)])

    def obey(self) -> None:
        """Leave, if a signal came; the state has been saved."""
        if self.came == signal.SIGINT:
            raise KeyboardInterrupt
        if self.came == signal.SIGTERM:
            raise Terminated
