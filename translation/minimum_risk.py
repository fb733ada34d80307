"""Minimum risk training: of its own best translations the model learns to prefer those that score well.

The risk of a sentence is the mean of 1 - BLEU over the hypotheses of a beam, each as probable among them as the model
makes it (Shen et al., 2016, "Minimum Risk Training for Neural Machine Translation", eq. 8 to 11, with the beam's
hypotheses for samples as in Edunov et al., 2018, "Classical Structured Prediction Losses", section 4). The beam is that
of translation, without dropout; a share of cross-entropy stays in the loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from s2s.generation import generate
from s2s.metrics import sentence_bleu
from s2s.rewards import rewarded_loss
from s2s.search import Hypothesis, SearchOptions
from s2s.task import Loss
from s2s.vocabulary import END
from translation.recipe import MinimumRiskConfig
from translation.task import TranslationBatch, TranslationTask


class MinimumRiskTask(TranslationTask):
    """Risk of the beam's hypotheses and cross-entropy of true translations; all else as in cross-entropy training."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        assert self.recipe.minimum_risk is not None
        self.config: MinimumRiskConfig = self.recipe.minimum_risk
        self._options = SearchOptions(self.config.width, self.config.width, stop_early=True)

    def loss(self, model: Any, batch: TranslationBatch) -> Loss:
        """See `Task`."""
        true = [ids[:length] for ids, length in zip(batch.written.ids.tolist(), batch.written.lengths.tolist())]
        found = self._found(model, batch)
        scores, rewards = self._rewards(found, true)
        own = [_written(hypothesis) for row in found for hypothesis in _filled(row, self.config.width)]
        loss = rewarded_loss(model, batch.source, own, advantages(scores, rewards), true, self.config.cross_entropy)
        expected = (scores.softmax(1) * rewards).sum(1).mean()
        size = loss.size + int(batch.source.lengths.sum())
        return replace(loss, size=size, figures={"reward": expected * loss.weight})

    def _found(self, model: Any, batch: TranslationBatch) -> list[list[Hypothesis]]:
        """Of each source the beam's hypotheses, found without dropout."""
        limits = self._translator.limits(batch.source.lengths)
        model.eval()
        found = generate(model, batch.source, limits, self._options, precision=self.recipe.training.precision)
        model.train()
        torch.clear_autocast_cache()  # of weights that were cast without a gradient, which would get none below
        return found

    def _rewards(self, found: Sequence[Sequence[Hypothesis]], true: Sequence[list[int]]) -> tuple[Tensor, Tensor]:
        """Log-probabilities, and BLEU from 0 to 1, each (sources, width); where there is no hypothesis -inf and 0."""
        scores = torch.full((len(found), self.config.width), -torch.inf)
        rewards = torch.zeros_like(scores)
        for i, (row, ids) in enumerate(zip(found, true)):
            reference = self.data.target.decode(ids[:-1])
            for j, hypothesis in enumerate(row):
                scores[i, j] = hypothesis.log_probability
                rewards[i, j] = sentence_bleu(self.data.target.decode(hypothesis.tokens), reference) / 100
        return scores, rewards


def advantages(scores: Tensor, rewards: Tensor) -> Tensor:
    """What the gradient of the expected reward weighs each hypothesis' log-probability with, in units of its deviation.

    (sources, width): Q (reward - its expectation under Q), where Q is the softmax of the scores over the hypotheses.
    """
    shares = scores.softmax(1)
    raw = shares * (rewards - (shares * rewards).sum(1, keepdim=True))
    return raw / raw.std().clamp_min(1e-6)


def _written(hypothesis: Hypothesis) -> list[int]:
    return [*hypothesis.tokens, END] if hypothesis.finished else hypothesis.tokens


def _filled(row: Sequence[Hypothesis], width: int) -> list[Hypothesis]:
    """As many as the others have; the weight of those that fill up is 0."""
    return [*row, *[row[0]] * (width - len(row))]
