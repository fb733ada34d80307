"""The translation task: training on pairs of sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from s2s.decoding.search import BeamOptions
from s2s.models.contracts import Predictions
from s2s.models.pictured_text import PicturedText
from s2s.nn.loss import cross_entropy_of_rows, symmetric_divergence
from s2s.text.padding import Padded
from s2s.text.tokens import END, START
from s2s.training.batches import BucketedBatches, padded_tensors
from s2s.training.distributed import process_count
from s2s.training.sampled_attention import estimator_of
from s2s.training.task import Loss, Task, TaskState, Validation
from translation.examples import EncodedRows, PairsInMemory, TrainingData, TrainingExamples, batches_of
from translation.model import TranslationModel
from translation.pair_pictures import PairPictures
from translation.pictures import SeenPictures
from translation.prepare import PreparedPairs
from translation.prepared_corpus import PreparedCorpus
from translation.recipe import Recipe
from translation.streamed_pairs import StreamedPairs
from translation.translator import Translator

REHEARSED = 4  # lines that are translated before the first step
LOWEST_BLEU, FEWEST_MATCHES = 1.0, 10  # with less, or with fewer matching 4-grams, BLEU is chance and smoothing


@dataclass(frozen=True)
class TranslationBatch:
    """Pairs of sentences.

    Attributes:
        source: with END, (rows, longest), and the pictures beside it
        decoder_input: targets after START, (rows, longest)
        targets: targets before END, (rows, longest)
    """

    source: Padded | PicturedText
    decoder_input: Padded
    targets: Padded


class TranslationTask(Task[TranslationBatch]):
    """Label-smoothed cross-entropy under teacher forcing; validation by loss and by free-running greedy BLEU.

    With R-Drop a batch holds its pairs twice, the second time after all of the first.

    Args:
        recipe: how to train
        data: pairs and vocabularies
        model: to be trained
        device: of the model
        pictures: beside the pairs; None for a model that sees none
    """

    def __init__(
        self,
        recipe: Recipe,
        data: TrainingData,
        model: TranslationModel,
        device: torch.device,
        pictures: PairPictures | None = None,
    ) -> None:
        self.recipe, self.data, self.model, self.device = recipe, data, model, device
        self.pictures = pictures
        self.network = model.network
        self.estimator = estimator_of(recipe.decoder)
        self.carries = self.estimator is not None and self.estimator.carries
        self._examples = _examples_of(recipe, data)
        self._translator = Translator(model.engine(recipe.training.precision), BeamOptions(width=1))

    def plan(self, epoch: int) -> Sequence[Sequence[int]]:
        """See `Task`."""
        return self._examples.plan(epoch)

    def report(self) -> str:
        """Return a line about the batches of the first epoch."""
        return self._examples.report()

    def longest(self) -> Sequence[int]:
        """See `Task`."""
        return self._examples.longest()

    def batch(self, epoch: int, position: int, examples: Sequence[int]) -> TranslationBatch:
        """See `Task`."""
        if self.recipe.r_drop:
            examples = [*examples, *examples]
        batch = self._pad(self._examples.rows(epoch, examples), self.pictures and self.pictures.train)
        if not self.estimator:
            return batch
        read, targets = self.estimator.repeated(batch.decoder_input), self.estimator.repeated(batch.targets)
        return replace(batch, decoder_input=read, targets=targets)

    def loss(self, model: nn.Module, batch: TranslationBatch) -> Loss:
        """See `Task`."""
        return self._loss(model, batch, self.recipe.label_smoothing, self.recipe.r_drop)

    def validate(self, model: nn.Module) -> Validation:
        """See `Task`. BLEU is sacreBLEU's, on cased and detokenised text."""
        from translation.metrics import bleu

        text = self.data.validation
        pictures = self.pictures.validation.of(range(len(text))) if self.pictures else None
        hypotheses = [each.text for each in self._translator.translate(text.source, pictures=pictures)]
        pairs, batches = self._validation_pairs()
        loss = self._mean_loss(model, pairs, batches.epoch(0))
        score = bleu(hypotheses, [text.target], self.recipe.data.target_language)
        noise = score.matches[-1] < FEWEST_MATCHES or score.value < LOWEST_BLEU
        return Validation(loss, {"BLEU": score.value}, primary="BLEU", higher_is_better=True, noise=noise)

    def rehearse(self, model: nn.Module) -> None:
        """See `Task`. It translates four lines, and computes the loss of the largest batch."""
        self._translator.translate(self.data.validation.source[:REHEARSED])
        pairs, batches = self._validation_pairs()
        self._mean_loss(model, pairs, [batches.longest(batches.epoch(0))])

    def state(self) -> TaskState:
        """See `Task`. Hard attention carries its baseline."""
        return self.estimator.state() if self.estimator else TaskState()

    def restore(self, state: TaskState) -> None:
        """See `Task`."""
        if self.estimator:
            self.estimator.restore(state)

    def whereabouts(self, examples: Sequence[int]) -> str:
        """See `Task`."""
        return self._examples.whereabouts(examples)

    def save(self, model: nn.Module, directory: Path, about: Mapping[str, Any]) -> None:
        """See `Task`."""
        self.model.save(directory, about)

    def _pad(self, pairs: EncodedRows, pictures: SeenPictures | None = None) -> TranslationBatch:
        source = padded_tensors([[*ids, END] for ids in pairs.sources], self.device)
        return TranslationBatch(
            source=PicturedText.of(source, pictures.of(pairs.numbers)) if pictures else source,
            decoder_input=padded_tensors([[START, *ids] for ids in pairs.targets], self.device),
            targets=padded_tensors([[*ids, END] for ids in pairs.targets], self.device),
        )

    def _loss(self, model: nn.Module, batch: TranslationBatch, smoothing: float, r_drop: float = 0.0) -> Loss:
        mask = batch.targets.mask
        predictions: Predictions = model(batch.source, batch.decoder_input.ids, mask)
        logits = predictions.logits
        total, words = cross_entropy_of_rows(logits, batch.targets.ids[mask], smoothing)
        if self.estimator and predictions.sampled is not None:
            total = total + self.estimator.loss(predictions, words, mask)
        if r_drop:
            total = total + symmetric_divergence(logits, r_drop / 2)
        size = logits.shape[0] + batch.source.lengths.sum().item()
        return Loss(total, logits.shape[0], int(size), {"train_loss": -words.sum()})

    def _validation_pairs(self) -> tuple[EncodedRows, BucketedBatches]:
        """The validation text, in batches as large as those of training."""
        text = self.data.validation
        sources, targets = self.data.source.encode_all(text.source), self.data.target.encode_all(text.target)
        return EncodedRows(sources, targets, range(len(text))), batches_of(self.recipe, sources, targets, seed=0)

    def _mean_loss(self, model: nn.Module, pairs: EncodedRows, batches: Sequence[Sequence[int]]) -> float:
        """Return the mean cross-entropy of a target token in some batches, in nats, without smoothing."""
        total = weight = 0.0
        for rows in batches:
            batch = self._pad(pairs.pick(rows), self.pictures and self.pictures.validation)
            loss = self._loss(model, batch, 0.0)
            total, weight = total + float(loss.total), weight + loss.weight
        return total / weight


def _examples_of(recipe: Recipe, data: TrainingData) -> TrainingExamples:
    """The training pairs, from memory or from the disk."""
    if isinstance(data, PreparedPairs):
        return PairsInMemory(recipe, data)
    assert isinstance(data, PreparedCorpus)
    return StreamedPairs(recipe, data, readers=process_count())
