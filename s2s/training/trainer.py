"""The trainer: one loop for every task, exact to the bit when it goes on after a stop.

A training is a function of its configuration and seed. The order of batches follows from (seed, epoch), and every
random number of a step from (seed, step); so the state to save is the weights, the optimiser's moments and a few
numbers, and N steps equal k steps, a kill, and N - k steps.
"""

from __future__ import annotations

import signal
import tempfile
import time
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from s2s.config import option
from s2s.errors import Terminated, check, warn
from s2s.nn.precision import Precision, autocast
from s2s.storage.run_directory import REHEARSAL, RunDirectory
from s2s.storage.training_state import read_state, write_state
from s2s.storage.weights import load_weights
from s2s.training.averaging import Average, AveragingConfig
from s2s.training.optimisation import (
    OptimiserConfig,
    Schedule,
    ScheduleConfig,
    build_optimiser,
    optimiser_tensors,
    restore_optimiser,
    scale_and_clip,
)
from s2s.training.progress import Means, Progress
from s2s.training.task import Loss, Task, Validation

VERSION = 2  # of what a state means: raise it when other steps follow from the same recipe


@dataclass(frozen=True)
class TrainingConfig:
    """The part of a recipe that every task has."""

    seed: int = option(1, low=0, high=2**32 - 1)
    epochs: int = option(20, low=1, help="may be raised when resuming; cosine then falls towards the new end")
    precision: Precision = option("auto", help="of matrix products; auto is bfloat16 where the processor has it")
    accumulate: int = option(1, low=1, help="batches whose gradients make one step")
    validate_every: int = option(1, low=1, help="epochs; the last one always validates")
    patience: int = option(0, low=0, help="stop after so many validations without a new best; 0 never stops early")
    best: Literal["score", "loss"] = option(
        "score", help="the best model has the highest score of what it writes, or the lowest validation loss"
    )
    save_every: int = option(500, low=1, help="steps between two savings of the training state")
    optimiser: OptimiserConfig = OptimiserConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    averaging: AveragingConfig = AveragingConfig()


@dataclass
class Position:
    """Where a training stands: all that its state holds beside tensors."""

    step: int = 0  # updates of the weights
    epoch: int = 0
    batch: int = 0  # of the epoch, the next to be read
    best: float | None = None
    stale: int = 0  # validations since the last new best
    seconds: float = 0.0  # of training and validation, in all sessions


