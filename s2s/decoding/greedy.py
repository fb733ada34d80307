"""Greedy search: take the likeliest token at every step."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from s2s.decoding.independent import search_independently
from s2s.decoding.search import Hypothesis, SearchOptions, StepFunction, length_limits
from s2s.decoding.top_k import ContinuationSelector
from s2s.models.contracts import State


def greedy(
    step: StepFunction,
    state: State,
    sentences: int,
    *,
    start: int,
    end: int,
    maximum_length: int | Tensor,
    minimum_length: int = 0,
    length_penalty: float = 1.0,
    banned: Sequence[int] = (),
    device: torch.device | str = "cpu",
) -> list[Hypothesis]:
    """Take the likeliest token at every step, and the lowest id of equals: one hypothesis for each sentence.

    The arguments and errors are those of `beam`. The `length_penalty` changes the score that is reported, but not the
    search.
    """
    SearchOptions(1, length_penalty=length_penalty, minimum_length=minimum_length)  # checks them
    limits = length_limits(maximum_length, sentences, device)
    select, select_without_end = ContinuationSelector({*banned}), ContinuationSelector({*banned, end})

    def choose(log_probabilities: Tensor, totals: Tensor, time: int) -> tuple[Tensor, Tensor, Tensor]:
        # With one hypothesis for each sentence, the number of a continuation is its token.
        return (select_without_end if time < minimum_length else select)(log_probabilities, totals, 1)

    return search_independently(step, state, limits, choose, start=start, end=end, length_penalty=length_penalty)
