"""Dynamic evaluation: a language model that goes on learning from the text that it has just been scored on.

Krause et al. (2018), "Dynamic evaluation of neural sequence models": after each chunk of the text, the weights take a
step along the gradient of its loss, and are drawn back towards the trained weights. Each chunk is scored before it is
learned from, so that a log-probability rests on earlier text alone.

    w  <-  w - rate * g / (sqrt(m) + e) + decay * s * (w_trained - w),    s = sqrt(m) / mean(sqrt(m)), at most 1 / decay

m is the mean of the squared gradients. The paper takes it over the training text, which a stored model no longer has;
here it is the mean over the chunks of this text so far.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from language_model.corpus import Tokens
from language_model.scoring import LogProbabilities
from s2s.decoding.search import check_probabilities
from s2s.errors import check
from s2s.models.language_model import ChunkPredictor, RecurrentLanguageModel
from s2s.models.recurrent_decoder import RecurrentState
from s2s.nn.loss import weighted_cross_entropy
from s2s.text.tokens import END

_EPSILON = 1e-6


@dataclass(frozen=True)
class DynamicOptions:
    """How a model learns from the text.

    Attributes:
        steps: tokens of a chunk
        rate: of learning
        decay: how strongly the weights are drawn back to the trained ones

    Raises:
        UserError: a value is outside its range.
    """

    steps: int = 20
    rate: float = 1e-4
    decay: float = 1e-3

    def __post_init__(self) -> None:
        check(0 < self.rate < 1, f"the rate of dynamic evaluation is {self.rate:g}: choose a number between 0 and 1")
        check(0 <= self.decay < 1, f"the decay of dynamic evaluation is {self.decay:g}: choose 0 or more, below 1")


class _Learner:
    """Updates the weights of a model after each chunk, and can put the trained ones back."""

    def __init__(self, weights: Sequence[Tensor], options: DynamicOptions) -> None:
        self._weights, self._options = list(weights), options
        self._trained = [weight.detach().clone() for weight in weights]
        self._squares = [torch.zeros_like(weight) for weight in self._trained]
        self._chunks = 0

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor]) -> None:
        """Learn from the gradients of the mean loss of a chunk."""
        rate, decay = self._options.rate, self._options.decay
        self._chunks += 1
        for weight, trained, square, gradient in zip(self._weights, self._trained, self._squares, gradients):
            square.addcmul_(gradient, gradient)
            root = (square / self._chunks).sqrt_()
            pull = trained - weight
            weight.addcdiv_(gradient, root + _EPSILON, value=-rate)
            if decay:
                share = root.div_(root.mean() + _EPSILON).clamp_(max=1 / decay)
                weight.addcmul_(share, pull, value=decay)

    @torch.no_grad()
    def restore(self) -> None:
        """Put the trained weights back."""
        for weight, trained in zip(self._weights, self._trained):
            weight.copy_(trained)


def score_dynamically(decoder: RecurrentLanguageModel, ids: Tokens, options: DynamicOptions) -> LogProbabilities:
    """Score a text as one continuous stream while the model learns from it; see `score_stream`.

    The model has its trained weights again when this returns.

    Args:
        decoder: in evaluation mode
        ids: (tokens,), at least one
        options: see above
    """
    weights = list(decoder.parameters())
    learner, predict = _Learner(weights, options), ChunkPredictor(decoder)
    targets = torch.from_numpy(ids.astype(np.int64)).to(weights[0].device)
    tokens = torch.cat([targets.new_tensor([END]), targets[:-1]])
    state, found = decoder.start(None, sentences=1), list[Tensor]()
    try:
        with torch.enable_grad():
            for read, written in zip(tokens.split(options.steps), targets.split(options.steps)):
                scores, state = _learn(predict, learner, weights, read, written, state)
                found.append(scores)
    finally:
        learner.restore()
    return torch.cat(found).cpu().numpy()


def _learn(
    predict: ChunkPredictor,
    learner: _Learner,
    weights: Sequence[Tensor],
    read: Tensor,
    written: Tensor,
    state: RecurrentState,
) -> tuple[Tensor, RecurrentState]:
    """Score a chunk (time,) and then learn from it; the scores (time,), and the state after it."""
    output = predict(read.unsqueeze(0), state)
    ones = torch.ones_like(written, dtype=torch.float32)
    loss, scores = weighted_cross_entropy(output.logits, written, ones)
    check_probabilities(float(scores.sum()))
    gradients = torch.autograd.grad(loss / len(written), list(weights))
    learner.step(gradients)
    return scores, output.state.detach()
