"""Sampling: draw every token at random, with the probability that the model gives it.

What may be drawn, and how often, follows from the options, in this order:

    banned       banned tokens, and END before the minimum length, are never drawn
    temperature  p becomes p ** (1 / temperature), normalised
    top-k        the k likeliest tokens remain (Fan et al., 2018)
    top-p        of these, the fewest likeliest tokens remain whose probabilities, normalised again, sum up to p or more
                 (Holtzman et al., 2020, "nucleus")

What remains is drawn in proportion to its probabilities. With one token that remains, this is greedy search.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from s2s import seeds
from s2s.arrays import Array, exponential, namespace, take
from s2s.decoding.independent import Chosen, search_independently
from s2s.decoding.search import Hypothesis, SamplingOptions, StepFunction
from s2s.decoding.top_k import ContinuationSelector
from s2s.models.contracts import State, Step

_FEW = 64  # tokens among which a nucleus is looked for first; then among eight times as many, and so on


def sample(
    step: StepFunction,
    state: State,
    limits: Array,
    *,
    start: int,
    end: int,
    options: SamplingOptions | None = None,
    numbers: Array | None = None,
    generator: Any = None,
    banned: Sequence[int] = (),
) -> list[Hypothesis]:
    """Draw hypotheses for each sentence, token by token.

    The log-probability that is reported is the model's own: without the temperature, and not normalised again for
    tokens that could not be drawn.

    Args:
        step, limits, start, end: as in `beam`
        state: one row for each sentence
        options: how many hypotheses are drawn, and how; their seed and `n_best` are the caller's business
        numbers: (sentences, draws, steps) float64 from 0 to below 1, one for each token, see `random_numbers`; a
            sentence then gets the same hypotheses in whatever batch it is
        generator: without `numbers`, of random numbers: a `torch.Generator` on the device of the limits, or a
            `numpy.random.Generator`; without one, torch's global generator or a new one of NumPy
        banned: token ids that are never chosen

    Returns:
        sentences * draws hypotheses, those of a sentence next to each other.

    Raises:
        UserError, RuntimeError: as `beam` does.
    """
    options = options or SamplingOptions()
    draw, draw_without_end = Draw(options, banned), Draw(options, (*banned, end))

    def choose(result: Step, totals: Array, sentences: Array, time: int) -> Chosen:
        of_rows = None if numbers is None else numbers[sentences, :, time].reshape(-1, 1)
        which = draw_without_end if time < options.minimum_length else draw
        return which(result, totals, of_rows, generator)

    return search_independently(
        step,
        state.repeat(options.draws),
        limits,
        choose,
        start=start,
        end=end,
        length_penalty=options.length_penalty,
        slots=options.draws,
    )


def random_numbers(seed: int, places: Sequence[Sequence[int]], draws: int, steps: int) -> NDArray[np.float64]:
    """The numbers that `sample` draws with: (places, draws, steps) from 0 to below 1.

    Those of a draw depend on its place and number and on nothing else, and begin alike whatever the number of steps.

    Args:
        seed: of all
        places: of each sentence, whole numbers from 0 such as its line
    """
    numbers = np.empty((len(places), draws, steps))
    for row, place in enumerate(places):
        for draw in range(draws):
            sequence = np.random.SeedSequence(seed, spawn_key=seeds.of_draw(place, draw))
            numbers[row, draw] = np.random.Generator(np.random.PCG64(sequence)).random(steps)
    return numbers


class Draw:
    """Draws one token for each row of a step.

    Args:
        options: which tokens may be drawn, and how often
        banned: token ids that are never drawn
    """

    def __init__(self, options: SamplingOptions, banned: Sequence[int]) -> None:
        self._candidates = _Candidates({*banned}, options)

    def __call__(self, step: Step, totals: Array, numbers: Array | None, generator: Any = None) -> Chosen:
        """Draw.

        Args:
            step: of the model
            totals: (n, draws) float32, log-probabilities so far, a row of the step for each
            numbers: (rows, 1) float64 from 0 to below 1, which decide; None for random numbers of `generator`
            generator: see `sample`
        """
        found = self._candidates(step, totals)
        columns = _noisiest(found.scores, generator) if numbers is None else _at(found.scores, numbers)  # (rows, 1)
        tokens = columns if found.tokens is None else take(found.tokens, columns)
        totals = totals + take(found.log_probabilities, columns).reshape(totals.shape)
        return Chosen(totals, tokens.reshape(totals.shape), found.checksum)


class _Found(NamedTuple):
    """What may be drawn for each row.

    Attributes:
        log_probabilities: (rows, candidates) float32, of the model
        scores: (rows, candidates) float32, with the temperature; -inf where a token may not be drawn
        tokens: (rows, candidates) int64; None where the candidates are all tokens
        checksum: () float32, NaN or infinite (above zero) if a log-probability is
    """

    log_probabilities: Array
    scores: Array
    tokens: Array | None
    checksum: Array


class _Candidates:
    """Finds what may be drawn.

    Args:
        excluded: token ids that may not
        options: see `SamplingOptions`
    """

    def __init__(self, excluded: set[int], options: SamplingOptions) -> None:
        self._excluded, self._options = sorted(excluded), options
        self._select = ContinuationSelector(excluded)

    def __call__(self, step: Step, totals: Array) -> _Found:
        """What may be drawn after a step; `totals` is an array of its rows, (n, draws)."""
        if self._options.top_k is not None:
            return self._nucleus(self._likeliest(step, totals, self._options.top_k))
        whole = self._whole(step)
        if self._options.top_p == 1:
            return whole
        mass, few = _mass(whole.scores), _FEW
        while few < whole.scores.shape[1]:
            found = self._likeliest(step, totals, few)
            if bool((_mass(found.scores) >= self._options.top_p * mass).all()):
                return self._nucleus(found, mass)
            few *= 8
        return self._nucleus(self._likeliest(step, totals, whole.scores.shape[1]), mass)

    def _whole(self, step: Step) -> _Found:
        """All tokens that are not excluded, in the order of their ids."""
        xp = namespace(step.log_probabilities)
        values = xp.asarray(step.log_probabilities, copy=True)  # (rows, vocabulary)
        checksum = xp.sum(xp.max(values, axis=1))
        values[:, self._excluded] = -math.inf
        return _Found(values, values / self._options.temperature, None, checksum)

    def _likeliest(self, step: Step, totals: Array, count: int) -> _Found:
        """The likeliest tokens of each row that are not excluded, descending; of equals, the lower id comes first."""
        alone = namespace(totals).zeros_like(totals).reshape(-1, 1)  # each row for itself
        found = self._select(step, alone, count)
        return _Found(found.totals, found.totals / self._options.temperature, found.tokens, found.checksum)

    def _nucleus(self, found: _Found, mass: Array | None = None) -> _Found:
        """The first of the likeliest candidates, with top_p of the mass, (rows, 1); None for that of all of them."""
        if self._options.top_p == 1:
            return found
        xp, weights = namespace(found.scores), _weights(found.scores)  # (rows, candidates), descending
        reached = xp.cumulative_sum(weights, axis=1)
        needed = self._options.top_p * (reached[:, -1:] if mass is None else mass)
        scores = xp.where(reached - weights < needed, found.scores, -math.inf)
        return found._replace(scores=scores)


def _weights(scores: Array) -> Array:
    """What each candidate is drawn in proportion to, at most 1: (rows, candidates) float64."""
    xp = namespace(scores)
    highest = xp.clip(xp.max(scores, axis=1, keepdims=True), min=float(xp.finfo(scores.dtype).min))
    return xp.exp(xp.astype(scores - highest, xp.float64))


def _mass(scores: Array) -> Array:
    """The sum of the weights of each row, (rows, 1) float64."""
    return namespace(scores).sum(_weights(scores), axis=1, keepdims=True)


def _at(scores: Array, numbers: Array) -> Array:
    """The candidate at which the running sum of the weights exceeds a share of it, (rows, 1): (rows, 1)."""
    xp = namespace(scores)
    reached = xp.cumulative_sum(_weights(scores), axis=1)
    before = xp.sum(reached <= numbers * reached[:, -1:], axis=1, keepdims=True)  # how many candidates are passed by
    return xp.clip(before, max=scores.shape[1] - 1)


def _noisiest(scores: Array, generator: Any) -> Array:
    """The candidate with the highest score after Gumbel noise is added (Maddison et al., 2014), (rows, 1).

    The noise is drawn where the scores are, which training does on a GPU; its steps follow from torch's generators.
    """
    xp = namespace(scores)
    # The negative logarithm of exponential noise is Gumbel noise. The clip avoids a draw of exactly 0, which would
    # become infinite noise and could choose a token whose probability is zero.
    noise = xp.log(xp.clip(exponential(scores, generator), min=float(xp.finfo(scores.dtype).smallest_normal)))
    return xp.argmax(scores - noise, axis=1, keepdims=True)