class Trainer:
    """Train `model` on `task` in a run directory.

    Args:
        task: what to train.
        model: on its device; its parameters are the float32 masters.
        config: how.
        run: a locked run directory, whose `last` state is gone on from where there is one.
        about: what is worth knowing of the making of the model, stored with it. Its `data` and `start`, which name
            the content that is trained on and that of the model gone on from, must be the same when a run goes on.
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
        self.means = Means()
        self.position = Position()
        self.look_every = 1 if self.device.type == "cpu" else 50  # steps: elsewhere each look waits for the device
        self._unseen: list[tuple[int, Sequence[int], Tensor]] = []  # steps whose gradients nobody has looked at
        self._clock = time.monotonic()

    # ------------------------------------------------------------------------------------------------ the loop

    def train(self) -> Position:
        """Train to the end, or to a signal, after which the state is saved and the signal raised.

        Raises:
            UserError: a loss is not finite; the message names the step and its examples.
        """
        resumed = self.run.has_state()
        if resumed:
            self._restore()
        else:
            self._rehearse()
        if not self._done():
            self._warn_of_warmup()
        self._clock = time.monotonic()
        with Progress(self.means, self.position.step, self.schedule.total_steps) as progress:
            finished = self._done()
            if resumed:
                progress.say(self._resumption())
            while not self._done():
                self._epoch(progress)
            if self._stopped_early() and not finished:
                progress.say(f"stopped early: {self.position.stale} validations without a new best")
        return self.position

    def _warn_of_warmup(self) -> None:
        warmup, steps = self.config.schedule.warmup_steps, self.schedule.total_steps
        if warmup > steps / 2:
            warn(f"warm-up takes {warmup} of {steps} steps: lower training.schedule.warmup_steps, or train for longer")

    def _resumption(self) -> str:
        """What is said when a run goes on."""
        if self._stopped_early():
            return (
                f"nothing is done: the run stopped early after epoch {self.position.epoch}, its patience of "
                f"{self.config.patience} validations without a new best being used up; to train longer, start "
                "another --run with a higher training.patience, or 0"
            )
        if self._done():
            return f"nothing is left to do: {self.position.epoch} epochs are done, {self.config.epochs} were asked for"
        return f"going on after step {self.position.step} of {self.schedule.total_steps}"

    def _done(self) -> bool:
        return self.position.epoch >= self.config.epochs or self._stopped_early()

    def _stopped_early(self) -> bool:
        return self.position.epoch < self.config.epochs and 0 < self.config.patience <= self.position.stale

    def _epoch(self, progress: Progress) -> None:
        """The rest of an epoch, its validation, and the state that has both behind it."""
        position, plan = self.position, self.task.plan(self.position.epoch)
        self.model.train()
        with _Signals() as signals:
            while position.batch < len(plan):
                self._step(plan, progress)
                if signals.came or position.step % self.config.save_every == 0 or position.batch >= len(plan):
                    self._save()
                    signals.obey()
        signals.obey()  # one that came since
        # The epoch's steps are safe now: from here on a signal need not wait, however long the validation takes.
        position.epoch, position.batch = position.epoch + 1, 0
        if position.epoch % self.config.validate_every == 0 or position.epoch >= self.config.epochs:
            self._validate(progress)
        self._save()

    def _step(self, plan: Sequence[Sequence[int]], progress: Progress) -> None:
        """One update of the weights, from one batch or several."""
        position = self.position
        torch.manual_seed(self._seed())
        rate = self.config.optimiser.learning_rate * self.schedule.share(position.step)
        taken = range(position.batch, min(position.batch + self.config.accumulate, len(plan)))
        losses = [self._backward(position.epoch, i, plan[i]) for i in taken]
        norm = scale_and_clip(self.parameters, sum(loss.weight for loss in losses), self.config.optimiser)
        position.step, position.batch = position.step + 1, taken.stop
        health = norm + sum(loss.total.detach() for loss in losses)
        self._unseen.append((position.step, [example for i in taken for example in plan[i]], health))
        if len(self._unseen) >= self.look_every:
            self._look()
        self.optimiser.step(rate)
        self.optimiser.zero_grad()
        self.average.follow(position.step)
        for loss in losses:
            self.means.add(loss)
        progress.step(losses, rate, norm, epoch=position.epoch + 1)

    def _backward(self, epoch: int, position: int, examples: Sequence[int]) -> Loss:
        batch = self.task.batch(epoch, position, examples)
        with autocast(self.config.precision, self.device):
            loss = self.task.loss(self.model, batch)
        loss.total.backward()
        return loss

    def _look(self) -> None:
        """Stop if the loss or the gradient of a step is not finite; before anything is saved, all have been seen."""
        unseen, self._unseen = self._unseen, []
        finite = torch.stack([health for *_, health in unseen]).isfinite().tolist() if unseen else []
        for (step, examples, _), good in zip(unseen, finite):
            check(
                good,
                f"step {step}: the loss or its gradient is not finite, in the batch of "
                f"{self.task.whereabouts(examples)}: lower the learning rate or look at these examples; "
                f"the last good state is in {self.run.last}",
            )

    def _seed(self) -> int:
        """Of the random numbers, on every device, of what comes after so many steps."""
        return self.config.seed * 1_000_000_007 + self.position.step

    # -------------------------------------------------------------------------------------------- validation

    def _validate(self, progress: Progress) -> None:
        """Score the model, keep it where it is the best, log; at the end so too the mean of the kept weights."""
        with self.average.applied():
            validation = self._score()
            improved = self._keep(validation)
            self.average.keep(self.position.step, validation)
        self.position.stale = 0 if improved else self.position.stale + 1
        self.schedule.observe(improved)
        self._report(progress, validation, self.means.read())
        self.means.clear()
        if self._done() and self.average.several():
            with self.average.mean():
                validation = self._score()
                self._keep(validation)
            self._report(progress, validation, {"mean_of": len(self.average.kept)})

    def _score(self, limit: int | None = None) -> Validation:
        torch.manual_seed(self._seed())
        self.model.eval()
        with torch.no_grad(), autocast(self.config.precision, self.device):
            validation = self.task.validate(self.model, limit)
        self.model.train()
        return validation.by_loss() if self.config.best == "loss" else validation

    def _keep(self, validation: Validation) -> bool:
        """Write the model as the best, if it is, or as good as that: of equals the later one has seen more."""
        improved, value = validation.beats(self.position.best), validation.figures[validation.primary]
        if improved or value == self.position.best:
            self.position.best = value
            figures = {"step": self.position.step, "epoch": self.position.epoch, **validation.figures}
            self.task.save(self.model, self.run.best, {**self.about, "validation": figures})
        return improved

    def _report(self, progress: Progress, validation: Validation, training: Mapping[str, float]) -> None:
        position = self.position
        self._tick()
        entry = {"step": position.step, "epoch": position.epoch, **training, **validation.figures}
        self.run.append_log({**entry, "seconds": round(position.seconds, 1)})
        told = ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in training.items())
        found = ", ".join(f"{name} {value:.4g}" for name, value in validation.figures.items())
        kept = " (best so far)" * (validation.figures[validation.primary] == position.best)
        progress.say(f"epoch {position.epoch}, {told}; validation: {found}{kept}")

    def _tick(self) -> None:
        now = time.monotonic()
        self.position.seconds, self._clock = self.position.seconds + now - self._clock, now

    # ----------------------------------------------------------------------------------------------- the state

    def _save(self) -> None:
        self._look()
        self._tick()
        tensors = {f"model/{name}": tensor for name, tensor in self.model.state_dict().items()}
        tensors |= {f"average/{name}": tensor for name, tensor in self.average.tensors().items()}
        tensors |= {f"optimiser/{key}": tensor for key, tensor in optimiser_tensors(self.optimiser, self.model)}
        record = {
            "position": asdict(self.position),
            "schedule": self.schedule.record(),
            "kept": self.average.record(),
            "means": self.means.record(),
            "data": self.about.get("data"),
            "start": self.about.get("start"),
            "machine": _machine(self.device),
            "version": VERSION,
        }
        write_state(self.run.last, tensors, record)
        self.average.forget()  # weights that no saved state mentions any more

    def check_resumable(self) -> None:
        """Raise a UserError where the run in the directory cannot go on as this training; nothing is changed."""
        if self.run.has_state():
            self._check_content(read_state(self.run.last)[1])

    def _restore(self) -> None:
        tensors, record = read_state(self.run.last)
        self._check_content(record)
        now = _machine(self.device)
        before = record.get("machine", now)  # a state of earlier days may know none
        self.position = Position(**record["position"])
        if before != now and not self._done():
            warn(f"{self.run.path}: was stopped under {before}, goes on under {now}: last bits may differ")
        load_weights(self.model, _below(tensors, "model/"), source=self.run.last)
        restore_optimiser(self.optimiser, self.model, _below(tensors, "optimiser/"))
        self.average.restore(_below(tensors, "average/"), record["kept"])
        self.schedule.restore(record["schedule"])
        self.means.restore(record["means"])
        position = self.position
        # What was logged at this very step is older than the state only if the state is that of an epoch's end.
        self.run.cut_log(position.step if position.batch == 0 else position.step - 1)

    def _check_content(self, record: Mapping[str, Any]) -> None:
        """Whether the run goes on with what it was begun with; `start` first, for its vocabularies change the data."""
        check(
            record.get("version", 1) == VERSION,
            f"{self.run.path}: was begun with another version of this toolkit, which makes other steps of the same "
            "recipe: end it with that one, or start another --run",
        )
        for name, what in (("start", "the model in the recipe's start"), ("data", "the data, or what is done to it,")):
            found = self.about.get(name)
            check(
                record.get(name, found) == found,  # a run of earlier days may know no start
                f"{self.run.path}: {what} is no longer what this run was started on: "
                "put the old files back, or start another --run",
            )

    def _rehearse(self) -> None:
        """What will fail fails now: the largest batch, four decoded lines, a model and a state written and read."""
        self.model.train()
        longest, buffers = self.task.longest(), deepcopy(dict(self.model.named_buffers()))
        check(
            bool(self._backward(0, 0, longest).total.isfinite()),
            f"the loss of the largest batch is not finite before the first step: look at "
            f"{self.task.whereabouts(longest)}",
        )
        self.optimiser.zero_grad()
        self.model.load_state_dict(buffers, strict=False)  # what a batch normalisation has seen, say
        self._score(limit=4)
        with tempfile.TemporaryDirectory(prefix=REHEARSAL, dir=self.run.path) as folder:
            self.task.save(self.model, Path(folder) / "best", self.about)
        self._save()
        self._restore()


def _machine(device: torch.device) -> str:
    """What the last bits of a sum depend on, beside the kind of processor."""
    threads = f" with {torch.get_num_threads()} threads" if device.type == "cpu" else ""
    return f"PyTorch {torch.__version__} on {device.type}{threads}"


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


class _Signals:
    """Within, SIGINT and SIGTERM wait for the end of a step, so that what is saved is whole; a second does not wait."""

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
