"""Averages of weights: a running average over the steps, and the mean of a few checkpoints."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from s2s.storage.training_state import read_state, write_state
from s2s.storage.weights import average_weights
from s2s.training.configuration import AveragingConfig
from s2s.training.task import Validation


@dataclass(frozen=True)
class Checkpoint:
    """The weights of one validation, in float32, in the folder `step-STEP`.

    Attributes:
        step: updates of the weights so far
        score: the figure that decides, its sign changed where lower is better
        noise: whether that figure is the loss because the primary one was only noise
    """

    step: int
    score: float
    noise: bool = False

    @property
    def folder(self) -> str:
        """The name of its folder."""
        return f"step-{self.step}"


class Average:
    """Averages of a model's weights; the trainer calls it after each step and each validation.

    The running average is that of Polyak & Juditsky (1992) with exponential weights, whose decay rises with the number
    n of updates as (1 + n) / (10 + n). The mean of the last or best checkpoints is Junczys-Dowmunt et al.'s (2016).

    Args:
        config: which weights are averaged
        model: its parameters are averaged; its buffers are its own at all times
        directory: of the checkpoints; made when it is needed
    """

    def __init__(self, config: AveragingConfig, model: nn.Module, directory: Path) -> None:
        self.config, self.directory = config, directory
        self.checkpoints: list[Checkpoint] = []
        # Parameters, not the state dict: tied weights are averaged once.
        self._parameters = dict(model.named_parameters())
        self._running = {name: p.detach().clone() for name, p in self._parameters.items()} if config.decay else {}

    def update(self, step: int) -> None:
        """Take the weights after `step`, counted from 1, into the running average."""
        if self._running:
            decay = min(self.config.decay, (1 + step) / (10 + step))
            weights = [self._parameters[name].detach() for name in self._running]
            torch._foreach_lerp_(list(self._running.values()), weights, 1 - decay)  # pyright: ignore[reportPrivateImportUsage]

    @contextmanager
    def running_average(self) -> Iterator[None]:
        """A context in which the model has the weights of the running average, if there is one."""
        with self._exchanged(self._running):
            yield

    @contextmanager
    def checkpoint_mean(self) -> Iterator[None]:
        """A context in which the model has the mean of the checkpoints.

        Raises:
            UserError: a file of a checkpoint is damaged or missing.
        """
        weights = [read_state(self.directory / checkpoint.folder)[0] for checkpoint in self.checkpoints]
        with self._exchanged(average_weights(weights)):
            yield

    def add_checkpoint(self, step: int, validation: Validation, *, write: bool = True) -> None:
        """Store the model's weights, which were just validated, if they are among the last or best few.

        Args:
            step: updates of the weights so far
            validation: of these weights
            write: False in a process whose fellow writes them
        """
        if not self.config.keep:
            return
        decisive = validation.by_loss() if validation.noise else validation
        new = Checkpoint(step, decisive.value * (1 if decisive.higher_is_better else -1), validation.noise)
        ranked = [*self.checkpoints, new]  # by step
        if self.config.choose == "best":
            ranked.sort(key=lambda each: (not each.noise, each.score, each.step))
        self.checkpoints = ranked[-self.config.keep :]
        if new in self.checkpoints and write:
            self.directory.mkdir(exist_ok=True)
            write_state(self.directory / new.folder, {name: p.detach() for name, p in self._parameters.items()}, {})

    def delete_old_checkpoints(self) -> None:
        """Delete the checkpoints that are not averaged any more; called once no saved state mentions them."""
        if self.directory.is_dir():
            current = {checkpoint.folder for checkpoint in self.checkpoints}
            for folder in self.directory.glob("step-*"):
                if folder.name not in current:
                    shutil.rmtree(folder)

    def tensors(self) -> dict[str, Tensor]:
        """Return the running average, for the training state."""
        return self._running

    def record(self) -> list[dict[str, Any]]:
        """Return which checkpoints there are, for the training state."""
        return [asdict(checkpoint) for checkpoint in self.checkpoints]

    def restore(self, tensors: Mapping[str, Tensor], record: Sequence[Mapping[str, Any]]) -> None:
        """Take over what `tensors` and `record` returned."""
        for name, tensor in tensors.items():
            self._running[name].copy_(tensor)
        self.checkpoints = [Checkpoint(**checkpoint) for checkpoint in record]

    @contextmanager
    def _exchanged(self, weights: Mapping[str, Tensor]) -> Iterator[None]:
        """A context in which the model's parameters have other values."""
        before = {name: self._parameters[name].detach().clone() for name in weights}
        try:
            self._fill(weights)
            yield
        finally:
            self._fill(before)

    @torch.no_grad()
    def _fill(self, weights: Mapping[str, Tensor]) -> None:
        for name, value in weights.items():
            self._parameters[name].copy_(value)
