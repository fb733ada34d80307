"""Hypotheses that do not compete: each follows what is chosen for it, until it ends by END or by its maximum length."""

from __future__ import annotations

import pytest
import torch
from search_fixtures import END, START, Library, initial_state, limits_for, random_tables, table_step

from s2s.arrays import Array
from s2s.decoding.independent import Chosen, search_independently
from s2s.models.contracts import Step

SCRIPT = [  # the tokens of two hypotheses for each of two sentences; what follows END must not matter
    [[4, END, 5, 4], [END, 5, 4, 4]],
    [[5, 5, 5, END], [4, 5, 4, 5]],
]


@pytest.mark.parametrize("length_penalty", [0.0, 1.0])
def test_each_hypothesis_follows_its_choices_and_stops_counting_at_end(library: Library, length_penalty: float) -> None:
    script, batches = library(torch.tensor(SCRIPT)), list[list[list[float]]]()

    def choose(step: Step, totals: Array, _sentences: Array, time: int) -> Chosen:
        batches.append(totals.tolist())
        assert len(step.log_probabilities) == 2 * len(totals)
        return Chosen(totals - 1, script[-len(totals) :, :, time], totals.sum())

    tables = library(random_tables(2, 6, seed=0))
    state, limits = initial_state(tables).repeat(2), limits_for(tables, 4)
    found = search_independently(
        table_step, state, limits, choose, start=START, end=END, length_penalty=length_penalty, slots=2
    )
    assert [h.tokens for h in found] == [[4], [], [5, 5, 5], [4, 5, 4, 5]]
    assert [h.finished for h in found] == [True, True, True, False]
    assert [h.log_probability for h in found] == [-2, -1, -4, -4]
    assert [h.score for h in found] == [h.log_probability / n**length_penalty for h, n in zip(found, (2, 1, 4, 4))]
    # The first sentence leaves when both its hypotheses have ended, and takes its totals with it.
    assert batches == [[[0, 0], [0, 0]], [[-1, -1], [-1, -1]], [[-2, -2]], [[-3, -3]]]
    assert state.kept == [1]


def test_sentences_end_at_maximum_lengths_of_their_own(library: Library) -> None:
    def choose(_: Step, totals: Array, _sentences: Array, time: int) -> Chosen:
        return Chosen(totals - 1, library(torch.full((len(totals), 1), 4 + time)), totals.sum())

    tables = library(random_tables(3, 8, seed=0))
    state, limits = initial_state(tables), limits_for(tables, [3, 1, 2])
    found = search_independently(table_step, state, limits, choose, start=START, end=END, length_penalty=1.0)
    assert [(h.tokens, h.finished) for h in found] == [([4, 5, 6], False), ([4], False), ([4, 5], False)]
