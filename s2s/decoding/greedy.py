"""Greedy search: take the likeliest token at every step."""

from __future__ import annotations

from collections.abc import Sequence

from s2s.arrays import Array
from s2s.decoding.independent import Chosen, search_independently
from s2s.decoding.search import BeamOptions, Hypothesis, StepFunction
from s2s.decoding.top_k import ContinuationSelector
from s2s.models.contracts import State, Step


def greedy(
    step: StepFunction,
    state: State,
    limits: Array,
    *,
    start: int,
    end: int,
    minimum_length: int = 0,
    length_penalty: float = 1.0,
    banned: Sequence[int] = (),
) -> list[Hypothesis]:
    """Take the likeliest token at every step, and the lowest id of equals: one hypothesis for each sentence.

    The arguments and errors are those of `beam`. The `length_penalty` changes the score that is reported, but not the
    search.
    """
    BeamOptions(1, length_penalty=length_penalty, minimum_length=minimum_length)  # checks them
    select, select_without_end = ContinuationSelector({*banned}), ContinuationSelector({*banned, end})

    def choose(result: Step, totals: Array, _: Array, time: int) -> Chosen:
        found = (select_without_end if time < minimum_length else select)(result, totals, 1)
        return Chosen(found.totals, found.tokens, found.checksum)

    return search_independently(step, state, limits, choose, start=start, end=end, length_penalty=length_penalty)
