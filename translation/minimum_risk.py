"""Minimum risk training: of its own best translations the model learns to prefer those that score well.

The risk of a sentence is the mean of 1 - BLEU over the hypotheses of a beam, each as probable among them as the model
makes it (Shen et al., 2016, "Minimum Risk Training for Neural Machine Translation"; with the beam's hypotheses for
samples, and cross-entropy beside the risk, as in Edunov et al., 2018, "Classical Structured Prediction Losses for
Sequence to Sequence Learning").

Other than there, probabilities are neither sharpened nor averaged over a sentence's length, and a batch's weights are
taken in units of their deviation, so that the share of cross-entropy means the same in every batch. The beam is that of
translation, without dropout, and so are the probabilities among its hypotheses; the gradient is of the model with
dropout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

import torch
from torch import Tensor

from s2s.decoding.generation import generate, with_end
from s2s.decoding.search import Hypothesis, SearchOptions
from s2s.text.tokens import UNKNOWN_CHARACTER
from s2s.training.rewards import rewarded_loss, searching, standardised
from s2s.training.task import Loss
from translation.metrics import sentence_bleu
from translation.recipe import MinimumRiskConfig
from translation.task import TranslationBatch, TranslationTask

_Item = TypeVar("_Item")


class MinimumRiskTask(TranslationTask):
    """Risk of the beam's hypotheses and cross-entropy of true translations; all else as in cross-entropy training.

    The batch that needs the most memory is taken to be that of the longest true translations: how long the hypotheses
    will be nobody knows.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        assert self.recipe.minimum_risk is not None
        self.config: MinimumRiskConfig = self.recipe.minimum_risk
        self._language = self.recipe.data.target_language
        self._options = SearchOptions(width=self.config.width, n_best=self.config.width, stop_early=True)

    def loss(self, model: Any, batch: TranslationBatch) -> Loss:
        """See `Task`; `reward` is what BLEU is expected of a hypothesis, 0 to 1."""
        true = [ids[:length] for ids, length in zip(batch.written.ids.tolist(), batch.written.lengths.tolist())]
        found = self._found(model, batch)
        probabilities, rewards = self._probabilities(found), self._rewards(found, true)
        own = [with_end(hypothesis) for row in found for hypothesis in self._filled(row)]
        weights = standardised(slopes(probabilities, rewards))
        loss = rewarded_loss(model, batch.source, own, weights, true, self.config.cross_entropy)
        expected = (probabilities * rewards).sum(1).mean()
        size = loss.size + int(batch.source.lengths.sum())
        return replace(loss, size=size, figures={"reward": expected * loss.weight})

    def _found(self, model: Any, batch: TranslationBatch) -> list[list[Hypothesis]]:
        """Of each source what the beam finds."""
        limits = self._translator.limits(batch.source.lengths)
        with searching(model):
            return generate(model, batch.source, limits, self._options, precision=self.recipe.training.precision)

    def _probabilities(self, found: Sequence[Sequence[Hypothesis]]) -> Tensor:
        """Of each among those of its source: (sources, width); 0 where there is none."""
        logs = [[hypothesis.log_probability for hypothesis in row] for row in found]
        return torch.tensor([row + [-torch.inf] * (self.config.width - len(row)) for row in logs]).softmax(1)

    def _rewards(self, found: Sequence[Sequence[Hypothesis]], true: Sequence[list[int]]) -> Tensor:
        """BLEU from 0 to 1: (sources, width); that of the first one again where there is none."""
        rows = []
        for row, ids in zip(found, true):
            reference = self._text(ids)
            rows.append([sentence_bleu(self._text(each.tokens), reference, self._language) / 100 for each in row])
        return torch.tensor([self._filled(row) for row in rows])

    def _filled(self, row: Sequence[_Item]) -> list[_Item]:
        """As many as the others have: the first one stands in, which then has no probability."""
        return [*row, *[row[0]] * (self.config.width - len(row))]

    def _text(self, ids: Sequence[int]) -> str:
        """With a sign for each unknown word, or it would cost nothing to write them anywhere."""
        return self.data.target.decode(ids, unknown=UNKNOWN_CHARACTER)


def slopes(probabilities: Tensor, rewards: Tensor) -> Tensor:
    """The gradient of the expected reward by each hypothesis' log-probability, which the softmax over them depends on.

    (sources, width) each: p (reward - the expected reward). It is 0 where all rewards are the same.
    """
    rewards = rewards - rewards[:, :1]  # else rounding would make something of nothing
    return probabilities * (rewards - (probabilities * rewards).sum(1, keepdim=True))
