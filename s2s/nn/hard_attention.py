"""Hard attention: look at one position of the grid, drawn from the weights that soft attention would give.

The choice of a position has no derivative. `Look` reports the log-probability of the choice and the entropy of the
distribution, from which training estimates a gradient (see s2s/training/sampled_attention.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from s2s.nn.attention import SOFT_ATTENTIONS, Attention, Look, masked
from s2s.nn.configuration import HardConfig, MarginalConfig

# From probabilities (batch, queries, positions) to a position of each query, (batch, queries).
Choice: TypeAlias = Callable[[Tensor], Tensor]


def likeliest(probabilities: Tensor) -> Tensor:
    """The likeliest position of each query; of equals, the first."""
    return probabilities.argmax(-1)


def drawn_by(generator: torch.Generator | None) -> Choice:
    """A choice of a position of each query at random; None for torch's global generator."""

    def choose(probabilities: Tensor) -> Tensor:
        return probabilities.flatten(0, 1).multinomial(1, generator=generator).view(probabilities.shape[:2])

    return choose


drawn = drawn_by(None)


def each_in_turn(probabilities: Tensor) -> Tensor:
    """Position 0 for the first query, 1 for the second and so on, and 0 again after the last position."""
    batch, queries, positions = probabilities.shape
    return (torch.arange(queries, device=probabilities.device) % positions).expand(batch, queries)


class HardAttention(Attention):
    """Stochastic hard attention (Xu et al., 2015, section 4.1).

    alpha_t = softmax(score(q_t, k)),   s_t ~ Multinomial(alpha_t),   c_t = v_{s_t}

    In training the positions are drawn. A share of the looks may be soft instead (c_t = sum_i alpha_ti v_i), which
    lowers the variance; their log-probability is 0, since nothing was drawn. In evaluation the likeliest position is
    taken, or what `choose` says.

    Attributes:
        choose: how a position is chosen; None for `drawn` in training and `likeliest` in evaluation
        marginal: whether it is trained by the mean over all positions
    """

    def __init__(self, config: HardConfig, query_dim: int, memory_dim: int) -> None:
        super().__init__(config, query_dim, memory_dim)
        self.scorer = SOFT_ATTENTIONS[type(config.score)](config.score, query_dim, memory_dim)
        self.marginal = isinstance(config.estimator, MarginalConfig)
        self.expectation = 0.0 if isinstance(config.estimator, MarginalConfig) else config.estimator.expectation
        self.choose: Choice | None = None

    def keys(self, grid: Tensor) -> Tensor:
        """Those of the attention that scores the positions."""
        return self.scorer.keys(grid)

    def score(self, queries: Tensor, keys: Tensor) -> Tensor:
        """Those of the attention that scores the positions."""
        return self.scorer.score(queries, keys)

    def forward(self, queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Look:
        """See `Attention.forward`. The weights are 1 at the chosen position and 0 elsewhere, but for soft looks."""
        logs = masked(self.score(queries, keys), mask).log_softmax(-1)  # (batch, queries, positions)
        probabilities = logs.exp()
        positions = (self.choose or (drawn if self.training else likeliest))(probabilities)  # (batch, queries)
        weights = one_hot(positions, logs.shape[-1]).to(logs.dtype)
        log_probability = logs.gather(-1, positions.unsqueeze(-1)).squeeze(-1)
        if self.training and self.expectation:
            soft = torch.rand(positions.shape, device=positions.device) < self.expectation
            weights = torch.where(soft.unsqueeze(-1), probabilities, weights)
            log_probability = log_probability.masked_fill(soft, 0)
        if mask is not None:
            weights = weights.masked_fill(~mask.unsqueeze(1), 0)
        context = weights.to(values.dtype) @ values
        if not self.training:
            return Look(context, weights)
        return Look(context, weights, log_probability, -(probabilities * logs).sum(-1))

    @contextmanager
    def choosing(self, choose: Choice | None) -> Iterator[None]:
        """Within, positions are chosen by `choose`, and no look is soft."""
        before, self.choose = (self.choose, self.expectation), choose
        self.expectation = 0.0
        try:
            yield
        finally:
            self.choose, self.expectation = before


def mean_over_positions(logits: Tensor, log_weights: Tensor) -> Tensor:
    """The logarithm of the mean of softmax(logits) over positions: log sum_i w_i softmax(logits_i).

    Args:
        logits: (n, positions, vocabulary)
        log_weights: (n, positions), log w_i of weights that sum to 1

    Returns:
        (n, vocabulary) in at least float32: log-probabilities, which a softmax leaves as they are
    """
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    return (logits.log_softmax(-1) + log_weights.unsqueeze(-1)).logsumexp(1)
