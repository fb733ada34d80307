"""Sampling: draw every token at random, with the probability that the model gives it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from s2s.decoding.independent import search_independently
from s2s.decoding.search import Hypothesis, StepFunction, length_limits
from s2s.errors import check
from s2s.models.contracts import State


def sample(
    step: StepFunction,
    state: State,
    sentences: int,
    *,
    start: int,
    end: int,
    maximum_length: int | Tensor,
    samples: int = 1,
    generator: torch.Generator | None = None,
    temperature: float = 1.0,
    banned: Sequence[int] = (),
    device: torch.device | str = "cpu",
) -> list[Hypothesis]:
    """Draw every token with a probability in proportion to p ** (1 / temperature).

    The draw uses the Gumbel-max trick (Maddison et al., 2014): the argmax of log p / T plus Gumbel noise has that
    distribution. The log-probability that is reported is the model's own: without the temperature, and not normalised
    again for banned tokens. The score is its mean over the steps.

    Args:
        step, start, end, maximum_length: as in `beam`
        state: one row for each sentence
        sentences: how many there are
        samples: how many hypotheses are drawn for each sentence
        generator: of random numbers, on the same device; without one, the device's global generator
        temperature: above 1 makes unlikely tokens more frequent, below 1 less
        banned: token ids that are never chosen
        device: where the step's tensors are

    Returns:
        sentences * samples hypotheses, those of a sentence next to each other.

    Raises:
        UserError: the temperature or the number of samples is out of range, and as `beam` does.
        RuntimeError: as `beam` does.
    """
    check(temperature > 0, f"the temperature is {temperature}: choose a number above 0, or search greedily")
    check(samples >= 1, f"samples is {samples}: choose 1 or more for each sentence")
    limits = length_limits(maximum_length, sentences, device)
    excluded = torch.tensor(banned, dtype=torch.int64, device=device)

    def choose(log_probabilities: Tensor, totals: Tensor, _: int) -> tuple[Tensor, Tensor, Tensor]:
        scores = log_probabilities.index_fill(1, excluded, -math.inf)  # (n * samples, vocabulary)
        # The negative logarithm of exponential noise is Gumbel noise. The clamp avoids a draw of exactly 0, which would
        # become infinite noise and could choose a token whose probability is zero.
        noise = torch.empty_like(scores).exponential_(generator=generator).clamp_min_(torch.finfo(scores.dtype).tiny)
        tokens = (scores / temperature - noise.log_()).argmax(1, keepdim=True)  # (n * samples, 1)
        totals = totals + scores.gather(1, tokens).view_as(totals)  # (n, samples)
        return totals, tokens.view_as(totals), totals.sum()

    return search_independently(
        step, state.repeat(samples), limits, choose, start=start, end=end, length_penalty=1.0, slots=samples
    )
