"""s2s.decoding.constraints: what is written obeys them, in beam and greedy search."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from search_fixtures import Library

from s2s.arrays import Array, namespace
from s2s.decoding.beam import beam
from s2s.decoding.constraints import WriteOnce, constrain
from s2s.decoding.greedy import greedy
from s2s.decoding.search import BeamOptions, Hypothesis
from s2s.models.contracts import DecoderStep

END, START, FIRST = 0, 1, 4  # words 2 and 3, placeholders 4, 5 and 6
GENERATOR = torch.Generator().manual_seed(3)


class Rows:
    """A state that only knows how many sentences there are."""

    mask = None

    def __init__(self, sentences: int) -> None:
        self.sentences = sentences

    def reorder(self, parents: Array) -> Rows:
        return self

    def keep(self, sentences: Array) -> Rows:
        return Rows(len(sentences))

    def repeat(self, times: int) -> Rows:
        return self

    def detach(self) -> Rows:
        return self


def search(needed: list[list[int]], table: Array, width: int) -> list[list[Hypothesis]]:
    """Search with a table of log P(token | token before it)."""
    array = namespace(table).asarray
    constraint = WriteOnce.of(needed, array, first=FIRST, count=3, end=END)
    step, state = constrain(lambda tokens, state: DecoderStep(table[tokens], state), Rows(len(needed)), constraint)
    limits = array(np.full(len(needed), 12))
    if width == 1:
        return [[each] for each in greedy(step, state, limits, start=START, end=END, banned=[START])]
    options = BeamOptions(width, n_best=width)
    return beam(step, state, limits, start=START, end=END, options=options, banned=[START])


@pytest.mark.parametrize("width", [1, 2, 5])
def test_each_placeholder_is_written_once_and_no_other_one(library: Library, width: int) -> None:
    needed = [[4, 6], [], [5], [4, 5, 6]]
    for _ in range(20):
        table = library(torch.randn(7, 7, generator=GENERATOR).log_softmax(1))
        for ids, hypotheses in zip(needed, search(needed, table, width)):
            for hypothesis in hypotheses:
                placeholders = [token for token in hypothesis.tokens if token >= FIRST]
                assert len(set(placeholders)) == len(placeholders)
                assert set(placeholders) <= set(ids)
                if hypothesis.finished:
                    assert sorted(placeholders) == ids


def test_a_model_that_would_end_without_a_placeholder_writes_it_there(library: Library) -> None:
    table = torch.full((7, 7), -20.0)
    table[START, 2] = table[2, END] = table[4, END] = table[6, END] = math.log(0.9)
    (best,), (other,) = search([[4, 6], []], library(table), width=1)
    assert best.tokens == [2, 4, 6]
    assert best.finished
    assert other.tokens == [2]


def test_scores_are_those_of_the_model_where_nothing_is_constrained(library: Library) -> None:
    table = torch.randn(7, 7, generator=GENERATOR).log_softmax(1)
    (found,) = search([[]], library(table), width=1)
    path = [START, *found[0].tokens, END] if found[0].finished else [START, *found[0].tokens]
    expected = sum(float(table[a, b]) for a, b in pairwise(path))
    assert found[0].log_probability == pytest.approx(expected, abs=1e-4)


def test_the_first_missing_placeholder_takes_over_the_probability_of_end(library: Library) -> None:
    table = torch.randn(3, 7, generator=GENERATOR).log_softmax(1)
    given = library(table.clone())
    constraint = WriteOnce.of([[5, 6], [], [4]], namespace(given).asarray, first=FIRST, count=3, end=END)
    scores = torch.as_tensor(constraint.apply(given))
    assert (torch.as_tensor(given) == table).all()  # it is changed in a copy
    expected = table.clone()
    expected[:, FIRST:] = -math.inf
    expected[0, 6], expected[0, 5] = table[0, 6], table[0, [5, END]].logsumexp(0)
    expected[2, 4] = table[2, [4, END]].logsumexp(0)
    expected[[0, 2], END] = -math.inf
    torch.testing.assert_close(scores, expected)


def test_rows_are_moved_like_those_of_a_state(library: Library) -> None:
    def ids(*values: int) -> Array:
        return library(torch.tensor(values))

    constraint = WriteOnce.of([[4, 5], [6]], namespace(ids(0)).asarray, first=FIRST, count=3, end=END).repeat(2)
    assert constraint.missing.tolist() == [[True, True, False]] * 2 + [[False, False, True]] * 2
    constraint = constraint.read(ids(4, 2, 6, 3)).reorder(ids(1, 0, 2, 2))
    assert constraint.missing.tolist() == [[True, True, False], [False, True, False], [False] * 3, [False] * 3]
    assert constraint.keep(ids(0), 2).missing.tolist() == [[True, True, False], [False, True, False]]
