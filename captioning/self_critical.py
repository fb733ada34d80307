"""Self-critical training: the model samples captions and learns from their rewards, by default their CIDEr-D.

This is REINFORCE with a baseline (Rennie et al., 2017, "Self-critical Sequence Training", eq. 7). The baseline of a
sample is the mean reward of the picture's other samples (Luo, 2020, "A Better Variant of Self-Critical Sequence
Training"). END is rewarded as a word, and a share of cross-entropy stays in the loss: otherwise the model learns to
write captions that break off ("... with a").

The gradient is slightly biased, as in published code, because UNK is never sampled although the loss is under the full
softmax, and because of a temperature other than 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, cycle, islice
from random import Random

import torch
from torch import Tensor, nn

from captioning.model import CaptioningModel
from captioning.prepare import PreparedPictures
from captioning.recipe import Recipe, SelfCriticalConfig
from captioning.rewards import MixedReward
from captioning.task import PictureTask, mixture
from s2s import seeds
from s2s.decoding.generation import with_end
from s2s.decoding.sampling import sample
from s2s.decoding.search import SamplingOptions
from s2s.text.tokens import END, PAD, START, UNK
from s2s.training.rewards import rewarded_loss, searching, standardised
from s2s.training.task import Loss
from s2s.vision.crops import Augmentation
from s2s.vision.grids import Features, Pixels
from s2s.vision.inputs import PictureInputs

_END = END  # END among the words of a caption; being a number, it equals no word


@dataclass(frozen=True)
class SampledBatch:
    """Pictures to caption, and as many reference captions of each as will be sampled, side by side."""

    inputs: Features | Pixels
    pictures: Sequence[int]
    views: Sequence[Augmentation]
    references: Sequence[list[int]]


class SelfCriticalTask(PictureTask[SampledBatch]):
    """The reward of sampled captions and the cross-entropy of references; the examples are pictures.

    Args:
        recipe: with a section `self_critical`
        data, model, inputs, device: as in `PictureTask`
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
        assert recipe.self_critical is not None
        self.config: SelfCriticalConfig = recipe.self_critical
        references = [[[*self._words(caption), _END] for caption in example.captions] for example in data.train]
        self._reward = MixedReward(self.config.reward, references, model.config.language)
        self._mixture = mixture(recipe, [example.corpus for example in data.train])

    def plan(self, epoch: int) -> list[list[int]]:
        """See `Task`."""
        order = self._mixture.epoch(epoch)
        Random(seeds.of_picture_order(self.recipe.training.seed, epoch)).shuffle(order)
        size = max(1, self.recipe.captions // self.config.samples)
        return [order[first : first + size] for first in range(0, len(order), size)]

    def longest(self) -> list[int]:
        """See `Task`. Any batch does, since the length of the samples is not known before."""
        return self.plan(0)[0]

    def batch(self, epoch: int, position: int, examples: Sequence[int]) -> SampledBatch:
        """See `Task`."""
        views = self.views(epoch, position, len(examples))
        references = []
        for picture, view in zip(examples, views):
            captions = islice(cycle(self.data.train[picture].captions), self.config.samples)
            references += [self.seen(caption, view) for caption in captions]
        inputs = self.inputs(examples, views).to(self.device)
        return SampledBatch(inputs, examples, views, self.data.vocabulary.encode_all(references))

    def loss(self, model: nn.Module, batch: SampledBatch) -> Loss:
        """See `Task`. It is a mean over the sampled tokens plus a mean over the references' tokens, in their shares.

        The figure `reward` is the mean reward of the samples.
        """
        samples = self._samples(batch)
        rewards = self._rewards(batch, samples)  # (pictures, samples)
        references = [[*ids, END] for ids in batch.references]
        loss = rewarded_loss(model, batch.inputs, samples, advantages(rewards), references, self.config.cross_entropy)
        return replace(loss, size=len(batch.pictures), figures={"reward": rewards.mean() * loss.weight})

    def whereabouts(self, examples: Sequence[int]) -> str:
        """See `Task`."""
        return self.file_names(examples)

    def _samples(self, batch: SampledBatch) -> list[list[int]]:
        """Sample captions of each picture, side by side, without dropout; finished ones end with END."""
        longest = self.model.config.max_caption_length + 1
        limits = torch.full((len(batch.pictures),), longest, dtype=torch.int64, device=self.device)
        with searching(self.network):
            samples = sample(
                self.network.step,
                self.network.start(batch.inputs),
                limits,
                start=START,
                end=END,
                options=SamplingOptions(self.config.samples, temperature=self.config.temperature),
                banned=(PAD, UNK, START),
            )
        return [with_end(each) for each in samples]

    def _rewards(self, batch: SampledBatch, samples: Sequence[list[int]]) -> Tensor:
        """Return the reward of each sample against its picture's captions: (pictures, samples) float32."""
        of_rows = chain.from_iterable((pair,) * self.config.samples for pair in zip(batch.pictures, batch.views))
        scores = []
        for (picture, view), ids in zip(of_rows, samples):
            text = self.data.vocabulary.decode(ids)
            words = self._words(self.seen(text, view))
            scores.append(self._reward.score(picture, [*words, _END] if ids[-1] == END else words))
        return torch.tensor(scores).view(-1, self.config.samples)


def advantages(rewards: Tensor) -> Tensor:
    """Return by how much each reward exceeds the mean of the picture's other samples, in standard deviations.

    Args:
        rewards: (pictures, samples)

    Returns:
        (pictures, samples)
    """
    others = (rewards.sum(1, keepdim=True) - rewards) / (rewards.shape[1] - 1)
    return standardised(rewards - others)
