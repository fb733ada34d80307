"""ScoredTokens decoding: the probabilities that a network gives to the tokens of sentences that somebody else wrote.

The step function of search reads the given tokens one after the other, so that a hypothesis that a search found gets
the log-probability of that search, in either engine and under the same constraint. A text that subwords can spell in
several ways is scored in the likeliest of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2s.arrays import Array, namespace, take, to_numpy
from s2s.decoding.beam import beam
from s2s.decoding.constraints import Constraint, constrain
from s2s.decoding.search import BeamOptions, StepFunction, check_probabilities
from s2s.decoding.spelling import Spelling, WriteText
from s2s.models.contracts import Network, State
from s2s.text.padding import Padded, pad
from s2s.text.tokens import END, START


@dataclass(frozen=True)
class ScoredTokens:
    """What a network gives to one sentence.

    Attributes:
        tokens: its token ids, without END
        log_probabilities: natural logarithms, one for each token that was given
        attention: (tokens, positions) float32; None if it was not asked for, or if the decoder has none
    """

    tokens: list[int]
    log_probabilities: tuple[float, ...]
    attention: NDArray[Any] | None = field(default=None, compare=False)

    @property
    def log_probability(self) -> float:
        """Of the whole sentence."""
        return math.fsum(self.log_probabilities)

    def score(self, length_penalty: float) -> float:
        """The score that a search gives to such a hypothesis, see `BeamOptions`."""
        return self.log_probability / len(self.log_probabilities) ** length_penalty


def force_all(
    network: Network,
    inputs: Any,
    targets: Sequence[Sequence[int]],
    *,
    constraint: Constraint | None = None,
    attention: bool = False,
) -> list[ScoredTokens]:
    """Score one sentence for each input.

    Args:
        network: of either engine
        inputs: what its encoder takes
        targets: the token ids of each sentence, with END at the end of a whole one; none is empty
        constraint: on what is written, with one row for each input
        attention: whether it is returned

    Raises:
        UserError: a log-probability is NaN or infinite (above zero).
    """
    padded = pad(targets)
    with network.searching() as search:
        step, state = search.step, search.start(inputs)
        if constraint:
            step, state = constrain(step, state, constraint)
        found, looks = force(step, state, padded.moved(network.array), attention=attention)
    values, lengths = to_numpy(found), padded.lengths.tolist()
    weights = None if looks is None else to_numpy(looks)
    return [
        ScoredTokens(
            [token for token in targets[row] if token != END],
            tuple(values[row, :length].tolist()),
            None if weights is None else weights[row, :length],
        )
        for row, length in enumerate(lengths)
    ]


def spell_all(
    network: Network,
    inputs: Any,
    spellings: Sequence[Spelling],
    width: int,
    *,
    constraint: Constraint | None = None,
    attention: bool = False,
) -> list[ScoredTokens]:
    """Find the likeliest token sequence of each spelling with a beam, and score it.

    A beam of width 1 scores the sequence of the fewest tokens alone.

    Args:
        network, inputs, constraint, attention: as in `force_all`
        spellings: one for each input
        width: of the beam

    Raises:
        UserError: as `force_all` does.
    """
    own = [[token for token, _ in spelling.shortest()] for spelling in spellings]
    estimates = force_all(network, inputs, own, constraint=constraint, attention=attention)
    if width == 1:
        return estimates
    remaining = [each.remaining(of.log_probabilities) for each, of in zip(spellings, estimates)]
    limits = network.array(np.array([len(spelling.edges) + 1 for spelling in spellings]))  # a token leads forward
    with network.searching() as search:
        step, state = search.step, search.start(inputs)
        if constraint:
            step, state = constrain(step, state, constraint)
        step, state = constrain(step, state, WriteText.of(spellings, remaining, network.array))
        options = BeamOptions(width=width, length_penalty=0)
        found = beam(step, state, limits, start=START, end=END, options=options)
    targets = [[*best.tokens, END] for best, *_ in found]
    likeliest = force_all(network, inputs, targets, constraint=constraint, attention=attention)
    return [max(pair, key=lambda each: each.log_probability) for pair in zip(estimates, likeliest)]


def force(step: StepFunction, state: State, targets: Padded, *, attention: bool = False) -> tuple[Array, Array | None]:
    """Read the given tokens step by step.

    Args:
        step: computes the log-probabilities of the next tokens
        state: one row for each sentence
        targets: ids (rows, time) int64, with arrays of the kind and on the device of the state
        attention: whether it is returned

    Returns:
        log-probabilities of the tokens, (rows, time) float32, 0 at padding; attention (rows, time, positions), or None.
    """
    xp = namespace(targets.ids)
    found, looks = list[Array](), list[Array]()
    tokens = xp.full_like(targets.lengths, START)
    for time in range(targets.ids.shape[1]):
        given = targets.ids[:, time]
        result = step(tokens, state)
        found.append(take(result.log_probabilities, given[:, None]))  # (rows, 1)
        if attention and result.attention is not None:
            looks.append(result.attention)
        tokens, state = given, result.state
    values = xp.where(targets.mask, xp.concat(found, axis=1), 0.0)
    check_probabilities(float(xp.sum(values)))
    return values, xp.stack(looks, axis=1) if looks else None
