"""Task: what the trainer trains. The trainer knows nothing else of translation, captioning or any other application."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from math import isnan
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import torch
from torch import Tensor, nn

from s2s.training.distributed import Ranks

Batch = TypeVar("Batch")


@dataclass(frozen=True)
class Loss:
    """The loss of one batch.

    Attributes:
        total: the sum that is minimised, (), with its gradient
        weight: what makes a mean of `total`, such as the number of target tokens
        size: how many of the task's `unit` the batch held, for the speed
        figures: sums to log, (), as means over `weight`
    """

    total: Tensor
    weight: float
    size: int
    figures: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Mark:
    """How good a validation was: what the next ones are compared with.

    Attributes:
        value: of the primary figure
        loss: None where the primary figure decides; the validation loss where that figure was only noise
    """

    value: float
    loss: float | None = None


@dataclass(frozen=True)
class Validation:
    """The result of one validation.

    Attributes:
        loss: the mean loss on the validation set. Every task has one, so that every recipe may set `best = "loss"`
        scores: all other figures, by name: BLEU, CIDEr-D, accuracy
        primary: the name of the figure that chooses the best model: one of `scores`, or "loss"
        higher_is_better: the direction of the primary figure
        noise: whether the primary figure is too low to tell models apart, as BLEU is while hardly a 4-gram matches. Of
            two such validations the loss decides which is better, and any other validation is better than both

    Raises:
        ValueError: there is no figure called `primary`, or a score is called "loss".
    """

    loss: float
    scores: Mapping[str, float] = field(default_factory=dict)
    primary: str = "loss"
    higher_is_better: bool = False
    noise: bool = False

    def __post_init__(self) -> None:
        if "loss" in self.scores:
            raise ValueError("the loss of a validation is its field `loss`: leave it out of `scores`")
        if self.primary not in self.figures:
            raise ValueError(f"`primary` is {self.primary!r}, which is none of the figures {', '.join(self.figures)}")

    @property
    def figures(self) -> dict[str, float]:
        """All figures by name, the loss first."""
        return {"loss": self.loss, **self.scores}

    @property
    def value(self) -> float:
        """The value of the primary figure."""
        return self.figures[self.primary]

    @property
    def mark(self) -> Mark:
        """What other validations are compared with."""
        return Mark(self.value, self.loss if self.noise else None)

    def beats(self, best: Mark | None) -> bool:
        """Return whether this validation is better than `best`; every one beats None and NaN."""
        if best is None or isnan(best.value):
            return True
        if self.noise:
            return best.loss is not None and is_lower(self.loss, best.loss)
        if best.loss is not None:
            return True
        return self.value > best.value if self.higher_is_better else self.value < best.value

    def by_loss(self) -> Validation:
        """Return the same figures with the loss as the primary one."""
        return replace(self, primary="loss", higher_is_better=False, noise=False)


def is_lower(loss: float, best: float | None) -> bool:
    """Return whether a loss is lower than the best so far; every loss is lower than None and NaN."""
    return best is None or isnan(best) or loss < best


@dataclass(frozen=True)
class TaskState:
    """What a task carries from one batch to the next, such as a language model's hidden state.

    Attributes:
        tensors: by name, of any dtype and shape; stored bit for bit
        values: what JSON can hold
    """

    tensors: Mapping[str, Tensor] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)

    def to(self, device: torch.device) -> TaskState:
        """Return the state with its tensors on `device`."""
        return TaskState({name: tensor.to(device) for name, tensor in self.tensors.items()}, self.values)

    def copy(self) -> TaskState:
        """Return a state that shares no memory with this one."""
        tensors = {name: tensor.detach().clone() for name, tensor in self.tensors.items()}
        return TaskState(tensors, deepcopy(dict(self.values)))


class Task(ABC, Generic[Batch]):
    """What is trained: translation, captioning, self-critical training, a language model, a tagger.

    Random numbers: a task draws from torch's global generators, which the trainer seeds before every step, or from a
    generator of its own that it seeds by the epoch and the position of a batch (see s2s/seeds.py). So a resumed
    training repeats.

    The module that the trainer hands over may be wrapped, by DistributedDataParallel for example. A task only calls it,
    `model(...)`, and never reaches inside; to search or to encode, it uses the network that it was constructed with.

    Attributes:
        unit: what `Loss.size` counts, in the plural: the progress bar shows so many a second
        carries: whether `state` is more than nothing, so that a batch has to follow the one before it
        splits: whether each of several processes reads a part of every batch, and not batches of its own; see `join`
    """

    unit: ClassVar[str] = "tokens"
    carries: bool = False
    splits: ClassVar[bool] = False

    def join(self, ranks: Ranks) -> None:
        """Become the task of one of several processes: the trainer says so before it calls anything else.

        A task with `splits` returns its own part of each batch from then on. Other tasks need nothing.

        Raises:
            UserError: a batch cannot be split into so many parts.
        """

    @abstractmethod
    def plan(self, epoch: int) -> Sequence[Sequence[int]]:
        """Return the examples of each batch of an epoch, the same whenever it is called.

        Each process asks for its own batches alone, so that the sequence may read them when they are asked for.
        """

    @abstractmethod
    def batch(self, epoch: int, position: int, examples: Sequence[int]) -> Batch:
        """Return the batch at a position of an epoch, on the model's device."""

    @abstractmethod
    def longest(self) -> Sequence[int]:
        """Return the examples of the batch that needs the most memory; the rehearsal before step 1 takes it."""

    @abstractmethod
    def loss(self, model: nn.Module, batch: Batch) -> Loss:
        """Return the loss of a batch, by calling `model`."""

    @abstractmethod
    def validate(self, model: nn.Module) -> Validation:
        """Decode and score the whole validation set as a user would; the state carried between batches stays as it is.

        The model is in evaluation mode, and no gradients are recorded.
        """

    @abstractmethod
    def rehearse(self, model: nn.Module) -> None:
        """Do a small part of `validate`, so that what would fail there fails before the first step.

        It decodes a few examples, and computes the loss of those that need the most memory.
        """

    @abstractmethod
    def whereabouts(self, examples: Sequence[int]) -> str:
        """Return where examples stand in the user's files, for messages: `lines 3, 17, 2041 of train.en`."""

    @abstractmethod
    def save(self, model: nn.Module, directory: Path, about: Mapping[str, Any]) -> None:
        """Write a model directory, with `about` in it."""

    def state(self) -> TaskState:
        """Return what is carried to the next batch; nothing, unless a task says otherwise.

        All processes call it together. A task with `splits` returns the states of all of them.
        """
        return TaskState()

    def restore(self, state: TaskState) -> None:
        """Take over what `state` returned, in this process or in one of another number of processes.

        The tensors are on the model's device.

        An empty state means that nothing is carried, as before the first batch of a training.
        """
