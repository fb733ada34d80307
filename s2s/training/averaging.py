"""Averages of weights: of the last or best few models of a training, or a running one over its steps."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from s2s.config import option
from s2s.storage.training_state import read_state, write_state
from s2s.storage.weights import average_weights
from s2s.training.task import Validation


@dataclass(frozen=True)
class AveragingConfig:
    """Which weights are averaged."""

    decay: float = option(0.0, low=0, below=1, help="of a running average that is what gets validated; 0 is none")
    keep: int = option(0, low=0, help="validated models whose mean is a last candidate for the best; 0 is none")
    choose: Literal["last", "best"] = option("last", help="which of them are kept")


@dataclass(frozen=True)
class Kept:
    """The weights of one validation: those in the folder `step-STEP`."""

    step: int
    score: float  # higher is better

    @property
    def name(self) -> str:
        """Of their folder."""
        return f"step-{self.step}"


class Average:
    """What the trainer calls after each step and each validation.

    The running average is that of Polyak & Juditsky (1992) with exponential weights, warmed up as (1 + n) / (10 + n);
    the mean of the last or best models is Junczys-Dowmunt et al.'s (2016).

    Args:
        config: which weights are averaged.
        model: parameters are what is averaged; buffers are the model's own at all times.
        folder: where kept weights go, in float32; made when it is needed.
    """

    def __init__(self, config: AveragingConfig, model: nn.Module, folder: Path) -> None:
        self.config, self.folder = config, folder
        self.kept: list[Kept] = []
        # Parameters, not the state dict: tied weights are averaged once.
        self._live = dict(model.named_parameters())
        self._running = {name: p.detach().clone() for name, p in self._live.items()} if config.decay else {}

    def follow(self, step: int) -> None:
        """Take the weights after `step`, counted from 1, into the running average."""
        if self._running:
            decay = min(self.config.decay, (1 + step) / (10 + step))
            live = [self._live[name].detach() for name in self._running]
            torch._foreach_lerp_(list(self._running.values()), live, 1 - decay)  # pyright: ignore[reportPrivateImportUsage]

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within, the model has the running average's weights, where there is one."""
        with self._exchanged(self._running):
            yield

    @contextmanager
    def mean(self) -> Iterator[None]:
        """Within, the model has the mean of the kept weights; a UserError if a file of them is damaged or gone."""
        with self._exchanged(average_weights([read_state(self.folder / kept.name)[0] for kept in self.kept])):
            yield

    def several(self) -> bool:
        """Whether there is a mean to speak of."""
        return len(self.kept) > 1

    def keep(self, step: int, validation: Validation) -> None:
        """Keep the model's weights, which were just validated, if they are among the last or best few."""
        if not self.config.keep:
            return
        new = Kept(step, validation.figures[validation.primary] * (1 if validation.higher_is_better else -1))
        by_score = self.config.choose == "best"
        ranked = sorted([*self.kept, new], key=lambda kept: (kept.score if by_score else 0.0, kept.step))
        self.kept = ranked[-self.config.keep :]
        if new in self.kept:
            self.folder.mkdir(exist_ok=True)
            write_state(self.folder / new.name, {name: p.detach() for name, p in self._live.items()}, {})

    def forget(self) -> None:
        """Delete weights no longer kept; called once a state that does not mention them is safe."""
        if self.folder.is_dir():
            current = {kept.name for kept in self.kept}
            for folder in self.folder.glob("step-*"):
                if folder.name not in current:
                    shutil.rmtree(folder)

    def tensors(self) -> dict[str, Tensor]:
        """The running average, for the training state."""
        return self._running

    def record(self) -> list[dict[str, Any]]:
        """What is kept, for the training state."""
        return [asdict(kept) for kept in self.kept]

    def restore(self, tensors: Mapping[str, Tensor], record: list[dict[str, Any]]) -> None:
        """From the training state."""
        for name, tensor in tensors.items():
            self._running[name].copy_(tensor)
        self.kept = [Kept(**kept) for kept in record]

    @contextmanager
    def _exchanged(self, weights: Mapping[str, Tensor]) -> Iterator[None]:
        """Within, the model's parameters have other values."""
        own = {name: self._live[name].detach().clone() for name in weights}
        try:
            self._fill(weights)
            yield
        finally:
            self._fill(own)

    @torch.no_grad()
    def _fill(self, weights: Mapping[str, Tensor]) -> None:
        for name, value in weights.items():
            self._live[name].copy_(value)
