"""Generation: encode the inputs of a network, and search for the sentences that it writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from s2s.arrays import Array
from s2s.decoding.beam import beam
from s2s.decoding.constraints import Constraint, constrain
from s2s.decoding.greedy import greedy
from s2s.decoding.loops import LoopGuard, NoLoops
from s2s.decoding.search import BeamOptions, Hypothesis, SamplingOptions, SearchOptions, StepFunction
from s2s.decoding.top_k import ContinuationSelector, Selector
from s2s.models.contracts import Network, State
from s2s.text.tokens import END, PAD, START

if TYPE_CHECKING:
    from s2s.decoding.prefix import Prefix


def generate(
    network: Network,
    inputs: Any,
    limits: NDArray[np.int64],
    options: SearchOptions,
    *,
    banned: Sequence[int] = (PAD, START),
    constraint: Constraint | None = None,
    guard: LoopGuard | None = None,
    places: Sequence[Sequence[int]] | None = None,
    prefixes: Sequence[Prefix | None] | None = None,
) -> list[list[Hypothesis]]:
    """Search for the best hypotheses of each input, best first, with a beam, greedily, or by sampling.

    Args:
        network: of either engine
        inputs: what its encoder takes
        limits: (inputs,), the maximum number of steps, END being one; the options may set others
        options: of the search; a beam with a width of 1 searches greedily
        banned: token ids that are never chosen
        constraint: on what is written, with one row for each input
        guard: an input whose best hypothesis loops is searched again, in such a way that none does
        places: of each input, for the random numbers of sampling (see `random_numbers`); None for its number
        prefixes: what the hypotheses of each input begin with; None for anything. They prevail over the constraint, the
            guard and the lengths

    Raises:
        UserError: a limit is below 1, or a log-probability is NaN or infinite.
    """
    search = Search(network, options, banned, limits, places, prefixes)
    constraints = [constraint] if constraint else []
    with network.searching(None if constraint or search.forces else likeliest(options, {*banned, END})) as engine:
        state = engine.start(inputs)
        found = search.run(engine.step, state, range(len(limits)), constraints)
    if guard:
        with network.searching() as engine:
            for i, hypotheses in search.without_loops(engine.step, state, found, guard, constraints):
                found[i] = hypotheses
    if guard and options.n_best > 1:
        found = [[h for h in of if h is of[0] or not guard.loops(i, h.tokens)] for i, of in enumerate(found)]
    return found


def likeliest(options: SearchOptions, excluded: Set[int]) -> int | None:
    """How many of the likeliest tokens of each row a search needs, with those that it must not choose among them.

    None if it needs all of them.
    """
    if isinstance(options, SamplingOptions):
        return None if options.top_k is None else options.top_k + len(excluded)
    if options.width == 1:
        return 1 + len(excluded)
    group = options.width // options.groups
    # Those that the groups before the last one have chosen may be the likeliest of all, and be penalised.
    return 2 * group + (options.width - group) + len(excluded)


class Search:
    """The search that the options ask for, for all sentences of a batch or for some.

    Args:
        network, options, banned, limits, places, prefixes: see `generate`
        selector: of a beam, see `beam`

    Attributes:
        forces: whether some tokens of the output are given, those of a prefix or an END
    """

    def __init__(
        self,
        network: Network,
        options: SearchOptions,
        banned: Sequence[int],
        limits: NDArray[np.int64],
        places: Sequence[Sequence[int]] | None = None,
        prefixes: Sequence[Prefix | None] | None = None,
        *,
        selector: Callable[[set[int]], Selector] = ContinuationSelector,
    ) -> None:
        self._network, self._banned, self._selector = network, banned, selector
        self._places = [(i,) for i in range(len(limits))] if places is None else places
        self._prefixes = [None] * len(limits) if prefixes is None else prefixes
        steps = np.array([prefix.steps if prefix else 0 for prefix in self._prefixes], dtype=np.int64)
        self._limits = options.limits(limits, steps)
        self.forces = options.maximum_length is not None or bool(steps.any())
        self._lengths: Any = {"minimum_length": options.minimum_length, "maximum_length": options.maximum_length}
        # `ForcedPrefix` knows of each row whether the minimum holds; a search does not.
        self._options = replace(options, minimum_length=0) if self.forces else options

    def run(
        self, step: StepFunction, state: State, sentences: Sequence[int], constraints: Sequence[Constraint]
    ) -> list[list[Hypothesis]]:
        """Search for some sentences, given by their numbers; the state and the constraints are of these."""
        step, state = self.constrained(step, state, sentences, constraints)
        limits = self._network.array(self._limits[[*sentences]])
        match self._options:
            case SamplingOptions():
                return self._sample(step, state, limits, [self._places[i] for i in sentences], self._options)
            case BeamOptions(width=1):
                return self._greedy(step, state, limits, self._options)
        how: Any = {"options": self._options, "banned": self._banned, "selector": self._selector}
        return beam(step, state, limits, start=START, end=END, **how)

    def constrained(
        self, step: StepFunction, state: State, sentences: Sequence[int], constraints: Sequence[Constraint]
    ) -> tuple[StepFunction, State]:
        """The step function and first state that are searched; see `run`."""
        if self.forces:
            from s2s.decoding.prefix import ForcedPrefix, Prefix

            prefixes = [self._prefixes[i] or Prefix() for i in sentences]
            constraints = [ForcedPrefix.of(prefixes, self._network.array, **self._lengths, others=constraints)]
        for constraint in constraints:
            step, state = constrain(step, state, constraint)
        return step, state

    def without_loops(
        self,
        step: StepFunction,
        state: State,
        found: Sequence[Sequence[Hypothesis]],
        guard: LoopGuard | None,
        constraints: Sequence[Constraint],
    ) -> Iterator[tuple[int, list[Hypothesis]]]:
        """Search again for each sentence whose best hypothesis loops, in such a way that none does.

        Yields:
            the number of each such sentence, and its new hypotheses
        """
        looping = [i for i, best in enumerate(found) if guard and guard.loops(i, best[0].tokens)]
        if guard and looping:
            rows = self._network.array(np.array(looping))
            no_loops = NoLoops.of([guard.allowed(i) for i in looping], guard.words, self._network.array)
            kept = [constraint.keep(rows, len(found)) for constraint in constraints]
            yield from zip(looping, self.run(step, state.keep(rows), looping, [no_loops, *kept]))

    def _greedy(self, step: StepFunction, state: State, limits: Array, options: BeamOptions) -> list[list[Hypothesis]]:
        best = greedy(
            step,
            state,
            limits,
            start=START,
            end=END,
            minimum_length=options.minimum_length,
            length_penalty=options.length_penalty,
            banned=self._banned,
        )
        return [[hypothesis] for hypothesis in best]

    def _sample(
        self,
        step: StepFunction,
        state: State,
        limits: Array,
        places: Sequence[Sequence[int]],
        options: SamplingOptions,
    ) -> list[list[Hypothesis]]:
        from s2s.decoding.sampling import random_numbers, sample

        draws, steps = options.draws, max(limits.tolist(), default=0)
        numbers = self._network.array(random_numbers(options.seed, places, draws, steps))
        how: Any = {"options": options, "numbers": numbers, "banned": self._banned}
        drawn = sample(step, state, limits, start=START, end=END, **how)
        of_each = (drawn[first : first + draws] for first in range(0, len(drawn), draws))
        return [sorted(of, key=lambda each: (not each.finished, -each.score))[: options.n_best] for of in of_each]


def with_end(hypothesis: Hypothesis) -> list[int]:
    """The tokens of a hypothesis, followed by END if it is finished."""
    return [*hypothesis.tokens, END] if hypothesis.finished else hypothesis.tokens
