"""What the array API standard lacks, in both libraries."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from search_fixtures import Library, generator_for

from s2s.arrays import exponential, repeat, smallest, take, to_numpy


def test_each_row_gives_the_elements_that_its_columns_name(library: Library) -> None:
    rows = library(torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
    columns = library(torch.tensor([[2, 0], [1, 1]]))
    assert take(rows, columns).tolist() == [[3, 1], [5, 5]]
    assert take(rows, columns[:, :0]).shape == (2, 0)


@pytest.mark.oldest
def test_rows_are_repeated_side_by_side(library: Library) -> None:
    rows = library(torch.tensor([[1, 2], [3, 4]]))
    assert repeat(rows, 2).tolist() == [[1, 2], [1, 2], [3, 4], [3, 4]]
    assert repeat(rows[:, 0], 3).tolist() == [1, 1, 1, 3, 3, 3]


@given(seed=st.integers(0, 10_000), rows=st.integers(0, 4), columns=st.integers(1, 90), data=st.data())
@settings(max_examples=40)
def test_the_smallest_come_in_order(library: Library, seed: int, rows: int, columns: int, data: st.DataObject) -> None:
    draw, count = np.random.default_rng(seed), data.draw(st.integers(1, columns))
    keys = draw.permuted(np.tile(np.arange(columns) * 2**40 - 2**45, (rows, 1)), axis=1)
    found = smallest(library(torch.from_numpy(keys)), count)
    assert found.tolist() == keys.argsort(axis=1)[:, :count].tolist()


def test_exponential_draws_follow_their_distribution_and_repeat_with_the_generator(library: Library) -> None:
    like = library(torch.zeros(100, 400))
    draws, again, other = (exponential(like, generator_for(like, seed)) for seed in (1, 1, 2))
    assert (type(draws), draws.dtype, draws.shape) == (type(like), like.dtype, like.shape)
    assert (draws == again).all()
    assert not (draws == other).any()
    for threshold in (0.1, 1.0, 3.0):  # five deviations of a binomial share
        share, wanted = float(np.asarray(draws > threshold).mean()), np.exp(-threshold)
        assert share == pytest.approx(wanted, abs=5 * (wanted * (1 - wanted) / 40_000) ** 0.5)


def test_without_a_generator_draws_differ(library: Library) -> None:
    like = library(torch.zeros(9))
    assert not (exponential(like) == exponential(like)).any()


def test_an_array_leaves_its_library_and_its_gradients(library: Library) -> None:
    found = to_numpy(library(torch.tensor([1.0, 2.0])))
    assert isinstance(found, np.ndarray)
    assert found.tolist() == [1, 2]
    assert to_numpy(torch.tensor([3.0], requires_grad=True) * 2).tolist() == [6]
