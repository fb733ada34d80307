"""Minimum risk training: the model learns to prefer those of its own hypotheses that have a high BLEU.

The risk of a sentence is the expectation of 1 - BLEU over the hypotheses of a beam, under the model's probabilities
normalised over these hypotheses (Shen et al., 2016, "Minimum Risk Training for Neural Machine Translation"). As in
Edunov et al., 2018, "Classical Structured Prediction Losses for Sequence to Sequence Learning", the hypotheses are the
beam's instead of samples, and cross-entropy is added to the risk.

Unlike in these papers, the probabilities are neither sharpened nor averaged over a sentence's length, and the weights
of a batch are divided by their standard deviation, so that the share of cross-entropy means the same in every batch.
The search and the probabilities are without dropout; the gradient is that of the model with dropout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import torch
from torch import Tensor, nn

from s2s.arrays import to_numpy
from s2s.decoding.generation import generate, with_end
from s2s.decoding.search import BeamOptions, Hypothesis
from s2s.text.tokens import UNKNOWN_CHARACTER
from s2s.training.rewards import rewarded_loss, searching, standardised
from s2s.training.task import Loss
from translation.examples import TrainingData
from translation.metrics import sentence_bleu
from translation.model import TranslationModel
from translation.pair_pictures import PairPictures
from translation.recipe import MinimumRiskConfig, Recipe
from translation.task import TranslationBatch, TranslationTask

_Item = TypeVar("_Item")


class MinimumRiskTask(TranslationTask):
    """The risk of the beam's hypotheses and the cross-entropy of the references; all else as in `TranslationTask`.

    The rehearsal takes the batch with the longest references, since the length of the hypotheses is not known before.

    Args:
        recipe: with a section `minimum_risk`
        data, model, device, pictures: as in `TranslationTask`
    """

    def __init__(
        self,
        recipe: Recipe,
        data: TrainingData,
        model: TranslationModel,
        device: torch.device,
        pictures: PairPictures | None = None,
    ) -> None:
        super().__init__(recipe, data, model, device, pictures)
        assert recipe.minimum_risk is not None
        self.config: MinimumRiskConfig = recipe.minimum_risk
        self._network = model.engine(recipe.training.precision).network
        self._language = recipe.data.target_language
        self._options = BeamOptions(width=self.config.width, n_best=self.config.width, stop_early=True)

    def loss(self, model: nn.Module, batch: TranslationBatch) -> Loss:
        """See `Task`; the figure `reward` is the expected BLEU of a hypothesis, from 0 to 1."""
        references = [ids[:length] for ids, length in zip(batch.targets.ids.tolist(), batch.targets.lengths.tolist())]
        hypotheses = self._search(batch)
        probabilities, rewards = self._probabilities(hypotheses), self._rewards(hypotheses, references)
        written = [with_end(hypothesis) for row in hypotheses for hypothesis in self._filled(row)]
        weights = standardised(reward_gradient(probabilities, rewards))
        loss = rewarded_loss(model, batch.source, written, weights, references, self.config.cross_entropy)
        expected = (probabilities * rewards).sum(1).mean()
        size = loss.size + int(batch.source.lengths.sum())
        return replace(loss, size=size, figures={"reward": expected * loss.weight})

    def _search(self, batch: TranslationBatch) -> list[list[Hypothesis]]:
        """Return up to `width` hypotheses of each source, best first."""
        limits = self._translator.limits(to_numpy(batch.source.lengths))
        with searching(self.network):
            return generate(self._network, batch.source, limits, self._options)

    def _probabilities(self, hypotheses: Sequence[Sequence[Hypothesis]]) -> Tensor:
        """Return each hypothesis' probability among those of its source: (sources, width), 0 where there is none."""
        logs = [[hypothesis.log_probability for hypothesis in row] for row in hypotheses]
        return torch.tensor([row + [-torch.inf] * (self.config.width - len(row)) for row in logs]).softmax(1)

    def _rewards(self, hypotheses: Sequence[Sequence[Hypothesis]], references: Sequence[list[int]]) -> Tensor:
        """Return BLEU from 0 to 1: (sources, width), that of the first hypothesis where there is none."""
        rows = []
        for row, ids in zip(hypotheses, references):
            reference = self._text(ids)
            rows.append([sentence_bleu(self._text(each.tokens), reference, self._language) / 100 for each in row])
        return torch.tensor([self._filled(row) for row in rows])

    def _filled(self, row: Sequence[_Item]) -> list[_Item]:
        """Return `width` items: where the beam found fewer hypotheses, the first item, with a probability of 0."""
        return [*row, *[row[0]] * (self.config.width - len(row))]

    def _text(self, ids: Sequence[int]) -> str:
        """Decode with a sign for each unknown word, so that unknown words count as errors."""
        return self.data.target.decode(ids, unknown=UNKNOWN_CHARACTER)


def reward_gradient(probabilities: Tensor, rewards: Tensor) -> Tensor:
    """Return the gradient of the expected reward with respect to each hypothesis' log-probability.

    It is p (reward - expected reward), where p is the softmax over the log-probabilities of a source's hypotheses.

    Args:
        probabilities: (sources, width)
        rewards: (sources, width)

    Returns:
        (sources, width), exactly 0 where all rewards of a source are the same.
    """
    rewards = rewards - rewards[:, :1]  # so that equal rewards give exactly 0, without rounding errors
    return probabilities * (rewards - (probabilities * rewards).sum(1, keepdim=True))
