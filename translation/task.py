"""The translation task: training on pairs of sentences."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import torch
from torch import nn

from s2s import seeds
from s2s.decoding.search import BeamOptions
from s2s.models.contracts import Predictions
from s2s.models.pictured_text import PicturedText
from s2s.nn.loss import cross_entropy_of_rows, symmetric_divergence
from s2s.text.padding import Padded
from s2s.text.subwords import SubwordVocabulary
from s2s.text.tokens import END, START
from s2s.text.vocabulary import Vocabulary
from s2s.training.batches import BucketedBatches, padded_tensors
from s2s.training.mixing import Mixture
from s2s.training.sampled_attention import estimator_of
from s2s.training.task import Loss, Task, TaskState, Validation
from translation.augmentation import Augmentation
from translation.model import TranslationModel
from translation.pair_pictures import PairPictures
from translation.pictures import SeenPictures
from translation.prepare import PreparedPairs
from translation.reading import word_pattern
from translation.recipe import Recipe
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


@dataclass(frozen=True)
class _EncodedPairs:
    """The token ids of pairs, where the pairs stand in their text, and batches of pairs of like lengths."""

    examples: Sequence[int]
    sources: Sequence[list[int]]
    targets: Sequence[list[int]]
    batches: BucketedBatches


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
        data: PreparedPairs,
        model: TranslationModel,
        device: torch.device,
        pictures: PairPictures | None = None,
    ) -> None:
        self.recipe, self.data, self.model, self.device = recipe, data, model, device
        self.pictures = pictures
        self.network = model.network
        self.estimator = estimator_of(recipe.decoder)
        self.carries = self.estimator is not None and self.estimator.carries
        self._augmentation = Augmentation(
            data.train.source,
            data.train.target,
            recipe.augmentation,
            unknown_copies=recipe.vocabulary.unknown_copies,
            words=word_pattern(data.source),
            placeholders=data.source.placeholders,
        )
        self._mixture = Mixture(
            data.sizes,
            [corpus.weight for corpus in recipe.data.training],
            temperature=recipe.data.temperature,
            seed=recipe.training.seed,
        )
        self._epoch, self._pairs = 0, self._encode_epoch(0)
        self._translator = Translator(model.engine(recipe.training.precision), BeamOptions(width=1))

    def plan(self, epoch: int) -> list[list[int]]:
        """See `Task`."""
        return self._pairs_of(epoch).batches.epoch(epoch)

    def report(self) -> str:
        """Return a line about the batches of the first epoch."""
        batches, pairs = self.plan(0), self._pairs_of(0)
        share = pairs.batches.padding_share(batches)
        return f"{len(pairs.examples):,} pairs in {len(batches):,} batches, {share:.1%} of their tokens padding"

    def longest(self) -> list[int]:
        """See `Task`."""
        return self._pairs_of(0).batches.longest(self.plan(0))

    def batch(self, epoch: int, position: int, examples: Sequence[int]) -> TranslationBatch:
        """See `Task`."""
        pairs = self._pairs_of(epoch)
        if self.recipe.r_drop:
            examples = [*examples, *examples]
        batch = self._pad(pairs, examples, self.pictures and self.pictures.train)
        if not self.estimator:
            return batch
        read, targets = self.estimator.repeated(batch.decoder_input), self.estimator.repeated(batch.targets)
        return replace(batch, decoder_input=read, targets=targets)

    def _pairs_of(self, epoch: int) -> _EncodedPairs:
        """The training pairs as an epoch reads them; those of the last epoch asked for are kept in memory."""
        if self._epoch != epoch:
            self._epoch, self._pairs = epoch, self._encode_epoch(epoch)
        return self._pairs

    def _encode_epoch(self, epoch: int) -> _EncodedPairs:
        """Encode the training text with the random choices of an epoch, then make its batches.

        The whole text is encoded before the batches are made, because BPE-dropout lengthens every row differently: in
        batches of lengths without dropout a quarter of the tokens would be padding.
        """
        seed, examples = self.recipe.training.seed, self._mixture.epoch(epoch)
        if not (self._augmentation.changes_texts or self.recipe.vocabulary.bpe_dropout):
            sources, targets = ([side[i] for i in examples] for side in self.data.tokens)
            return self._batched(examples, sources, targets, seed)
        source_seed, target_seed = seeds.of_text(seed, epoch)
        texts = self._augmentation.texts(source_seed, examples)
        sources = self._encode(self.data.source, texts[0], source_seed)
        targets = self._encode(self.data.target, texts[1], target_seed)
        return self._batched(examples, sources, targets, seed)

    def _encode(self, vocabulary: Vocabulary, texts: list[str], seed: int) -> list[list[int]]:
        """Return token ids, with BPE-dropout if the recipe has it."""
        if self.recipe.vocabulary.bpe_dropout and isinstance(vocabulary, SubwordVocabulary):
            return vocabulary.encode_sampled(texts, dropout=self.recipe.vocabulary.bpe_dropout, seed=seed)
        return vocabulary.encode_all(texts)

    def _batched(
        self, examples: Sequence[int], sources: Sequence[list[int]], targets: Sequence[list[int]], seed: int
    ) -> _EncodedPairs:
        lengths = [(len(source) + 1, len(target) + 1) for source, target in zip(sources, targets)]  # with END or START
        budget = self.recipe.batch
        batches = BucketedBatches(lengths, sentences=budget.sentences, tokens=budget.tokens, seed=seed)
        return _EncodedPairs(examples, sources, targets, batches)

    def loss(self, model: nn.Module, batch: TranslationBatch) -> Loss:
        """See `Task`."""
        return self._loss(model, batch, self.recipe.label_smoothing, self.recipe.r_drop)

    def validate(self, model: nn.Module) -> Validation:
        """See `Task`. BLEU is sacreBLEU's, on cased and detokenised text."""
        from translation.metrics import bleu

        text = self.data.validation
        pictures = self.pictures.validation.of(range(len(text))) if self.pictures else None
        hypotheses = [each.text for each in self._translator.translate(text.source, pictures=pictures)]
        pairs = self._validation_pairs()
        loss = self._mean_loss(model, pairs, pairs.batches.epoch(0))
        score = bleu(hypotheses, [text.target], self.recipe.data.target_language)
        noise = score.matches[-1] < FEWEST_MATCHES or score.value < LOWEST_BLEU
        return Validation(loss, {"BLEU": score.value}, primary="BLEU", higher_is_better=True, noise=noise)

    def rehearse(self, model: nn.Module) -> None:
        """See `Task`. It translates four lines, and computes the loss of the largest batch."""
        self._translator.translate(self.data.validation.source[:REHEARSED])
        pairs = self._validation_pairs()
        self._mean_loss(model, pairs, [pairs.batches.longest(pairs.batches.epoch(0))])

    def state(self) -> TaskState:
        """See `Task`. Hard attention carries its baseline."""
        return self.estimator.state() if self.estimator else TaskState()

    def restore(self, state: TaskState) -> None:
        """See `Task`."""
        if self.estimator:
            self.estimator.restore(state)

    def whereabouts(self, examples: Sequence[int]) -> str:
        """See `Task`."""
        ends = list(accumulate(self.data.sizes))
        lines: dict[Path, list[int]] = {}
        for i in sorted({self._pairs.examples[row] for row in examples}):
            path = self.recipe.data.training[bisect(ends, i)].paths[0]
            lines.setdefault(path, []).append(self.data.train.lines[i])
        return "; ".join(f"lines {', '.join(map(str, sorted(of)))} of {path}" for path, of in lines.items())

    def save(self, model: nn.Module, directory: Path, about: Mapping[str, Any]) -> None:
        """See `Task`."""
        self.model.save(directory, about)

    def _pad(self, pairs: _EncodedPairs, rows: Sequence[int], pictures: SeenPictures | None = None) -> TranslationBatch:
        sources, targets = [pairs.sources[i] for i in rows], [pairs.targets[i] for i in rows]
        source = padded_tensors([[*ids, END] for ids in sources], self.device)
        return TranslationBatch(
            source=PicturedText.of(source, pictures.of(pairs.examples[i] for i in rows)) if pictures else source,
            decoder_input=padded_tensors([[START, *ids] for ids in targets], self.device),
            targets=padded_tensors([[*ids, END] for ids in targets], self.device),
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

    def _validation_pairs(self) -> _EncodedPairs:
        """The validation text, in batches as large as those of training."""
        text = self.data.validation
        sources, targets = self.data.source.encode_all(text.source), self.data.target.encode_all(text.target)
        return self._batched(range(len(text)), sources, targets, seed=0)

    def _mean_loss(self, model: nn.Module, pairs: _EncodedPairs, batches: Sequence[Sequence[int]]) -> float:
        """Return the mean cross-entropy of a target token in some batches, in nats, without smoothing."""
        total = weight = 0.0
        for rows in batches:
            loss = self._loss(model, self._pad(pairs, rows, self.pictures and self.pictures.validation), 0.0)
            total, weight = total + float(loss.total), weight + loss.weight
        return total / weight
