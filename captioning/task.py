"""The captioning task: training on pictures with captions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch
from torch import nn

from captioning.metrics.cider import CiderD
from captioning.mirroring import mirrored
from captioning.model import CaptioningModel
from captioning.prepare import Example, PreparedPictures
from captioning.recipe import Recipe
from s2s import seeds
from s2s.decoding.generation import generate
from s2s.decoding.search import BeamOptions
from s2s.decoding.torch_network import TorchNetwork
from s2s.errors import first_few
from s2s.models.contracts import Predictions
from s2s.models.encoder_decoder import EncoderDecoder
from s2s.models.memory import Memory
from s2s.nn.loss import cross_entropy_of_rows, doubly_stochastic_penalty
from s2s.text.padding import Padded
from s2s.text.tokens import END, PAD, START, UNK
from s2s.training.batches import BucketedBatches, padded_tensors
from s2s.training.mixing import Mixture
from s2s.training.sampled_attention import estimator_of
from s2s.training.task import Loss, Task, TaskState, Validation
from s2s.vision.crops import WHOLE, Augmentation
from s2s.vision.grids import Features, Pixels
from s2s.vision.inputs import PictureInputs

REHEARSED = 4  # pictures that are captioned before the first step
LOWEST_CIDER = 1.0  # of 100: below this the captions have hardly a word in common with their references
_PICTURES = 64  # at a time, in validation

Batch = TypeVar("Batch")


@dataclass(frozen=True)
class CaptionBatch:
    """Pictures with captions, the same number for each picture, side by side.

    Attributes:
        inputs: of the encoder; in validation its output, which captions are decoded from as well
        decoder_input: captions after START, (captions, longest)
        targets: captions before END, (captions, longest)
        sampling_probability: the share of words that the decoder replaces by its own (scheduled sampling)
        pictures: how many there are
    """

    inputs: Features | Pixels | Memory
    decoder_input: Padded
    targets: Padded
    sampling_probability: float = 0.0
    pictures: int = 0


@dataclass(frozen=True)
class Group:
    """Captions of one picture that share a batch and one encoding of the picture."""

    picture: int
    corpus: int
    captions: tuple[str, ...]


class PictureTask(Task[Batch]):
    """What all training on pictures shares: their views, and validation by loss and by free-running greedy CIDEr-D.

    Args:
        recipe: how to train
        data: pictures, captions and vocabulary
        model: to be trained, with its CNN if the recipe tunes stages of it
        inputs: of the training and of the validation pictures
        device: of the model

    Attributes:
        network: what is trained: from the inputs to tokens
        estimator: of the gradient through hard attention; None without it
    """

    unit: ClassVar[str] = "pictures"

    def __init__(
        self,
        recipe: Recipe,
        data: PreparedPictures,
        model: CaptioningModel,
        inputs: tuple[PictureInputs, PictureInputs],
        device: torch.device,
    ) -> None:
        self.recipe, self.data, self.model, self.device = recipe, data, model, device
        self.mirrored = mirrored(model.config.language) if recipe.image.mirror else None
        self.inputs, self.validation_inputs = inputs
        self.network = model.network if recipe.image.tuned_stages else model.without_cnn()
        self.estimator = estimator_of(recipe.decoder)
        self.carries = self.estimator is not None and self.estimator.carries
        self._from_memory = EncoderDecoder(nn.Identity(), self.network.decoder)

    def views(self, epoch: int, position: int, count: int) -> list[Augmentation]:
        """Draw how each of the `count` pictures in a batch is seen."""
        random = Random(seeds.of_views(self.recipe.training.seed, epoch, position))
        return random.choices(self.recipe.image.views(), k=count)

    def seen(self, caption: str, view: Augmentation) -> str:
        """The caption of a picture, or of its mirrored version, as it is seen by this view; and the other way round."""
        return self.mirrored(caption) if view.mirrored and self.mirrored else caption

    def validate(self, model: nn.Module) -> Validation:
        """See `Task`. Greedy captions are scored against all references; the loss is the mean over all their words.

        Each picture is encoded once, by the task's own network, for its caption and for its losses: `model` is not
        called.
        """
        captions, loss = self._caption(len(self.data.validation))
        score = 100 * self._cider.corpus([self._words(caption) for caption in captions])
        noise = score < LOWEST_CIDER
        return Validation(loss, {"CIDEr-D": score}, primary="CIDEr-D", higher_is_better=True, noise=noise)

    def rehearse(self, model: nn.Module) -> None:
        """See `Task`. It captions four pictures, and computes the loss of their references."""
        self._caption(min(REHEARSED, len(self.data.validation)))

    def _caption(self, count: int) -> tuple[list[str], float]:
        """Return greedy captions of the first `count` validation pictures, and the mean loss of their references."""
        captions, total, weight = [], 0.0, 0.0
        assert self.network.encoder is not None
        for first in range(0, count, _PICTURES):
            pictures = range(first, min(first + _PICTURES, count))
            inputs = self.validation_inputs(pictures, [WHOLE] * len(pictures)).to(self.device)
            memory = self.network.encoder(inputs)
            captions += self._greedy(memory, len(pictures))
            references = [sorted(self.data.validation[i].captions, key=len) for i in pictures]  # alike in length
            for rank in range(max(map(len, references))):  # one of each picture at a time, to bound the memory
                rows = [row for row, of_picture in enumerate(references) if len(of_picture) > rank]
                batch = self.caption_batch(memory.pick(rows), [references[row][rank] for row in rows])
                loss = self.cross_entropy(self._from_memory, batch, 0.0)
                total, weight = total + float(loss.figures["train_loss"]), weight + loss.weight
        return captions, total / weight

    def file_names(self, pictures: Iterable[int]) -> str:
        """Return the files of some training pictures, the first three by name, for messages."""
        return first_few([self.data.train[picture].picture.path for picture in sorted(pictures)])

    def save(self, model: nn.Module, directory: Path, about: Mapping[str, Any]) -> None:
        """See `Task`."""
        self.model.save(directory, about)

    def caption_batch(
        self, inputs: Features | Pixels | Memory, captions: Sequence[str], sampling_probability: float = 0.0
    ) -> CaptionBatch:
        """Return a batch for teacher forcing; `inputs` are on the device."""
        encoded = self.data.vocabulary.encode_all(list(captions))
        return CaptionBatch(
            inputs,
            decoder_input=padded_tensors([[START, *ids] for ids in encoded], self.device),
            targets=padded_tensors([[*ids, END] for ids in encoded], self.device),
            sampling_probability=sampling_probability,
        )

    def cross_entropy(self, model: Any, batch: CaptionBatch, smoothing: float) -> Loss:
        """Return the cross-entropy of the targets, plus the doubly stochastic penalty if the recipe has it."""
        mask = batch.targets.mask
        predictions: Predictions = model(batch.inputs, batch.decoder_input.ids, mask, batch.sampling_probability)
        logits = predictions.logits
        total, words = cross_entropy_of_rows(logits, batch.targets.ids[mask], smoothing)
        figures = {"train_loss": -words.sum()}
        if self.estimator and predictions.sampled is not None:
            total = total + self.estimator.loss(predictions, words, mask)
        if self.recipe.doubly_stochastic and predictions.attention is not None:
            term = doubly_stochastic_penalty(predictions.attention, mask, predictions.memory_mask).sum()
            figures["doubly_stochastic"] = term.detach()
            total = total + self.recipe.doubly_stochastic * term
        return Loss(total, logits.shape[0], logits.shape[0], figures)

    @cached_property
    def _cider(self) -> CiderD:
        references = [[self._words(caption) for caption in each.captions] for each in self.data.validation]
        return CiderD(references)

    def _words(self, caption: str) -> list[str]:
        return self.model.config.writing.metric_words(caption)

    def _greedy(self, memory: Memory, count: int) -> list[str]:
        """Return the greedy captions of `count` encoded pictures."""
        network = TorchNetwork(self._from_memory, self.recipe.training.precision)
        limits = np.full(count, self.model.config.max_caption_length + 1)
        hypotheses = generate(network, memory, limits, BeamOptions(width=1), banned=(PAD, UNK, START))
        return [self.data.vocabulary.decode(best.tokens) for (best,) in hypotheses]


class CaptioningTask(PictureTask[CaptionBatch]):
    """Label-smoothed cross-entropy under teacher forcing; the examples are groups of captions of one picture.

    Args:
        recipe, data, model, inputs, device: as in `PictureTask`
    """

    def __init__(
        self,
        recipe: Recipe,
        data: PreparedPictures,
        model: CaptioningModel,
        inputs: tuple[PictureInputs, PictureInputs],
        device: torch.device,
    ) -> None:
        super().__init__(recipe, data, model, inputs, device)
        together = [corpus.together or recipe.together for corpus in recipe.data.training]
        self.groups = [
            group for i, example in enumerate(data.train) for group in _groups(i, example, together[example.corpus])
        ]
        encoded = [data.vocabulary.encode_all(group.captions) for group in self.groups]
        self._lengths = [max(map(len, captions)) + 1 for captions in encoded]
        self._mixture = mixture(recipe, [group.corpus for group in self.groups])

    def plan(self, epoch: int) -> list[list[int]]:
        """See `Task`. The groups of a batch have the same number of captions."""
        of_sizes: dict[int, list[int]] = {}
        for i in self._mixture.epoch(epoch):
            of_sizes.setdefault(len(self.groups[i].captions), []).append(i)
        plans = [self._batches(size, groups).epoch(epoch) for size, groups in of_sizes.items()]
        batches = [[groups[row] for row in batch] for groups, plan in zip(of_sizes.values(), plans) for batch in plan]
        if len(plans) > 1:  # a single plan is in a random order already
            Random(seeds.of_picture_order(self.recipe.training.seed, epoch)).shuffle(batches)
        return batches

    def _batches(self, size: int, groups: Sequence[int]) -> BucketedBatches:
        """Batches of groups of `size` captions each."""
        return BucketedBatches(
            [self._lengths[i] for i in groups],
            sentences=max(1, self.recipe.captions // size),
            seed=self.recipe.training.seed,
        )

    def longest(self) -> list[int]:
        """See `Task`."""
        return max(self.plan(0), key=self._tokens)

    def _tokens(self, batch: Sequence[int]) -> int:
        """The padded tokens of a batch."""
        return len(batch) * len(self.groups[batch[0]].captions) * max(self._lengths[i] for i in batch)

    def batch(self, epoch: int, position: int, examples: Sequence[int]) -> CaptionBatch:
        """See `Task`."""
        groups = [self.groups[i] for i in examples]
        views = self.views(epoch, position, len(groups))
        captions = [self.seen(caption, view) for group, view in zip(groups, views) for caption in group.captions]
        inputs = self.inputs([group.picture for group in groups], views).to(self.device)
        last = self.recipe.training.epochs - 1
        sampling_probability = self.recipe.scheduled_sampling * (epoch / last if last else 1)
        batch = self.caption_batch(inputs, captions, sampling_probability)
        if self.estimator:
            read, targets = self.estimator.repeated(batch.decoder_input), self.estimator.repeated(batch.targets)
            batch = replace(batch, decoder_input=read, targets=targets)
        return replace(batch, pictures=len(groups))

    def loss(self, model: nn.Module, batch: CaptionBatch) -> Loss:
        """See `Task`."""
        loss = self.cross_entropy(model, batch, self.recipe.label_smoothing)
        return replace(loss, size=batch.pictures)

    def state(self) -> TaskState:
        """See `Task`. Hard attention carries its baseline."""
        return self.estimator.state() if self.estimator else TaskState()

    def restore(self, state: TaskState) -> None:
        """See `Task`."""
        if self.estimator:
            self.estimator.restore(state)

    def whereabouts(self, examples: Sequence[int]) -> str:
        """See `Task`."""
        return self.file_names({self.groups[i].picture for i in examples})


def _groups(picture: int, example: Example, size: int) -> list[Group]:
    """Return the captions of a picture in groups of one size, short ones together; the last repeats some if need be."""
    captions = sorted(example.captions, key=len)
    groups = [captions[first : first + size] for first in range(0, len(captions), size)]
    groups[-1] = [*groups[-1], *(captions * size)[: size - len(groups[-1])]]
    return [Group(picture, example.corpus, tuple(group)) for group in groups]


def mixture(recipe: Recipe, corpora: Sequence[int]) -> Mixture:
    """Return which examples each epoch reads, where `corpora` are the numbers of the examples' corpora, ascending."""
    weights = [corpus.weight for corpus in recipe.data.training]
    sizes = [corpora.count(number) for number in range(len(weights))]
    return Mixture(sizes, weights, temperature=recipe.data.temperature, seed=recipe.training.seed)
