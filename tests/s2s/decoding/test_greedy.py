"""Greedy search against a loop over tokens, and against a beam of width 1."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from search_fixtures import (
    BANNED,
    END,
    PAD,
    START,
    UNK,
    Library,
    log_probability,
    outcomes,
    random_tables,
    run_beam,
    run_greedy,
)

from s2s.errors import UserError


@given(seed=st.integers(0, 10_000), end=st.floats(-2, 3), minimum=st.integers(0, 3))
@settings(max_examples=20, deadline=None)
def test_greedy_takes_the_likeliest_and_beam_1_equals_it(library: Library, seed: int, end: float, minimum: int) -> None:
    tables = random_tables(6, 70, seed, end=end + 3)
    limits = [9, 1, 2, 9, 5, 9]
    found = run_greedy(library(tables), limits, minimum_length=minimum)
    for table, longest, hypothesis in zip(tables, limits, found):
        path = [PAD, START]
        while len(path) < longest + 2 and path[-1] != END:
            allowed = table[path[-2], path[-1]].clone()
            allowed[list(BANNED)] = -math.inf
            if len(path) - 2 < minimum:
                allowed[END] = -math.inf
            path.append(int(allowed.argmax()))
        assert hypothesis.finished == (path[-1] == END)
        assert hypothesis.tokens == [token for token in path[2:] if token != END]
        assert hypothesis.log_probability == pytest.approx(log_probability(table, path[2:]), abs=1e-4)
        assert hypothesis.score == pytest.approx(hypothesis.log_probability / len(path[2:]))
    for alpha, stop_early in ((0.0, False), (1.0, True)):
        options = {"minimum_length": minimum, "length_penalty": alpha, "stop_early": stop_early}
        narrow = run_beam(library(tables), limits, width=1, **options)
        assert outcomes(found) == [outcome for hypotheses in narrow for outcome in outcomes(hypotheses)]


def test_of_equal_tokens_the_lowest_id_is_taken(library: Library) -> None:
    tables = library(torch.zeros(2, 80, 80, 80))
    assert outcomes(run_greedy(tables, 3)) == [([UNK, UNK, UNK], False)] * 2


def test_the_length_penalty_changes_the_score_and_nothing_else(library: Library) -> None:
    tables = library(random_tables(3, 7, seed=15))
    for plain, penalised in zip(run_greedy(tables, 9), run_greedy(tables, 9, length_penalty=0.5)):
        assert plain == replace(penalised, score=plain.score, log_probability=plain.log_probability)
        steps = len(plain.tokens) + plain.finished
        assert penalised.log_probability == pytest.approx(plain.log_probability)
        assert penalised.score == pytest.approx(plain.log_probability / steps**0.5)


def test_impossible_options_are_the_users_mistake() -> None:
    wrongs: list[dict[str, Any]] = [{"length_penalty": -0.5}, {"minimum_length": -1}]
    for wrong in wrongs:
        with pytest.raises(UserError, match=f"{next(iter(wrong))} is -"):
            run_greedy(random_tables(2, 6, seed=0), 5, **wrong)
