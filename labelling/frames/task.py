"""The task of a frame labeller: training on films with a label for every frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from labelling.frames.model import FrameLabellerModel
from labelling.frames.prepare import PreparedFilms
from labelling.frames.recipe import FrameLabellerRecipe
from labelling.scores import macro_f1
from s2s.errors import first_few
from s2s.models.frame_encoder import FilmVectors
from s2s.models.heads import LabelScores
from s2s.nn.loss import smoothed_cross_entropy
from s2s.training.batches import BucketedBatches
from s2s.training.task import Loss, Task, Validation

_REHEARSED = 4  # films that are labelled before the first step


@dataclass(frozen=True)
class FilmBatch:
    """Films with the labels (n,) of all their frames, film by film."""

    source: FilmVectors
    labels: Tensor


class FrameLabellingTask(Task[FilmBatch]):
    """Cross-entropy of the labels of all frames; validation by loss, accuracy and macro F1.

    Args:
        recipe: how to train
        data: films, their vectors, labels
        model: to be trained, save for its CNN
        device: of the network
    """

    unit: ClassVar[str] = "frames"

    def __init__(
        self, recipe: FrameLabellerRecipe, data: PreparedFilms, model: FrameLabellerModel, device: torch.device
    ) -> None:
        self.recipe, self.data, self.model, self.device = recipe, data, model, device
        self._labels, self._validation_labels = data.label_ids(data.train), data.label_ids(data.validation)
        self._batches = self._batched(data.train_vectors)
        self._validation_batches = self._batched(data.validation_vectors).epoch(0)

    def _batched(self, vectors: Sequence[Tensor]) -> BucketedBatches:
        lengths = [len(film) for film in vectors]
        return BucketedBatches(lengths, sentences=self.recipe.batch, seed=self.recipe.training.seed)

    def plan(self, epoch: int) -> list[list[int]]:
        """See `Task`."""
        return self._batches.epoch(epoch)

    def longest(self) -> list[int]:
        """See `Task`."""
        return self._batches.longest(self.plan(0))

    def batch(self, epoch: int, position: int, examples: Sequence[int]) -> FilmBatch:
        """See `Task`."""
        return self._batch([self.data.train_vectors[i] for i in examples], [self._labels[i] for i in examples])

    def _batch(self, vectors: Sequence[Tensor], labels: Sequence[Sequence[int]]) -> FilmBatch:
        targets = torch.tensor(list(chain.from_iterable(labels)), device=self.device)
        return FilmBatch(FilmVectors.of(vectors, self.device), targets)

    def loss(self, model: nn.Module, batch: FilmBatch) -> Loss:
        """See `Task`."""
        scores: LabelScores = model(batch.source)
        total, exact = smoothed_cross_entropy(scores.logits, batch.labels, self.recipe.label_smoothing)
        frames = len(batch.labels)
        return Loss(total, frames, frames, {"train_loss": exact})

    def validate(self, model: nn.Module) -> Validation:
        """See `Task`."""
        truth, found, total = list[int](), list[int](), 0.0
        for films in self._validation_batches:
            loss, labels = self._labelled(model, films)
            total += loss
            found += labels
            truth += chain.from_iterable(self._validation_labels[i] for i in films)
        right = sum(one == other for one, other in zip(truth, found))
        scores = {"accuracy": 100 * right / len(truth), "macro_f1": 100 * macro_f1(truth, found)}
        return Validation(total / len(truth), scores, primary="accuracy", higher_is_better=True)

    def _labelled(self, model: nn.Module, films: Sequence[int]) -> tuple[float, list[int]]:
        """The summed loss of some validation films, and the labels that are found for their frames."""
        vectors = [self.data.validation_vectors[i] for i in films]
        batch = self._batch(vectors, [self._validation_labels[i] for i in films])
        scores: LabelScores = model(batch.source)
        loss, _ = smoothed_cross_entropy(scores.logits, batch.labels)
        return float(loss), scores.logits.argmax(-1).tolist()

    def rehearse(self, model: nn.Module) -> None:
        """See `Task`. It labels four films, and those of the largest batch."""
        self._labelled(model, range(min(_REHEARSED, len(self.data.validation))))
        self._labelled(model, self._batched(self.data.validation_vectors).longest(self._validation_batches))

    def whereabouts(self, examples: Sequence[int]) -> str:
        """See `Task`."""
        return f"the films {first_few([self.data.train[i].folder for i in sorted(set(examples))])}"

    def save(self, model: nn.Module, directory: Path, about: Mapping[str, Any]) -> None:
        """See `Task`."""
        self.model.save(directory, about)
