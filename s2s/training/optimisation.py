"""Optimisers, learning-rate schedules, clipping: from a recipe to what the trainer calls."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from s2s.config import option
from s2s.training.optimisers import Adam, AdamW, Group, Optimiser, Sgd


@dataclass(frozen=True)
class OptimiserConfig:
    """How gradients become steps."""

    name: Literal["adamw", "adam", "sgd"] = option("adamw")
    learning_rate: float = option(1e-3, above=0, help="the peak of the schedule")
    beta1: float = option(0.9, low=0, below=1, help="Adam's; SGD's momentum")
    beta2: float = option(0.98, low=0, below=1)
    weight_decay: float = option(0.0, low=0, help="of matrices; decoupled in AdamW, else added to the gradient")
    clip_norm: float = option(1.0, low=0, help="largest norm of the whole gradient; 0 does not clip")
    clip_value: float = option(0.0, low=0, high=1e30, help="largest absolute value of an element; 0 does not clip")


@dataclass(frozen=True)
class ScheduleConfig:
    """How the learning rate moves."""

    name: Literal["constant", "cosine", "inverse_sqrt", "plateau"] = option("cosine")
    warmup_steps: int = option(300, low=0, help="linear from 0")
    floor: float = option(0.0, low=0, high=1, help="share of the peak below which no schedule falls")
    factor: float = option(0.5, above=0, below=1, help="plateau: multiply by this")
    patience: int = option(2, low=1, help="plateau: after so many validations without a new best")


def build_optimiser(config: OptimiserConfig, model: nn.Module) -> Optimiser:
    """Weight decay goes to matrices, not to biases and vectors.

    A module that brings weights from elsewhere, a CNN say, may have an attribute `learning_rate_share`: of its own
    parameters and of those of the modules in it, each group's `share` of the learning rate.
    """
    shares: dict[nn.Parameter, float] = {}
    for module in model.modules():  # outer ones first
        if hasattr(module, "learning_rate_share"):
            shares |= dict.fromkeys(module.parameters(), float(module.learning_rate_share))  # type: ignore[arg-type]
    alike: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameter in model.parameters():
        if parameter.requires_grad:
            decay = config.weight_decay if parameter.dim() > 1 else 0.0
            alike.setdefault((shares.get(parameter, 1.0), decay), []).append(parameter)
    groups = [Group(parameters, decay, share) for (share, decay), parameters in alike.items()]
    if config.name == "sgd":
        return Sgd(groups, config.beta1)
    kind = AdamW if config.name == "adamw" else Adam
    return kind(groups, config.beta1, config.beta2)


class Schedule:
    """The learning rate of a step, as a share of its peak."""

    def __init__(self, config: ScheduleConfig, total_steps: int) -> None:
        self.config, self.total_steps = config, total_steps
        self.reductions = 0  # plateau's only memory, with the next line
        self.stale = 0

    def share(self, step: int) -> float:
        """Of the peak learning rate at `step`, counted from 0."""
        config = self.config
        warm = min(1.0, (step + 1) / config.warmup_steps) if config.warmup_steps else 1.0
        after = max(0, step - config.warmup_steps)  # the cosine begins at the peak
        progress = min(1.0, after / max(1, self.total_steps - config.warmup_steps))
        shape = {
            "constant": 1.0,
            "cosine": 0.5 * (1 + math.cos(math.pi * progress)),
            "inverse_sqrt": math.sqrt(max(1, config.warmup_steps) / max(1, config.warmup_steps, step + 1)),
            "plateau": config.factor**self.reductions,
        }[config.name]
        return warm * (config.floor + (1 - config.floor) * shape)

    def observe(self, improved: bool) -> None:
        """What a validation found."""
        self.stale = 0 if improved else self.stale + 1
        if self.stale >= self.config.patience:
            self.reductions, self.stale = self.reductions + 1, 0

    def record(self) -> dict[str, int]:
        """For the training state."""
        return {"reductions": self.reductions, "stale": self.stale}

    def restore(self, record: dict[str, int]) -> None:
        """From the training state."""
        self.reductions, self.stale = record["reductions"], record["stale"]


def scale_and_clip(parameters: Iterable[nn.Parameter], weight: float, config: OptimiserConfig) -> Tensor:
    """Turn summed gradients into a mean, clipped; one pass over memory for both.

    Args:
        parameters: with gradients of a summed loss
        weight: what the sum is to be divided by
        config: the limits

    Returns:
        the norm of the mean gradient before clipping, a tensor: reading it would wait for the device.
    """
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = torch.stack([gradient.norm() for gradient in gradients]).norm() / weight
    scale = torch.ones_like(norm) / weight
    if config.clip_norm:
        scale = scale * (config.clip_norm / (norm + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(scale)
        if config.clip_value:
            gradient.clamp_(-config.clip_value, config.clip_value)
    return norm


def optimiser_tensors(optimiser: Optimiser, model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """The optimiser's tensors by the names of the parameters they belong to: `exp_avg/decoder.embedding.weight`."""
    for name, parameter in model.named_parameters():
        for key, value in optimiser.state.get(parameter, {}).items():
            yield f"{key}/{name}", value


def restore_optimiser(optimiser: Optimiser, model: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Put back what `optimiser_tensors` gave."""
    parameters = dict(model.named_parameters())
    for key, value in tensors.items():
        kind, name = key.split("/", 1)
        parameter = parameters[name]
        optimiser.state[parameter][kind] = value.to(parameter.device, copy=True)
