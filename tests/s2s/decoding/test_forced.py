"""Forced decoding gives a sentence the log-probability of the search that found it, in both libraries."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from search_fixtures import END, LIBRARIES, START, Library, TableNetwork, log_probability, random_tables, run_beam

from s2s.decoding.constraints import WriteOnce
from s2s.decoding.forced import force_all, spell_all
from s2s.decoding.generation import generate
from s2s.decoding.search import BeamOptions
from s2s.decoding.spelling import Spelling
from s2s.errors import UserError

BANNED = (0, START)


@given(seed=st.integers(0, 10_000), width=st.sampled_from([1, 2, 5]), end=st.floats(-2, 3))
@settings(max_examples=20)
def test_what_a_search_found_has_the_score_of_that_search(library: Library, seed: int, width: int, end: float) -> None:
    network, limits = TableNetwork(library(random_tables(6, 30, seed, end=end))), np.array([9, 1, 4, 12, 3, 9])
    options = BeamOptions(width, width, length_penalty=0.7)
    found = generate(network, np.arange(6), limits, options, banned=BANNED)
    for rank in range(width):
        chosen = [of[min(rank, len(of) - 1)] for of in found]
        targets = [[*each.tokens, END] if each.finished else each.tokens for each in chosen]
        for forced, hypothesis in zip(force_all(network, np.arange(6), targets, attention=True), chosen):
            assert forced.tokens == hypothesis.tokens
            assert forced.log_probability == pytest.approx(hypothesis.log_probability, abs=1e-4)
            assert forced.score(0.7) == pytest.approx(hypothesis.score, abs=1e-4)
            assert forced.attention is not None
            assert hypothesis.attention is not None
            np.testing.assert_allclose(forced.attention, hypothesis.attention)


def test_each_token_has_its_own(library: Library) -> None:
    tables = random_tables(2, 9, seed=1)
    longer, shorter = force_all(TableNetwork(library(tables)), np.arange(2), [[5, 6, 7, END], [8, END]])
    assert len(longer.log_probabilities) == 4
    assert len(shorter.log_probabilities) == 2
    assert longer.attention is None
    assert math.fsum(longer.log_probabilities[:2]) == pytest.approx(log_probability(tables[0], [5, 6]), abs=1e-5)
    assert shorter.log_probability == pytest.approx(log_probability(tables[1], [8, END]), abs=1e-5)


def test_the_constraint_is_that_of_the_search(library: Library) -> None:
    network = TableNetwork(library(random_tables(2, 9, seed=4, end=4)))
    once = WriteOnce.of([[8], [6, 7]], network.array, first=6, count=3, end=END)
    found = generate(network, np.arange(2), np.array([20, 20]), BeamOptions(3), constraint=once)
    forced = force_all(network, np.arange(2), [[*best.tokens, END] for best, *_ in found], constraint=once)
    for each, [best, *_] in zip(forced, found):
        assert each.log_probability == pytest.approx(best.log_probability, abs=1e-4)
    free = force_all(network, np.arange(2), [[*best.tokens, END] for best, *_ in found])
    assert free[0].log_probability < forced[0].log_probability  # END gave its probability to the placeholder


def test_weights_that_are_no_numbers_are_an_error(library: Library) -> None:
    tables = random_tables(1, 9, seed=1)
    tables[:, :, 5, 6] = torch.nan
    with pytest.raises(UserError, match="its weights are damaged"):
        force_all(TableNetwork(library(tables)), np.arange(1), [[5, 6, END]])


# A text of three letters: 4, 5, 6 are one letter each, 7 is the first two, 8 the last two, 9 all. END may also come
# one letter early.
EDGES = [[(4, 1), (7, 2), (9, 3)], [(5, 2), (8, 3)], [(6, 3), (END, 2)], [(END, 3)]]
SPELLINGS = [[4, 5, 6], [4, 8], [7, 6], [9], [4, 5], [7]]


@given(seed=st.integers(0, 10_000))
@settings(max_examples=30)
def test_the_likeliest_spelling_is_found(library: Library, seed: int) -> None:
    tables = random_tables(2, 12, seed)
    found = spell_all(TableNetwork(library(tables)), np.arange(2), [Spelling(EDGES, 3)] * 2, 8)
    for table, each in zip(tables, found):
        best = max(SPELLINGS, key=lambda tokens: log_probability(table, [*tokens, END]))
        assert each.tokens == best
        assert each.log_probability == pytest.approx(log_probability(table, [*best, END]), abs=1e-4)


def test_a_width_of_one_takes_the_fewest_tokens(library: Library) -> None:
    network = TableNetwork(library(random_tables(1, 12, seed=0)))
    assert spell_all(network, np.arange(1), [Spelling(EDGES, 3)], 1)[0].tokens == [9]


def test_places_that_lead_nowhere_are_left_out() -> None:
    dead = [[(4, 1), (7, 2)], [], [(END, 2)]]
    assert Spelling.of(dead, 2) == Spelling([[(7, 2)], [], [(END, 2)]], 2)
    assert Spelling.of([[(4, 1)], [(END, 1)], []], 2) is None  # no way to the end of the given text
    assert Spelling.of([[], []], 1) is None


def test_both_libraries_score_alike() -> None:
    tables = random_tables(3, 12, seed=7)
    by_torch, by_numpy = (
        spell_all(TableNetwork(library(tables)), np.arange(3), [Spelling(EDGES, 3)] * 3, 2)
        for library in LIBRARIES.values()
    )
    assert [each.tokens for each in by_torch] == [each.tokens for each in by_numpy]
    for one, other in zip(by_torch, by_numpy):
        assert one.log_probability == pytest.approx(other.log_probability, abs=1e-5)


def test_a_hypothesis_of_a_narrow_beam_is_never_better_than_the_likeliest_spelling(library: Library) -> None:
    tables = random_tables(4, 12, seed=3)
    spelled = spell_all(TableNetwork(library(tables)), np.arange(4), [Spelling(EDGES, 3)] * 4, 8)
    for own, [best, *_] in zip(spelled, run_beam(library(tables), 6, width=1)):
        assert best.tokens not in SPELLINGS or best.log_probability <= own.log_probability + 1e-4
