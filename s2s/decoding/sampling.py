"""Sampling: draw every token at random, with the probability that the model gives it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from s2s.arrays import Array, exponential, namespace, take
from s2s.decoding.independent import Chosen, search_independently
from s2s.decoding.search import Hypothesis, StepFunction
from s2s.errors import check
from s2s.models.contracts import State, Step


def sample(
    step: StepFunction,
    state: State,
    limits: Array,
    *,
    start: int,
    end: int,
    samples: int = 1,
    generator: Any = None,
    temperature: float = 1.0,
    banned: Sequence[int] = (),
) -> list[Hypothesis]:
    """Draw every token with a probability in proportion to p ** (1 / temperature).

    The draw uses the Gumbel-max trick (Maddison et al., 2014): the argmax of log p / T plus Gumbel noise has that
    distribution. The log-probability that is reported is the model's own: without the temperature, and not normalised
    again for banned tokens. The score is its mean over the steps.

    Args:
        step, limits, start, end: as in `beam`
        state: one row for each sentence
        samples: how many hypotheses are drawn for each sentence
        generator: of random numbers: a `torch.Generator` on the device of the limits, or a `numpy.random.Generator`;
            without one, torch's global generator or a new one of NumPy
        temperature: above 1 makes unlikely tokens more frequent, below 1 less
        banned: token ids that are never chosen

    Returns:
        sentences * samples hypotheses, those of a sentence next to each other.

    Raises:
        UserError: the temperature or the number of samples is out of range, and as `beam` does.
        RuntimeError: as `beam` does.
    """
    check(temperature > 0, f"the temperature is {temperature}: choose a number above 0, or search greedily")
    check(samples >= 1, f"samples is {samples}: choose 1 or more for each sentence")
    xp = namespace(limits)
    excluded = xp.asarray(list(banned), dtype=xp.int64, device=limits.device)

    def choose(result: Step, totals: Array, _: int) -> Chosen:
        scores = xp.asarray(result.log_probabilities, copy=True)  # (n * samples, vocabulary)
        scores[:, excluded] = -math.inf
        # The negative logarithm of exponential noise is Gumbel noise. The clip avoids a draw of exactly 0, which would
        # become infinite noise and could choose a token whose probability is zero.
        noise = xp.log(xp.clip(exponential(scores, generator), min=float(xp.finfo(scores.dtype).smallest_normal)))
        tokens = xp.argmax(scores / temperature - noise, axis=1, keepdims=True)  # (n * samples, 1)
        totals = totals + take(scores, tokens).reshape(totals.shape)  # (n, samples)
        return Chosen(totals, tokens.reshape(totals.shape), xp.sum(totals))

    return search_independently(
        step, state.repeat(samples), limits, choose, start=start, end=end, length_penalty=1.0, slots=samples
    )
