"""The trainer: one loop for every task; a run that was stopped resumes exactly, to the bit.

A training is a function of its configuration and seed. The order of batches follows from (seed, epoch), and every
random number of a step from (seed, step). So the state to save is the weights, the optimiser's moments and a few
numbers, and N steps equal k steps, a kill, and N - k steps.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import nn

from s2s import seeds
from s2s.errors import check, counted, warn
from s2s.nn.precision import autocast
from s2s.storage.run_directory import REHEARSAL, RunDirectory
from s2s.training.averaging import Average
from s2s.training.configuration import TrainingConfig
from s2s.training.distributed import Ranks
from s2s.training.optimisation import build_optimiser
from s2s.training.progress import Means, Progress
from s2s.training.schedule import Schedule
from s2s.training.signals import StepSignals, raise_signal
from s2s.training.state import Position, TrainingState, machine_of
from s2s.training.task import Task, Validation
from s2s.training.updates import Updater


class Trainer:
    """Trains `model` on `task` in a run directory.

    Args:
        task: what to train
        model: on its device; its parameters are the float32 master weights
        config: how to train
        run: a locked run directory; a state in it is resumed
        about: what to store with the model about its making. Its `data` and `start`, which name the content that is
            trained on and the model that training started from, must be the same when a run is resumed
        follow: called with each entry of the log after it is written
        ranks: the processes that train together; None for this one alone
    """

    def __init__(
        self,
        task: Task[Any],
        model: nn.Module,
        config: TrainingConfig,
        run: RunDirectory,
        about: Mapping[str, Any],
        follow: Callable[[Mapping[str, Any]], None] = lambda entry: None,
        ranks: Ranks | None = None,
    ) -> None:
        self.ranks = ranks or Ranks()
        check(
            self.ranks.world == 1 or task.splits or not task.carries,
            "this training carries a state from batch to batch, which several processes cannot share: start it without "
            "torchrun",
        )
        task.join(self.ranks)
        self.task, self.model, self.config, self.run, self.about = task, model, config, run, about
        self.follow, self.device = follow, next(model.parameters()).device
        self.optimiser = build_optimiser(config.optimiser, model)
        steps = -(-len(task.plan(0)) // self._batches_of_step)  # of an epoch
        self.schedule = Schedule(config.schedule, config.epochs * steps)
        self.average = Average(config.averaging, model, run.kept)
        self.means = Means()
        changing = self.optimiser, self.schedule, self.average
        self.updater = Updater(task, model, config, *changing, run.last, self.ranks)
        self.state = TrainingState(run, about, task, model, *changing, self.means, machine_of(self.device))
        self._clock = time.monotonic()

    @property
    def position(self) -> Position:
        """How far the training has come."""
        return self.state.position

    @property
    def _batches_of_step(self) -> int:
        """How many batches an update of the weights reads, in all processes together."""
        return self.config.accumulate * (1 if self.task.splits else self.ranks.world)

    # ------------------------------------------------------------------------------------------------ the loop

    def train(self) -> Position:
        """Train to the end, or to a signal, which is raised after the state is saved; return the last position.

        Raises:
            UserError: a loss is not finite; the message names the step and its examples.
        """
        resumed = self.run.has_state()
        if resumed:
            self._resume()
        else:
            self._rehearse()
        finished = self._finished()
        if not finished:
            self._warn_of_warmup()
        self._clock = time.monotonic()
        with Progress(self.means, self.position.step, self.schedule.total_steps, unit=self.task.unit) as progress:
            if resumed:
                progress.say(self._resumption())
            while not self._finished():
                self._epoch(progress)
            if self._stopped_early() and not finished:
                progress.say(f"stopped early: {self._stale_validations()}")
        return self.position

    def _resume(self) -> None:
        self.state.restore()
        before, now = self.state.machine, machine_of(self.device)
        self.state.machine = now
        if before != now and not self._finished():
            warn(f"{self.run.path}: was trained under {before}, resumes under {now}: results may differ in last bits")

    def _warn_of_warmup(self) -> None:
        warmup, steps = self.config.schedule.warmup_steps, self.schedule.total_steps
        if warmup > steps / 2:
            warn(f"warm-up takes {warmup} of {steps} steps: lower training.schedule.warmup_steps, or train for longer")

    def _resumption(self) -> str:
        """Return the line to print when a run is resumed."""
        position, config = self.position, self.config
        if self._stopped_early():
            return (
                f"this run has already finished (early stopping) after epoch {position.epoch}: "
                f"{self._stale_validations()}; to train for longer, start another --run with a higher "
                "training.patience, or 0"
            )
        if self._finished():
            return (
                f"this run has already finished: {counted(position.epoch, 'epoch')} of {config.epochs}; to "
                "train for longer, "
                "raise training.epochs"
            )
        return f"resuming after step {position.step} of {self.schedule.total_steps}"

    def _finished(self) -> bool:
        return self.position.epoch >= self.config.epochs or self._stopped_early()

    def _stopped_early(self) -> bool:
        position, patience = self.position, self.config.patience
        return position.epoch < self.config.epochs and 0 < patience <= position.stale and self._is_warm()

    def _is_warm(self) -> bool:
        """Return whether the warm-up has ended; until then a model may learn too little to be compared."""
        return self.position.step >= self.config.schedule.warmup_steps

    def _stale_validations(self) -> str:
        what = "did not improve the loss" if self.config.best == "loss" else "improved neither the score nor the loss"
        return f"{counted(self.position.stale, 'validation')} in a row {what}"

    def _epoch(self, progress: Progress) -> None:
        """Train for the rest of an epoch, validate, and save the state after both."""
        position, plan = self.position, self.task.plan(self.position.epoch)
        self.model.train()
        with StepSignals() as signals:
            while position.batch < len(plan):
                received = self._step(plan, progress, signals.received)
                due = position.step % self.config.save_every == 0 or position.batch >= len(plan)
                # Of several processes, all stop after the same step: the one after which all know of the signal.
                stopping = signals.received if self.ranks.world == 1 else received
                if stopping or due:
                    self._save()
                if stopping:
                    raise_signal(stopping)
        signals.raise_received()  # if one came since
        # The epoch's steps are saved: from here on a signal need not wait, however long the validation takes.
        position.epoch, position.batch = position.epoch + 1, 0
        if position.epoch % self.config.validate_every == 0 or position.epoch >= self.config.epochs:
            self._validate(progress)
        self._save()

    def _step(self, plan: Sequence[Sequence[int]], progress: Progress, signal: int | None) -> int | None:
        """Update the weights once, from one batch or several; return the signal that a process has received."""
        position = self.position
        batches = range(position.batch, min(position.batch + self._batches_of_step, len(plan)))
        update = self.updater.update(position.step, position.epoch, plan, batches, signal)
        position.step, position.batch = position.step + 1, batches.stop
        for loss in update.losses:
            self.means.add(loss)
        progress.step(update.losses, update.rate, update.norm, epoch=position.epoch + 1)
        return update.signal

    def _save(self) -> None:
        self.updater.check_finite()
        self._count_seconds()
        carried = self.task.state()  # in all processes together
        if self.ranks.first:
            self.state.save(carried)

    def _count_seconds(self) -> None:
        now = time.monotonic()
        self.position.seconds, self._clock = self.position.seconds + now - self._clock, now

    # -------------------------------------------------------------------------------------------- validation

    def _validate(self, progress: Progress) -> None:
        """Validate the model, keep it if it is the best, log; after the last epoch also the mean of the checkpoints."""
        position = self.position
        # Of the last step; `observe` may change it. It is computed anew, because a resumed run has made no step yet.
        rate = self.config.optimiser.learning_rate * self.schedule.share(position.step - 1)
        with self.average.running_average():
            validation = self._evaluate()
            before, note = position.best, self._keep_best(validation)
            self.average.add_checkpoint(position.step, validation, write=self.ranks.first)
        improved = validation.beats(before)
        self.schedule.observe(position.count(validation, improved=improved, warm=self._is_warm()))
        self._report(progress, validation, self.means.read(), note, {"rate": rate})
        self.means.clear()
        if self._finished() and len(self.average.checkpoints) > 1:
            with self.average.checkpoint_mean() if self.ranks.first else nullcontext():
                validation = self._evaluate()
                note = self._keep_best(validation)
            self._report(progress, validation, {"mean_of": len(self.average.checkpoints)}, note)

    def _evaluate(self) -> Validation:
        validation = self.ranks.from_first(self._validation)
        return validation.by_loss() if self.config.best == "loss" else validation

    def _validation(self) -> Validation:
        with self._evaluating():
            return self.task.validate(self.model)

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        """A context with the model in evaluation mode, without gradients, with random numbers of its own."""
        torch.manual_seed(seeds.of_step(self.config.seed, self.position.step))
        self.model.eval()
        with torch.no_grad(), autocast(self.config.precision, self.device):
            yield
        self.model.train()

    def _keep_best(self, validation: Validation) -> str:
        """Write the model to `best` if it is as good as the best so far; return what to print about that."""
        position = self.position
        improved = validation.beats(position.best)
        if not improved and validation.mark != position.best:
            return ""
        position.best = validation.mark
        figures = {"step": position.step, "epoch": position.epoch, **validation.figures}
        if self.ranks.first:
            self.task.save(self.model, self.run.best, {**self.about, "validation": figures})
        if not improved:
            return " (as good as the best so far, and kept in its place)"  # since it has seen more
        by_loss = f", by its loss: {validation.primary} rests on too few matches" if validation.noise else ""
        return f" (best so far{by_loss})"

    def _report(
        self,
        progress: Progress,
        validation: Validation,
        training: Mapping[str, float],
        note: str,
        settings: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        """Log and print the figures of a validation, and those of the training since the last one; log the settings."""
        position = self.position
        self._count_seconds()
        entry = {"step": position.step, "epoch": position.epoch, **training, **validation.figures, **settings}
        entry["seconds"] = round(position.seconds, 1)
        self.run.append_log(entry)
        self.follow(entry)
        trained = ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in training.items())
        validated = ", ".join(f"{name} {value:.4g}" for name, value in validation.figures.items())
        progress.say(f"epoch {position.epoch}, {trained}; validation: {validated}{note}")

    # --------------------------------------------------------------------------------------------- rehearsal

    def check_resumable(self) -> None:
        """Raise a UserError if the run in the directory cannot be resumed as this training; nothing is changed."""
        self.state.check_resumable()

    def _rehearse(self) -> None:
        """Do once what the training does later, so that errors come now; the training itself is left as it was.

        That is the largest batch, a small validation, and writing a model and a state and reading the state back.
        """
        self.model.train()
        longest, buffers = self.task.longest(), deepcopy(dict(self.model.named_buffers()))
        carried = self.task.state().copy()
        check(
            bool(self.updater.backward(0, 0, longest).total.isfinite()),
            f"the loss of the largest batch is not finite before the first step: check "
            f"{self.task.whereabouts(longest)}",
        )
        self.optimiser.zero_grad()
        self.model.load_state_dict(buffers, strict=False)  # such as the statistics of batch normalisation
        self.task.restore(carried)
        with self._evaluating():
            self.task.rehearse(self.model)
        with tempfile.TemporaryDirectory(prefix=REHEARSAL, dir=self.run.path) as folder:
            self.task.save(self.model, Path(folder) / "best", self.about)
        self._save()
        self.ranks.wait()  # rank 0 writes the state that all read
        self.state.restore()
