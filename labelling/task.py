"""The tasks of labelling: training on sentences with one label each, or with one label a word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from labelling.model import LabellingModel
from labelling.prepare import PreparedText
from labelling.recipe import Recipe
from labelling.schemes import BestTags
from labelling.scores import macro_f1
from s2s import seeds
from s2s.errors import first_few
from s2s.models.heads import LabelScores
from s2s.nn.loss import smoothed_cross_entropy, symmetric_divergence
from s2s.text.padding import Padded
from s2s.text.tokens import UNK
from s2s.training.batches import BucketedBatches
from s2s.training.task import Loss, Task, Validation

REHEARSED = 4  # sentences that are labelled before the first step
_VALIDATED = 64  # sentences of a batch in validation


@dataclass(frozen=True)
class LabelledBatch:
    """Sentences with their labels.

    Attributes:
        source: (rows, longest); a row twice, the second time behind all others, for R-Drop
        labels: (n,), of the rows or of their words, row by row
    """

    source: Padded
    labels: Tensor


class LabellingTask(Task[LabelledBatch]):
    """Cross-entropy of the labels; validation by loss and by accuracy.

    Args:
        recipe: how to train
        data: text, vocabularies, labels
        model: to be trained
        device: of the model
    """

    unit: ClassVar[str] = "words"

    def __init__(self, recipe: Recipe, data: PreparedText, model: LabellingModel, device: torch.device) -> None:
        self.recipe, self.data, self.model, self.device = recipe, data, model, device
        self.network = model.network
        self._ids, self._labels = model.assets.ids(data.train.sentences), data.label_ids(data.train)
        self._validation_ids = model.assets.ids(data.validation.sentences)
        self._validation_labels = data.label_ids(data.validation)
        self._batches = self._batched(self._ids, recipe.batch)
        self._best_tags = BestTags(data.labels, model.config.scheme)
        lower = recipe.vocabulary.lower_case
        alpha = recipe.vocabulary.unknown
        shares = {word: alpha / (alpha + count) for word, count in data.counts.items()} if alpha else {}
        self._unknown = [
            [shares[word.lower() if lower else word] for word in sentence] if alpha else []
            for sentence in data.train.sentences
        ]

    def _batched(self, ids: Sequence[Sequence[int]], size: int) -> BucketedBatches:
        return BucketedBatches([len(row) for row in ids], sentences=size, seed=self.recipe.training.seed)

    def plan(self, epoch: int) -> list[list[int]]:
        """See `Task`."""
        return self._batches.epoch(epoch)

    def longest(self) -> list[int]:
        """See `Task`."""
        return self._batches.longest(self.plan(0))

    def batch(self, epoch: int, position: int, examples: Sequence[int]) -> LabelledBatch:
        """See `Task`."""
        rows = [*examples, *examples] if self.recipe.r_drop else list(examples)
        ids = [self._ids[i] for i in rows]
        if self.recipe.vocabulary.unknown:
            random = Random(seeds.of_unknown_words(self.recipe.training.seed, epoch, position))
            ids = [
                [UNK if random.random() < share else word for word, share in zip(self._ids[i], self._unknown[i])]
                for i in rows
            ]
        return self._pad([self.data.train.sentences[i] for i in rows], ids, [self._labels[i] for i in rows])

    def _pad(
        self, sentences: Sequence[Sequence[str]], ids: Sequence[Sequence[int]], labels: Sequence[Sequence[int]]
    ) -> LabelledBatch:
        source = self.model.assets.batch(sentences, ids)
        targets = torch.tensor(list(chain.from_iterable(labels)), device=self.device)
        return LabelledBatch(source.moved(lambda values: torch.from_numpy(values).to(self.device)), targets)

    def loss(self, model: nn.Module, batch: LabelledBatch) -> Loss:
        """See `Task`."""
        scores: LabelScores = model(batch.source)
        total, exact = smoothed_cross_entropy(scores.logits, batch.labels, self.recipe.label_smoothing)
        if self.recipe.r_drop:
            total = total + symmetric_divergence(scores.logits, self.recipe.r_drop / 2)
        words = int(batch.source.lengths.sum().item())
        return Loss(total, len(batch.labels), words, {"train_loss": exact})

    def validate(self, model: nn.Module) -> Validation:
        """See `Task`."""
        batches = self._batched(self._validation_ids, _VALIDATED).epoch(0)
        truth, found = list[int](), list[int]()
        total = 0.0
        for rows in batches:
            loss, labels = self._labelled(model, rows)
            total += loss
            found += labels
            truth += chain.from_iterable(self._validation_labels[i] for i in rows)
        return self._validation(total / len(truth), truth, found)

    def _validation(self, loss: float, truth: Sequence[int], found: Sequence[int]) -> Validation:
        right = sum(one == other for one, other in zip(truth, found))
        return Validation(loss, {"accuracy": 100 * right / len(truth)}, primary="accuracy", higher_is_better=True)

    def _labelled(self, model: nn.Module, rows: Sequence[int]) -> tuple[float, list[int]]:
        """The summed loss of some validation sentences, and the labels that are found for them."""
        sentences = [self.data.validation.sentences[i] for i in rows]
        labels = [self._validation_labels[i] for i in rows]
        batch = self._pad(sentences, [self._validation_ids[i] for i in rows], labels)
        scores: LabelScores = model(batch.source)
        loss, _ = smoothed_cross_entropy(scores.logits, batch.labels)
        log_probabilities = scores.logits.float().log_softmax(-1).cpu().numpy()
        found, start = list[int](), 0
        for own in labels:
            found += self._best_tags(log_probabilities[start : start + len(own)])
            start += len(own)
        return float(loss), found

    def rehearse(self, model: nn.Module) -> None:
        """See `Task`. It labels four sentences, and those of the largest batch."""
        self._labelled(model, range(min(REHEARSED, len(self.data.validation))))
        batches = self._batched(self._validation_ids, _VALIDATED)
        self._labelled(model, batches.longest(batches.epoch(0)))

    def whereabouts(self, examples: Sequence[int]) -> str:
        """See `Task`."""
        lines: dict[Path, list[int]] = {}
        for i in sorted(set(examples)):
            path, own = self.data.train.places[i]
            lines.setdefault(path, []).append(own[0])
        return "; ".join(f"lines {first_few(numbers)} of {path}" for path, numbers in lines.items())

    def save(self, model: nn.Module, directory: Path, about: Mapping[str, Any]) -> None:
        """See `Task`."""
        self.model.save(directory, about)


class ClassifierTask(LabellingTask):
    """One label a sentence; validated by macro F1 as well."""

    def _validation(self, loss: float, truth: Sequence[int], found: Sequence[int]) -> Validation:
        validation = super()._validation(loss, truth, found)
        scores = {**validation.scores, "macro_f1": 100 * macro_f1(truth, found)}
        return Validation(loss, scores, primary="accuracy", higher_is_better=True)


class TaggerTask(LabellingTask):
    """One label a word."""
