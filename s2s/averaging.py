"""Averages of weights: of the last or best few models of a training, or a running one over its steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from s2s.checkpoint import average
from s2s.config import option
from s2s.files import written_aside
from s2s.task import Validation


@dataclass(frozen=True)
class AveragingConfig:
    """Which weights are averaged."""

    decay: float = option(0.0, low=0, below=1, help="of a running average that is what gets validated; 0 is none")
    keep: int = option(0, low=0, help="validated models whose mean is a last candidate for the best; 0 is none")
    choose: Literal["last", "best"] = option("last", help="which of them are kept")


@dataclass(frozen=True)
class Kept:
    """The weights of one validation, in the run's `kept` folder."""

    step: int
    score: float  # higher is better
    file: str


class Average:
    """What the trainer calls after each step and each validation.

    The running average is that of Polyak & Juditsky (1992) with exponential weights, warmed up as (1 + n) / (10 + n);
    the mean of the last or best models is Junczys-Dowmunt et al.'s (2016).
    """

    def __init__(self, config: AveragingConfig, model: nn.Module, folder: Path) -> None:
        self.config, self.folder = config, folder
        self.kept: list[Kept] = []
        # Parameters, not the state dict: tied weights are averaged once.
        self._live = dict(model.named_parameters())
        self._running = {name: p.detach().clone() for name, p in self._live.items()} if config.decay else {}

    def follow(self, step: int) -> None:
        """Take the weights after `step` into the running average."""
        if self._running:
            decay = min(self.config.decay, (1 + step) / (10 + step))
            live = [self._live[name].detach() for name in self._running]
            torch._foreach_lerp_(list(self._running.values()), live, 1 - decay)

    @contextmanager
    def applied(self, model: nn.Module) -> Iterator[None]:
        """Within, the model has the running average's weights, where there is one."""
        with _exchanged(model, self._running):
            yield

    @contextmanager
    def mean(self, model: nn.Module) -> Iterator[None]:
        """Within, the model has the mean of the kept weights."""
        states = [load_file(self.folder / kept.file) for kept in self.kept]
        with _exchanged(model, average(states)):
            yield

    def several(self) -> bool:
        """Whether there is a mean to speak of."""
        return len(self.kept) > 1

    def keep(self, model: nn.Module, step: int, validation: Validation) -> None:
        """Keep validated weights, if they are among the last or best few."""
        if not self.config.keep:
            return
        score = validation.figures[validation.primary] * (1 if validation.higher_is_better else -1)
        new = Kept(step, score, f"step-{step}.safetensors")
        rank = (lambda kept: kept.step) if self.config.choose == "last" else (lambda kept: (kept.score, kept.step))
        self.kept = sorted([*self.kept, new], key=rank)[-self.config.keep :]
        if new in self.kept:
            self.folder.mkdir(exist_ok=True)
            with written_aside(self.folder / new.file) as aside:
                save_file({name: p.detach().cpu().contiguous() for name, p in model.named_parameters()}, aside)

    def forget(self) -> None:
        """Delete files of weights no longer kept; called once the state that does not mention them is safe."""
        if self.folder.is_dir():
            current = {kept.file for kept in self.kept}
            for file in self.folder.glob("step-*.safetensors"):
                if file.name not in current:
                    file.unlink()

    def tensors(self) -> dict[str, Tensor]:
        """The running average, for the training state."""
        return {f"average/{name}": tensor for name, tensor in self._running.items()}

    def record(self) -> list[dict[str, Any]]:
        """What is kept, for the training state."""
        return [asdict(kept) for kept in self.kept]

    def restore(self, tensors: Mapping[str, Tensor], record: list[dict[str, Any]]) -> None:
        """From the training state."""
        for name, tensor in tensors.items():
            self._running[name].copy_(tensor)
        self.kept = [Kept(**kept) for kept in record]


@contextmanager
def _exchanged(model: nn.Module, weights: Mapping[str, Tensor]) -> Iterator[None]:
    """Within, the model's parameters have other values."""
    parameters = dict(model.named_parameters())
    own = {name: parameters[name].detach().clone() for name in weights}
    try:
        with torch.no_grad():
            for name, value in weights.items():
                parameters[name].copy_(value)
        yield
    finally:
        with torch.no_grad():
            for name, value in own.items():
                parameters[name].copy_(value)
