"""A beam that is divided into banks, so that hypotheses write the terms that they have to (`s2s.decoding.terms`).

Hypotheses that lack equally many tokens of terms are a bank. At each step the best continuation of every bank goes on,
then the second best of every bank, and so on while there are slots: a bank keeps its place however bad its hypotheses
are beside those of another. Besides the likeliest continuations of all, each hypothesis offers its own likeliest one,
and those that go on with a term or begin one.
(Post & Vilar, 2018, section 4; the order of Hu et al., 2019, which suits batches.)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2s.arrays import Array, namespace, take, to_numpy
from s2s.decoding.constraints import Constraint
from s2s.decoding.forced import force
from s2s.decoding.generation import Search
from s2s.decoding.loops import LoopGuard
from s2s.decoding.prefix import ForcedPrefix
from s2s.decoding.search import BeamOptions, CommonOptions, Given, Hypothesis, SearchOptions, StepFunction
from s2s.decoding.terms import Term, WordEdges, WriteTerms
from s2s.decoding.top_k import Continuations, ContinuationSelector
from s2s.models.contracts import Network, State, Step
from s2s.text.padding import pad
from s2s.text.tokens import END, PAD, START

LEAST_WIDTH = 5  # of the beam at least: in a narrow one, there is no choice of where to write a term


class BankSelector:
    """Chooses continuations as `ContinuationSelector` does, with a share for each bank.

    The last constraint of the steps is a `WriteTerms`; around it, there may be a `ForcedPrefix`.

    Args:
        excluded: token ids that are never chosen
    """

    def __init__(self, excluded: set[int]) -> None:
        self._excluded, self._select = sorted(excluded), ContinuationSelector(excluded)

    def __call__(self, step: Step, alive: Array, count: int) -> Continuations:
        """See `ContinuationSelector`; of the `count` continuations, half go on, or end among the first half."""
        xp, (n, slots), constraint = namespace(alive), alive.shape, _terms_of(step)
        found = self._candidates(step, alive, count)
        first_rows = xp.arange(0, n * slots, slots, device=alive.device)[:, None]
        rows, tokens = (found.slots + first_rows).reshape(-1), found.tokens.reshape(-1)
        banks = constraint.reorder(rows).read(tokens).progress.reshape(n, -1)
        order = xp.argsort(-found.totals, axis=1, stable=True)
        totals, banks = take(found.totals, order), take(banks, order)
        real = totals > -math.inf
        # How many of the same bank are better.
        before = xp.tril(xp.ones((order.shape[1], order.shape[1]), dtype=xp.bool, device=alive.device), k=-1)
        same = (banks[:, :, None] == banks[:, None, :]) & real[:, None, :] & before
        rank = xp.sum(xp.astype(same, xp.int64), axis=2)
        most = -xp.min(banks, axis=1, keepdims=True) + 1
        priority = xp.where(real, rank * most - banks, most * (order.shape[1] + 1))
        order = take(order, xp.argsort(priority, axis=1, stable=True))
        totals, slots_of, tokens = (take(values, order) for values in (found.totals, found.slots, found.tokens))
        return self._shared(Continuations(totals, slots_of, tokens, found.checksum), count)

    def _candidates(self, step: Step, alive: Array, count: int) -> Continuations:
        """The best continuations of all, the best one of each row, and those that a term asks for; each once."""
        xp, (n, slots) = namespace(alive), alive.shape
        best = self._select(step, alive, count)
        scores = xp.asarray(step.log_probabilities, copy=True)  # (rows, vocabulary)
        scores[:, self._excluded] = -math.inf
        asked = xp.concat((_terms_of(step).next_tokens(), xp.argmax(scores, axis=1)[:, None]), axis=1)  # (rows, asked)
        values = xp.where(asked >= 0, take(scores, xp.clip(asked, min=0)), -math.inf) + alive.reshape(-1, 1)
        of_slots = xp.broadcast_to(xp.arange(slots, device=alive.device)[:, None], (n, slots, asked.shape[1]))
        tokens = xp.concat((best.tokens, xp.clip(asked, min=0).reshape(n, -1)), axis=1)
        slots_of = xp.concat((best.slots, of_slots.reshape(n, -1)), axis=1)
        totals = xp.concat((best.totals, values.reshape(n, -1)), axis=1)
        slots_of = xp.where(totals > -math.inf, slots_of, 0)
        keys = slots_of * scores.shape[1] + tokens
        before = xp.tril(xp.ones((keys.shape[1], keys.shape[1]), dtype=xp.bool, device=alive.device), k=-1)
        again = xp.any((keys[:, :, None] == keys[:, None, :]) & before, axis=2)
        return Continuations(xp.where(again, -math.inf, totals), slots_of, tokens, best.checksum)

    def _shared(self, found: Continuations, count: int) -> Continuations:
        """Of continuations in order of priority: those of the first `count` / 2 that end, then as many that go on."""
        xp, width = namespace(found.totals), count // 2
        ends = xp.astype(found.tokens == END, xp.int64)
        place = xp.arange(ends.shape[1], device=ends.device)
        chosen = xp.where(ends > 0, place < width, xp.cumulative_sum(1 - ends, axis=1) <= width)
        order = xp.argsort(xp.where(chosen, 1 - ends, 2), axis=1, stable=True)[:, :count]
        totals = take(xp.where(chosen, found.totals, -math.inf), order)
        return Continuations(totals, take(found.slots, order), take(found.tokens, order), found.checksum)


def _terms_of(step: Step) -> WriteTerms:
    state: Any = step.state
    outer = state.constraint
    constraints: tuple[Any, ...] = outer.others if isinstance(outer, ForcedPrefix) else (outer,)
    return constraints[-1]


def beam_options(options: SearchOptions) -> BeamOptions:
    """The options of a search with terms: a plain beam that is wide enough, whatever search is asked for."""
    if isinstance(options, BeamOptions):
        width = max(options.width, LEAST_WIDTH)
        return replace(options, width=width, groups=1, n_best=width if options.n_best > 1 else 1)
    common = {field.name: getattr(options, field.name) for field in fields(CommonOptions)}
    return BeamOptions(LEAST_WIDTH, LEAST_WIDTH if options.n_best > 1 else 1, stop_early=True, **common)


def generate_with_terms(
    network: Network,
    inputs: Any,
    limits: NDArray[np.int64],
    options: BeamOptions,
    terms: Sequence[Sequence[Term]],
    edges: WordEdges,
    positions: int,
    *,
    banned: Sequence[int] = (PAD, START),
    constraint: Constraint | None = None,
    guard: LoopGuard | None = None,
) -> list[list[Hypothesis]]:
    """Search with a beam for hypotheses that hold the terms of each input, best first.

    The log-probabilities are those of the model; attention has a say in the order, but is no part of them. The maximum
    length of the options prevails over the terms.

    Args:
        options: see `beam_options`
        terms: of each input
        edges: of the vocabulary of the output
        positions: of the padded inputs
        others: as in `generate`

    Raises:
        UserError: as `generate` does.
    """
    needed = np.array([sum(len(term.form) * term.times for term in of) for of in terms])
    everything = replace(options, n_best=options.width)
    search = Search(network, everything, banned, limits + needed, selector=BankSelector)
    obey = WriteTerms.of(terms, edges, positions, network.array, end=END)
    others = [constraint] if constraint else []
    with network.searching() as engine:
        state: State = engine.start(inputs)
        found = search.run(engine.step, state, range(len(terms)), [*others, obey])
        for i, hypotheses in search.without_loops(engine.step, state, found, guard, [*others, obey]):
            if hypotheses[0].finished:  # a term may be a loop itself
                found[i] = hypotheses
        # Of hypotheses that the maximum length cut off or ended, those that hold the terms come first.
        held = [sorted(best, key=partial(_lacks, terms=of)) for best, of in zip(found, terms)]
        found = [best[: options.n_best] for best in held]
        step, state = search.constrained(engine.step, state, range(len(terms)), others)
        return _measured(step, state, found, terms, options.length_penalty, network.array)


def _lacks(hypothesis: Hypothesis, terms: Sequence[Term]) -> bool:
    return not all(term.is_in(hypothesis.tokens) for term in terms)


def _measured(
    step: StepFunction,
    state: State,
    found: Sequence[Sequence[Hypothesis]],
    terms: Sequence[Sequence[Term]],
    length_penalty: float,
    array: Callable[[Any], Array],
) -> list[list[Hypothesis]]:
    """The hypotheses with the log-probabilities of the model, in which attention has no say.

    Args:
        step: of the decoder
        state: before the first token, with one row for each sentence
        found: for each sentence
        terms: of each sentence
        length_penalty: for the scores
        array: see `Network.array`
    """
    most = max(map(len, found))
    rows = [of[min(rank, len(of) - 1)] for of in found for rank in range(most)]
    targets = pad([[*row.tokens, *[END] * row.finished] for row in rows])
    log_probabilities = to_numpy(force(step, state.repeat(most), targets.moved(array))[0])  # (rows, longest)
    return [
        [
            _of_model(hypothesis, log_probabilities[sentence * most + rank], terms[sentence], length_penalty)
            for rank, hypothesis in enumerate(of)
        ]
        for sentence, of in enumerate(found)
    ]


def _of_model(
    hypothesis: Hypothesis, values: NDArray[np.float32], terms: Sequence[Term], length_penalty: float
) -> Hypothesis:
    """A hypothesis with the log-probabilities of its steps, which may be followed by others."""
    steps = len(hypothesis.tokens) + hypothesis.finished
    given = sorted(set[int]().union(*(term.steps_in(hypothesis.tokens) for term in terms)))
    total = float(values[:steps].sum())
    part = Given(len(given), float(values[given].sum()))
    return replace(hypothesis, score=total / steps**length_penalty, log_probability=total, given=part)
