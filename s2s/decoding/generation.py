"""Generation: encode the inputs of a network, and search for the sentences that it writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2s.arrays import Array
from s2s.decoding.beam import beam
from s2s.decoding.constraints import Constraint, constrain
from s2s.decoding.greedy import greedy
from s2s.decoding.loops import LoopGuard, NoLoops
from s2s.decoding.search import Hypothesis, SearchOptions, StepFunction
from s2s.models.contracts import Network, State
from s2s.text.tokens import END, PAD, START


def generate(
    network: Network,
    inputs: Any,
    limits: NDArray[np.int64],
    options: SearchOptions,
    *,
    banned: Sequence[int] = (PAD, START),
    constraint: Constraint | None = None,
    guard: LoopGuard | None = None,
) -> list[list[Hypothesis]]:
    """Search for the best hypotheses of each input, best first. A width of 1 searches greedily.

    Args:
        network: of either engine
        inputs: what its encoder takes
        limits: (inputs,), the maximum number of steps, END being one
        options: of the search
        banned: token ids that are never chosen
        constraint: on what is written, with one row for each input
        guard: an input whose best hypothesis loops is searched again, in such a way that none does

    Raises:
        UserError: a limit is below 1, or a log-probability is NaN or infinite.
    """
    likeliest = (2 * options.width if options.width > 1 else 1) + len({*banned, END})
    with network.searching(None if constraint else likeliest) as search:
        state = search.start(inputs)
        found = _search(search.step, state, network.array(limits), options, banned, constraint)
    looping = [i for i, best in enumerate(found) if guard and guard.loops(i, best[0].tokens)]
    if guard and looping:
        with network.searching() as search:
            rows = network.array(np.array(looping))
            no_loops = NoLoops.of([guard.allowed(i) for i in looping], guard.words, network.array)
            step, some = constrain(search.step, state.keep(rows), no_loops)
            kept = constraint.keep(rows, len(found)) if constraint else None
            for i, hypotheses in zip(looping, _search(step, some, network.array(limits)[rows], options, banned, kept)):
                found[i] = hypotheses
    if guard and options.n_best > 1:
        found = [[h for h in of if h is of[0] or not guard.loops(i, h.tokens)] for i, of in enumerate(found)]
    return found


def _search(
    step: StepFunction,
    state: State,
    limits: Array,
    options: SearchOptions,
    banned: Sequence[int],
    constraint: Constraint | None,
) -> list[list[Hypothesis]]:
    """Search with a beam, or greedily if its width is 1."""
    if constraint:
        step, state = constrain(step, state, constraint)
    if options.width > 1:
        return beam(step, state, limits, start=START, end=END, options=options, banned=banned)
    best = greedy(
        step,
        state,
        limits,
        start=START,
        end=END,
        minimum_length=options.minimum_length,
        length_penalty=options.length_penalty,
        banned=banned,
    )
    return [[hypothesis] for hypothesis in best]


def with_end(hypothesis: Hypothesis) -> list[int]:
    """The tokens of a hypothesis, followed by END if it is finished."""
    return [*hypothesis.tokens, END] if hypothesis.finished else hypothesis.tokens
