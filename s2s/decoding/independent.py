"""The search for hypotheses that do not compete, which greedy search and sampling share.

Each hypothesis is its own parent at every step, and keeps its slot. A sentence is done when all its hypotheses have
ended. The hypotheses of a beam do compete: see `s2s.decoding.beam`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from s2s.arrays import Array, namespace
from s2s.decoding.backpointers import StepRecord, read_hypotheses
from s2s.decoding.search import Hypothesis, StepFunction, check_limits, remaining_sentences
from s2s.models.contracts import State, Step


class Chosen(NamedTuple):
    """What was chosen at one step for n sentences.

    Attributes:
        totals: (n, slots) float32, log-probabilities of the continued hypotheses
        tokens: (n, slots) int64
        checksum: () float32, as `remaining_sentences` takes it
    """

    totals: Array
    tokens: Array
    checksum: Array


# (the step of the model; totals (n, slots) float32: log-probabilities so far; sentences (n,) int64: their numbers;
# time: how many steps came before this one)
ChooseTokens = Callable[[Step, Array, Array, int], Chosen]


def search_independently(
    step: StepFunction,
    state: State,
    limits: Array,
    choose: ChooseTokens,
    *,
    start: int,
    end: int,
    length_penalty: float,
    slots: int = 1,
) -> list[Hypothesis]:
    """Let `choose` continue every hypothesis until END or the maximum length.

    Args:
        step, limits, start, end: as in `beam`
        state: `slots` rows for each sentence
        choose: chooses the next token of every hypothesis
        length_penalty: for the scores
        slots: how many hypotheses each sentence has

    Returns:
        sentences * slots hypotheses, those of a sentence next to each other.

    Raises:
        UserError: a maximum length is below 1, or a log-probability is NaN or infinite.
        RuntimeError: a hypothesis of a sentence is left without any token whose probability is above zero.
    """
    check_limits(limits)
    xp, where = namespace(limits), limits.device
    records = list[StepRecord]()
    parents = xp.broadcast_to(xp.arange(slots, device=where), (len(limits), slots))
    all_lengths = xp.zeros((len(limits), slots), dtype=xp.int64, device=where)  # tokens without END
    all_totals = xp.zeros((len(limits), slots), dtype=xp.float32, device=where)  # log-probabilities
    # These are of the n sentences in the batch:
    sentences, batch_limits = xp.arange(len(limits), device=where), limits[:, None]  # (n,), (n, 1)
    lengths, totals = xp.asarray(all_lengths, copy=True), xp.asarray(all_totals, copy=True)  # (n, slots) each
    tokens, ended = xp.full_like(lengths, start), lengths < 0  # (n, slots) each
    for time in range(max(limits.tolist(), default=0)):
        result = step(tokens.reshape(-1), state)
        new_totals, tokens, checksum = choose(result, totals, sentences, time)
        records.append(StepRecord(sentences, tokens, parents[: len(sentences)], result.attention))
        totals = xp.where(ended, totals, new_totals)
        ended = ended | (tokens == end)
        lengths = lengths + xp.astype(~ended, xp.int64)
        ended = ended | (batch_limits == time + 1)
        state, remaining = result.state, remaining_sentences(xp.all(ended, axis=1), checksum)
        if remaining is not None:
            all_totals[sentences], all_lengths[sentences] = totals, lengths
            if not len(remaining):
                break
            sentences, batch_limits, state = sentences[remaining], batch_limits[remaining], state.keep(remaining)
            tokens, ended = tokens[remaining], ended[remaining]
            totals, lengths = totals[remaining], lengths[remaining]
    steps = all_lengths + xp.astype(all_lengths < limits[:, None], xp.int64)  # (sentences, slots): with END
    scores = all_totals / xp.astype(steps**length_penalty, xp.float32)
    # A hypothesis without any possible token is an error of its sentence: leaving it out would shift all that follow.
    scores = xp.where(xp.any(scores == -math.inf, axis=1, keepdims=True), -math.inf, scores)
    found = read_hypotheses(records, scores, all_lengths, parents, limits, length_penalty)
    return [hypothesis for hypotheses in found for hypothesis in hypotheses]
