"""The ranking of cells: its measures against brute force, ties included, and a planted cell, which is found."""

from __future__ import annotations

import numpy as np
import pytest

from s2s.views.cell_properties import Property
from s2s.views.cell_ranking import average_ranks, rank_cells, signed_auc, spearman

RANDOM = np.random.default_rng(5)
TIED = RANDOM.integers(0, 6, (40, 7)).astype(np.float32)  # many equal values
DISTINCT = RANDOM.normal(size=(40, 7)).astype(np.float32)
each_table = pytest.mark.parametrize("values", [TIED, DISTINCT])


@each_table
def test_ranks_count_smaller_and_equal_values(values: np.ndarray) -> None:
    expected = [[(c < v).sum() + ((c == v).sum() + 1) / 2 for v in c] for c in values.T]
    np.testing.assert_array_equal(average_ranks(values), np.array(expected).T)


@each_table
def test_the_auc_is_the_share_of_pairs_in_which_the_token_with_the_property_is_higher(values: np.ndarray) -> None:
    holds = (RANDOM.random(40) < 0.3).astype(float)
    for column, found in zip(values.T, signed_auc(average_ranks(values), holds)):
        pairs = [(a > b) + (a == b) / 2 for a in column[holds == 1] for b in column[holds == 0]]
        assert found == pytest.approx(2 * np.mean(pairs) - 1)


@each_table
def test_the_rank_correlation_is_that_of_the_ranks(values: np.ndarray) -> None:
    numbers = RANDOM.integers(0, 5, 40).astype(float)
    ranks, other = average_ranks(values), average_ranks(numbers[:, None])[:, 0]
    expected = [np.corrcoef(column, other)[0, 1] for column in ranks.T]
    np.testing.assert_allclose(spearman(ranks, numbers), expected)
    if len(np.unique(values)) == values.size:  # without ties there is a shorter formula
        order = RANDOM.permutation(40).astype(float)
        differences = (ranks - average_ranks(order[:, None])) ** 2
        np.testing.assert_allclose(spearman(ranks, order), 1 - 6 * differences.sum(0) / (40 * (40**2 - 1)))


def test_a_constant_cell_tells_nothing() -> None:
    ranks = average_ranks(np.zeros((10, 1)))
    holds = np.array([0.0, 1.0] * 5)
    assert spearman(ranks, np.arange(10.0)) == [0]
    assert signed_auc(ranks, holds) == [0]


def test_planted_cells_are_found_with_their_direction() -> None:
    tokens = 200
    holds, depth = (np.arange(tokens) // 10 % 4 == 1).astype(float), np.arange(tokens) % 7.0
    layers = [RANDOM.normal(size=(tokens, 5)).astype(np.float32) for _ in range(2)]
    layers[0][:, 3] = np.tanh(depth - 3)
    layers[1][:, 2] = 1 - 2 * holds + RANDOM.normal(size=tokens) / 10
    nowhere = np.full(tokens, np.nan)
    nowhere[1:] = 0
    given = [
        Property("quotes", np.where(np.arange(tokens) == 0, np.nan, holds), is_number=False),
        Property("depth", np.where(np.arange(tokens) == 0, np.nan, depth), is_number=True),
        Property("absent", nowhere, is_number=False),
        Property("flat", nowhere, is_number=True),
        Property("one stretch", np.where(np.isnan(nowhere), np.nan, np.arange(tokens) > 150), is_number=False),
    ]
    (quotes, depths), left_out = rank_cells(layers, given, 4)
    assert [each.name for each in left_out] == ["absent", "flat", "one stretch"]
    assert (quotes.best[0].layer, quotes.best[0].unit, quotes.best[0].rises) == (1, 2, False)
    assert quotes.best[0].score == pytest.approx(1)
    assert quotes.tokens == holds.sum()
    assert (depths.best[0].layer, depths.best[0].unit, depths.best[0].rises) == (0, 3, True)
    assert depths.best[0].score == pytest.approx(1)
    assert depths.tokens == 7
    for ranking in (quotes, depths):
        scores = [each.score for each in ranking.best]
        assert len(scores) == 4
        assert scores == sorted(scores, reverse=True)
    assert all(each.score >= 0.5 for each in quotes.best)


def test_without_a_property_there_is_no_ranking() -> None:
    nothing = Property("empty", np.full(3, np.nan), is_number=True)
    assert rank_cells([np.zeros((3, 2), np.float32)], [nothing], 5) == ([], [nothing])
