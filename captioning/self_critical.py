"""Self-critical training: the model samples captions and learns from their CIDEr-D.

REINFORCE with a baseline (Rennie et al., 2017, "Self-critical Sequence Training", eq. 7), which is here the mean reward
of the picture's other samples (Luo, 2020, "A Better Variant of Self-Critical Sequence Training"). END is rewarded as a
word, and a share of cross-entropy stays in the loss: without them captions learn to end in the air ("... with a").

With a temperature other than 1, and because UNK is never sampled while the loss is under the full softmax, the gradient
is slightly biased, as in published code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, cycle, islice
from random import Random
from typing import Any

import torch
from torch import Tensor

from captioning.metrics.cider import CiderD
from captioning.recipe import SelfCriticalConfig
from captioning.task import PictureTask
from captioning.text import mirror_caption
from s2s.decoding.generation import with_end
from s2s.decoding.search import sample
from s2s.text.tokens import END, PAD, START, UNK
from s2s.training.rewards import rewarded_loss, searching, standardised
from s2s.training.task import Loss
from s2s.vision.crops import Augmentation
from s2s.vision.grids import Features, Pixels

_END = END  # a number: no caption has such a word


@dataclass(frozen=True)
class SampledBatch:
    """Pictures to be described, and of each as many true captions as will be sampled, side by side."""

    inputs: Features | Pixels
    pictures: Sequence[int]
    views: Sequence[Augmentation]
    truths: Sequence[list[int]]


class SelfCriticalTask(PictureTask):
    """Reward of sampled captions and cross-entropy of true ones; validation as in cross-entropy training."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        assert self.recipe.self_critical is not None
        self.config: SelfCriticalConfig = self.recipe.self_critical
        references = [[[*caption.split(), _END] for caption in example.captions] for example in self.data.train]
        self._reward = CiderD(references)

    def plan(self, epoch: int) -> list[list[int]]:
        """See `Task`; the examples are pictures."""
        order = list(range(len(self.data.train)))
        Random(self.recipe.training.seed * 1_000_003 + epoch).shuffle(order)
        size = max(1, self.recipe.captions // self.config.samples)
        return [order[first : first + size] for first in range(0, len(order), size)]

    def longest(self) -> list[int]:
        """See `Task`; how long the samples will be nobody knows."""
        return self.plan(0)[0]

    def batch(self, epoch: int, position: int, examples: Sequence[int]) -> SampledBatch:
        """See `Task`."""
        views = self.views(epoch, position, len(examples))
        truths = []
        for picture, view in zip(examples, views):
            captions = islice(cycle(self.data.train[picture].captions), self.config.samples)
            truths += [mirror_caption(caption) if view.mirrored else caption for caption in captions]
        inputs = self.inputs(examples, views).to(self.device)
        return SampledBatch(inputs, examples, views, self.data.vocabulary.encode_all(truths))

    def loss(self, model: Any, batch: SampledBatch) -> Loss:
        """See `Task`. It is a mean over sampled tokens, plus one over those of the true captions, in their shares."""
        samples = self._samples(model, batch)
        rewards = self._rewards(batch, samples)  # (pictures, samples)
        truths = [[*ids, END] for ids in batch.truths]
        loss = rewarded_loss(model, batch.inputs, samples, advantages(rewards), truths, self.config.cross_entropy)
        return replace(loss, figures={"reward": rewards.mean() * loss.weight})

    def whereabouts(self, examples: Sequence[int]) -> str:
        """See `Task`."""
        return self.named(examples)

    def _samples(self, model: Any, batch: SampledBatch) -> list[list[int]]:
        """Of each picture so many sampled captions, with END where they came to it; drawn without dropout."""
        with searching(model):
            found = sample(
                model.decoder.step,
                model.start(batch.inputs),
                len(batch.pictures),
                start=START,
                end=END,
                maximum_length=self.model.config.max_caption_length + 1,
                samples=self.config.samples,
                temperature=self.config.temperature,
                banned=(PAD, UNK, START),
                device=self.device,
            )
        return [with_end(best) for best in found]

    def _rewards(self, batch: SampledBatch, samples: Sequence[list[int]]) -> Tensor:
        """CIDEr-D of each sample against all captions of its picture: (pictures, samples) float32, 1 being 100."""
        of_rows = chain.from_iterable((pair,) * self.config.samples for pair in zip(batch.pictures, batch.views))
        scores = []
        for (picture, view), ids in zip(of_rows, samples):
            text = self.data.vocabulary.decode(ids)
            words = (mirror_caption(text) if view.mirrored else text).split()
            scores.append(self._reward.score(picture, [*words, _END] if ids[-1] == END else words))
        return torch.tensor(scores).view(-1, self.config.samples)


def advantages(rewards: Tensor) -> Tensor:
    """(pictures, samples): how much better than the mean of the picture's other samples, in units of the deviation."""
    others = (rewards.sum(1, keepdim=True) - rewards) / (rewards.shape[1] - 1)
    return standardised(rewards - others)
