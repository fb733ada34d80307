"""The captioning task: what the trainer trains when it trains on pictures with captions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import nn

from captioning.metrics.cider import CiderD
from captioning.model import CaptioningModel
from captioning.prepare import Example, PreparedPictures
from captioning.recipe import Recipe
from captioning.text import mirror_caption
from s2s.decoding.generation import generate
from s2s.decoding.search import SearchOptions
from s2s.errors import first_few
from s2s.models.contracts import Predictions
from s2s.models.encoder_decoder import EncoderDecoder
from s2s.models.memory import Memory
from s2s.nn.loss import doubly_stochastic_penalty, smoothed_cross_entropy
from s2s.text.padding import Padded, pad
from s2s.text.tokens import END, PAD, START, UNK
from s2s.training.batches import BucketedBatches
from s2s.training.task import Loss, Validation
from s2s.vision.crops import WHOLE, Augmentation
from s2s.vision.grids import Features, Pixels
from s2s.vision.inputs import PictureInputs

_PICTURES = 64  # at a time, in validation


@dataclass(frozen=True)
class CaptionBatch:
    """Pictures, and their captions after START and before END: (captions, longest), side by side a picture.

    `inputs` are what the encoder takes; in validation, where captions are searched for as well, what it makes of them.
    `own` is the share of words that the decoder reads of its own (scheduled sampling).
    """

    inputs: Features | Pixels | Memory
    read: Padded
    written: Padded
    own: float = 0.0


@dataclass(frozen=True)
class Group:
    """Captions of one picture that share a batch and an encoding."""

    picture: int
    captions: tuple[str, ...]


class PictureTask:
    """What all trainings on pictures share: views of them, validation by free-running greedy CIDEr-D and by loss.

    Args:
        recipe: how
        data: pictures, captions, vocabulary
        model: whose network, or whose head on features, is trained
        inputs: of the training and of the validation pictures
        device: of the model
    """

    def __init__(
        self,
        recipe: Recipe,
        data: PreparedPictures,
        model: CaptioningModel,
        inputs: tuple[PictureInputs, PictureInputs],
        device: torch.device,
    ) -> None:
        self.recipe, self.data, self.model, self.device = recipe, data, model, device
        self.inputs, self.validation_inputs = inputs

    def views(self, epoch: int, position: int, count: int) -> list[Augmentation]:
        """What is seen of the pictures of a batch."""
        random = Random((self.recipe.training.seed * 1_000_003 + epoch) * 1_000_003 + position)
        return random.choices(self.recipe.image.views(), k=count)

    def validate(self, model: Any, limit: int | None = None) -> Validation:
        """See `Task`. Greedy captions are scored against all references; the loss is the mean over all their words.

        The best model has the highest CIDEr-D, unless the recipe asks for the lowest loss; the rehearsal, with its
        `limit`, looks at the loss alone.
        """
        count = min(limit or len(self.data.validation), len(self.data.validation))
        captions, total, weight = [], 0.0, 0.0
        encoder, writer = model.encoder, EncoderDecoder(nn.Identity(), model.decoder)  # what it writes of a memory
        for first in range(0, count, _PICTURES):
            pictures = range(first, min(first + _PICTURES, count))
            inputs = self.validation_inputs(pictures, [WHOLE] * len(pictures)).to(self.device)
            memory = encoder(inputs)  # once, for captions and losses
            captions += self._greedy(writer, memory, len(pictures))
            references = [sorted(self.data.validation[i].captions, key=len) for i in pictures]  # like lengths together
            for rank in range(max(map(len, references))):  # one of each picture at a time: that bounds the memory
                rows = [row for row, told in enumerate(references) if len(told) > rank]
                batch = self.taught(memory.pick(rows), [references[row][rank] for row in rows])
                loss = self.cross_entropy(writer, batch, 0.0)
                total, weight = total + float(loss.figures["train_loss"]), weight + loss.weight
        figures = {"loss": total / weight}
        if limit is None:
            figures["CIDEr-D"] = 100 * self._cider.corpus([caption.split() for caption in captions])
        return Validation(figures, "loss" if limit else "CIDEr-D", higher_is_better=limit is None)

    def named(self, pictures: Iterable[int]) -> str:
        """The files of the first training pictures among some, for messages."""
        return first_few([self.data.train[picture].picture.path for picture in sorted(pictures)])

    def save(self, model: nn.Module, directory: Path, about: Mapping[str, Any]) -> None:
        """See `Task`."""
        self.model.save(directory, about)

    def taught(self, inputs: Features | Pixels | Memory, captions: Sequence[str], own: float = 0.0) -> CaptionBatch:
        """A batch for teacher forcing; `inputs` are on the device."""
        encoded = self.data.vocabulary.encode_all(list(captions))
        return CaptionBatch(
            inputs,
            read=pad([[START, *ids] for ids in encoded]).to(self.device),
            written=pad([[*ids, END] for ids in encoded]).to(self.device),
            own=own,
        )

    def cross_entropy(self, model: Any, batch: CaptionBatch, smoothing: float) -> Loss:
        """Of real words, with the doubly stochastic term where the recipe wants it."""
        mask = batch.written.mask
        predictions: Predictions = model(batch.inputs, batch.read.ids, mask, batch.own)
        logits = predictions.logits
        total, exact = smoothed_cross_entropy(logits, batch.written.ids[mask], smoothing)
        figures = {"train_loss": exact}
        if self.recipe.doubly_stochastic and predictions.attention is not None:
            term = doubly_stochastic_penalty(predictions.attention, mask, predictions.memory_mask).sum()
            figures["doubly_stochastic"] = term.detach()
            total = total + self.recipe.doubly_stochastic * term
        return Loss(total, logits.shape[0], logits.shape[0], figures)

    @cached_property
    def _cider(self) -> CiderD:
        return CiderD([[caption.split() for caption in example.captions] for example in self.data.validation])

    def _greedy(self, writer: EncoderDecoder, memory: Memory, count: int) -> list[str]:
        limits = torch.full((count,), self.model.config.max_caption_length + 1, device=self.device)
        options = SearchOptions(width=1)
        found = generate(
            writer, memory, limits, options, banned=(PAD, UNK, START), precision=self.recipe.training.precision
        )
        return [self.data.vocabulary.decode(best.tokens) for (best,) in found]


class CaptioningTask(PictureTask):
    """Label-smoothed cross-entropy under teacher forcing; the examples are groups of captions of one picture."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        recipe, data = self.recipe, self.data
        self.groups = [group for i, example in enumerate(data.train) for group in _groups(i, example, recipe.together)]
        encoded = [data.vocabulary.encode_all(group.captions) for group in self.groups]
        self._batches = BucketedBatches(
            [max(map(len, captions)) + 1 for captions in encoded],
            sentences=max(1, recipe.captions // recipe.together),
            seed=recipe.training.seed,
        )

    def plan(self, epoch: int) -> list[list[int]]:
        """See `Task`."""
        return self._batches.epoch(epoch)

    def longest(self) -> list[int]:
        """See `Task`."""
        return self._batches.longest(self.plan(0))

    def batch(self, epoch: int, position: int, examples: Sequence[int]) -> CaptionBatch:
        """See `Task`."""
        groups = [self.groups[i] for i in examples]
        views = self.views(epoch, position, len(groups))
        captions = [
            mirror_caption(caption) if view.mirrored else caption
            for group, view in zip(groups, views)
            for caption in group.captions
        ]
        inputs = self.inputs([group.picture for group in groups], views).to(self.device)
        last = self.recipe.training.epochs - 1
        return self.taught(inputs, captions, self.recipe.scheduled_sampling * (epoch / last if last else 1))

    def loss(self, model: nn.Module, batch: CaptionBatch) -> Loss:
        """See `Task`."""
        return self.cross_entropy(model, batch, self.recipe.label_smoothing)

    def whereabouts(self, examples: Sequence[int]) -> str:
        """See `Task`."""
        return self.named({self.groups[i].picture for i in examples})


def _groups(picture: int, example: Example, size: int) -> list[Group]:
    """All captions of a picture in groups of one size, short ones together; the last is filled up with the first."""
    captions = sorted(example.captions, key=len)
    groups = [captions[first : first + size] for first in range(0, len(captions), size)]
    groups[-1] = [*groups[-1], *(captions * size)[: size - len(groups[-1])]]
    return [Group(picture, tuple(group)) for group in groups]
