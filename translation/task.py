"""The translation task: what the trainer trains when it trains on pairs of sentences."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import torch
from torch import nn

from s2s.decoding.search import SearchOptions
from s2s.models.contracts import Predictions
from s2s.nn.loss import smoothed_cross_entropy, symmetric_divergence
from s2s.text.padding import Padded, pad
from s2s.text.subwords import SubwordVocabulary
from s2s.text.tokens import END, START
from s2s.text.vocabulary import Vocabulary
from s2s.training.batches import BucketedBatches
from s2s.training.task import Loss, Validation
from translation.augmentation import augment
from translation.model import TranslationModel
from translation.prepare import PreparedPairs
from translation.recipe import Recipe
from translation.translator import Translator
from translation.unknown_words import word_pattern


@dataclass(frozen=True)
class TranslationBatch:
    """Sources with END, targets after START, targets before END: each (rows, longest)."""

    source: Padded
    read: Padded
    written: Padded


@dataclass(frozen=True)
class _Epoch:
    """The token ids that an epoch reads, and its batches."""

    number: int
    sources: Sequence[list[int]]
    targets: Sequence[list[int]]
    batches: BucketedBatches


class TranslationTask:
    """Label-smoothed cross-entropy under teacher forcing; validation by loss and by free-running greedy BLEU.

    With R-Drop a batch holds its pairs twice, the second time after all of the first.
    """

    def __init__(self, recipe: Recipe, data: PreparedPairs, model: TranslationModel, device: torch.device) -> None:
        self.recipe, self.data, self.model, self.device = recipe, data, model, device
        self._epoch = self._drawn(0)
        self._translator = Translator(model, SearchOptions(width=1), precision=recipe.training.precision)

    def plan(self, epoch: int) -> list[list[int]]:
        """See `Task`."""
        return self._at(epoch).batches.epoch(epoch)

    def report(self) -> str:
        """Of an epoch, in a line."""
        batches = self.plan(0)
        share = self._at(0).batches.padding_share(batches)
        return f"{len(self.data.train):,} pairs in {len(batches):,} batches, {share:.1%} of their tokens padding"

    def longest(self) -> list[int]:
        """See `Task`."""
        return self._at(0).batches.longest(self.plan(0))

    def batch(self, epoch: int, position: int, examples: Sequence[int]) -> TranslationBatch:
        """See `Task`."""
        drawn = self._at(epoch)
        if self.recipe.r_drop:
            examples = [*examples, *examples]
        return self._padded([drawn.sources[i] for i in examples], [drawn.targets[i] for i in examples])

    def _at(self, epoch: int) -> _Epoch:
        """An epoch, the last one that was asked for being kept."""
        if self._epoch.number != epoch:
            self._epoch = self._drawn(epoch)
        return self._epoch

    def _drawn(self, epoch: int) -> _Epoch:
        """An epoch's text, with what is left to chance drawn from (seed, epoch).

        All of it before its batches are made: rows whose merges were left out are longer than they were, each in its
        own way, and in batches of what once was alike a quarter of the tokens would be padding.
        """
        sources, targets = self.data.tokens
        vocabulary, batch, seed = self.recipe.vocabulary, self.recipe.batch, self.recipe.training.seed
        if vocabulary.bpe_dropout or vocabulary.unknown_copies:
            text, draw = self.data.train, 2 * (seed * 1_000_003 + epoch)
            words = word_pattern(self.data.source)
            texts = augment(text.source, text.target, words, vocabulary.unknown_copies, draw)
            sources = self._encode(self.data.source, texts[0], draw)
            targets = self._encode(self.data.target, texts[1], draw + 1)
        batches = BucketedBatches(_lengths(sources, targets), sentences=batch.sentences, tokens=batch.tokens, seed=seed)
        return _Epoch(epoch, sources, targets, batches)

    def _encode(self, vocabulary: Vocabulary, texts: list[str], seed: int) -> list[list[int]]:
        """Token ids, of merges left out at random where the recipe says so."""
        if self.recipe.vocabulary.bpe_dropout and isinstance(vocabulary, SubwordVocabulary):
            return vocabulary.encode_sampled(texts, dropout=self.recipe.vocabulary.bpe_dropout, seed=seed)
        return vocabulary.encode_all(texts)

    def loss(self, model: nn.Module, batch: TranslationBatch) -> Loss:
        """See `Task`."""
        return self._loss(model, batch, self.recipe.label_smoothing, self.recipe.r_drop)

    def validate(self, model: nn.Module, limit: int | None = None) -> Validation:
        """See `Task`. BLEU is sacreBLEU's, on cased and detokenised text.

        With a limit so many lines are translated, and the loss is that of the largest batch.
        """
        from translation.metrics import bleu

        text = self.data.validation
        hypotheses = [each.text for each in self._translator.translate(text.source[:limit])]
        figures = {"loss": self._validation_loss(model, largest_alone=limit is not None)}
        if limit is None:
            figures["BLEU"] = bleu(hypotheses, [text.target], self.recipe.data.target_language).value
        return Validation(figures, "loss" if limit else "BLEU", higher_is_better=limit is None)

    def whereabouts(self, examples: Sequence[int]) -> str:
        """See `Task`."""
        ends = list(accumulate(self.data.sizes))
        found: dict[Path, list[int]] = {}
        for i in sorted(examples):
            path = self.recipe.data.train_source[bisect(ends, i)]
            found.setdefault(path, []).append(self.data.train.lines[i])
        return "; ".join(f"lines {', '.join(map(str, sorted(lines)))} of {path}" for path, lines in found.items())

    def save(self, model: nn.Module, directory: Path, about: Mapping[str, Any]) -> None:
        """See `Task`."""
        self.model.save(directory, about)

    def _padded(self, sources: Sequence[list[int]], targets: Sequence[list[int]]) -> TranslationBatch:
        return TranslationBatch(
            source=pad([[*ids, END] for ids in sources]).to(self.device),
            read=pad([[START, *ids] for ids in targets]).to(self.device),
            written=pad([[*ids, END] for ids in targets]).to(self.device),
        )

    def _loss(self, model: nn.Module, batch: TranslationBatch, smoothing: float, r_drop: float = 0.0) -> Loss:
        mask = batch.written.mask
        predictions: Predictions = model(batch.source, batch.read.ids, mask)
        logits = predictions.logits
        total, exact = smoothed_cross_entropy(logits, batch.written.ids[mask], smoothing)
        if r_drop:
            total = total + symmetric_divergence(logits, r_drop / 2)
        size = logits.shape[0] + batch.source.lengths.sum().item()
        return Loss(total, logits.shape[0], int(size), {"train_loss": exact})

    def _validation_loss(self, model: nn.Module, largest_alone: bool) -> float:
        """Mean cross-entropy a target token, in nats, without smoothing; in batches as large as those of training."""
        text, batch = self.data.validation, self.recipe.batch
        sources, targets = self.data.source.encode_all(text.source), self.data.target.encode_all(text.target)
        batches = BucketedBatches(_lengths(sources, targets), sentences=batch.sentences, tokens=batch.tokens)
        chosen = batches.epoch(0)
        total = weight = 0.0
        for rows in [batches.longest(chosen)] if largest_alone else chosen:
            loss = self._loss(model, self._padded([sources[i] for i in rows], [targets[i] for i in rows]), 0.0)
            total, weight = total + float(loss.total), weight + loss.weight
        return total / weight


def _lengths(sources: Sequence[list[int]], targets: Sequence[list[int]]) -> list[tuple[int, int]]:
    """Of each pair, with the START or END that both sides get."""
    return [(len(source) + 1, len(target) + 1) for source, target in zip(sources, targets)]
