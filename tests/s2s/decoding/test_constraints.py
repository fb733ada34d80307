"""s2s.decoding.constraints: what is written obeys them, in beam and greedy search."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from s2s.decoding.beam import beam
from s2s.decoding.constraints import WriteOnce, constrain
from s2s.decoding.greedy import greedy
from s2s.decoding.search import Hypothesis, SearchOptions
from s2s.models.contracts import DecoderStep

END, START, FIRST = 0, 1, 4  # words 2 and 3, placeholders 4, 5 and 6
GENERATOR = torch.Generator().manual_seed(3)


class Rows:
    """A state that only knows how many sentences there are."""

    mask = None

    def __init__(self, sentences: int) -> None:
        self.sentences = sentences

    def reorder(self, parents: Tensor) -> Rows:
        return self

    def keep(self, sentences: Tensor) -> Rows:
        return Rows(len(sentences))

    def repeat(self, times: int) -> Rows:
        return self

    def detach(self) -> Rows:
        return self


def search(needed: list[list[int]], table: Tensor, width: int) -> list[list[Hypothesis]]:
    """Search with a table of log P(token | token before it)."""
    constraint = WriteOnce.of(needed, first=FIRST, count=3, end=END, device="cpu")
    step, state = constrain(lambda tokens, state: DecoderStep(table[tokens], state), Rows(len(needed)), constraint)
    if width == 1:
        found = greedy(step, state, len(needed), start=START, end=END, maximum_length=12, banned=[START])
        return [[each] for each in found]
    options = SearchOptions(width, n_best=width)
    return beam(step, state, len(needed), start=START, end=END, maximum_length=12, options=options, banned=[START])


@pytest.mark.parametrize("width", [1, 2, 5])
def test_each_placeholder_is_written_once_and_no_other_one(width: int) -> None:
    needed = [[4, 6], [], [5], [4, 5, 6]]
    for _ in range(20):
        table = torch.randn(7, 7, generator=GENERATOR).log_softmax(1)
        for ids, hypotheses in zip(needed, search(needed, table, width)):
            for hypothesis in hypotheses:
                placeholders = [token for token in hypothesis.tokens if token >= FIRST]
                assert len(set(placeholders)) == len(placeholders)
                assert set(placeholders) <= set(ids)
                if hypothesis.finished:
                    assert sorted(placeholders) == ids


def test_a_model_that_would_end_without_a_placeholder_writes_it_there() -> None:
    table = torch.full((7, 7), -20.0)
    table[START, 2] = table[2, END] = table[4, END] = table[6, END] = math.log(0.9)
    (best,), (other,) = search([[4, 6], []], table, width=1)
    assert best.tokens == [2, 4, 6]
    assert best.finished
    assert other.tokens == [2]


def test_scores_are_those_of_the_model_where_nothing_is_constrained() -> None:
    table = torch.randn(7, 7, generator=GENERATOR).log_softmax(1)
    (found,) = search([[]], table, width=1)
    path = [START, *found[0].tokens, END] if found[0].finished else [START, *found[0].tokens]
    expected = sum(float(table[a, b]) for a, b in pairwise(path))
    assert found[0].log_probability == pytest.approx(expected, abs=1e-4)
