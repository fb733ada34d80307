"""The best continuations, against a stable sort of all of them."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from s2s.decoding.top_k import ContinuationSelector, top_k


def sort_all(log_probabilities: Tensor, alive: Tensor, excluded: set[int], count: int) -> tuple[Tensor, Tensor]:
    """Totals and continuations (n, count), by a stable sort, in which equals stay in the order of slot and token."""
    banned = log_probabilities.index_fill(1, torch.tensor(sorted(excluded), dtype=torch.int64), -math.inf)
    totals = (banned.view(*alive.shape, -1) + alive.unsqueeze(2)).flatten(1)
    ranked, order = totals.sort(dim=1, descending=True, stable=True)
    return ranked[:, :count], order[:, :count]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_the_best_are_found_exactly_and_equals_in_order(data: st.DataObject) -> None:
    """Vocabularies below, at and above whole blocks; log-probabilities with many equals among them."""
    vocabulary = data.draw(st.sampled_from([5, 63, 64, 65, 128, 200]))
    n, width = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 4))
    excluded = data.draw(st.sets(st.integers(0, vocabulary - 1), max_size=3))
    count = data.draw(st.integers(1, 2 * width))
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 2**16)))
    levels = data.draw(st.sampled_from([2, 50]))
    log_probabilities = -torch.randint(levels, (n * width, vocabulary), generator=generator).float()
    if data.draw(st.booleans()):
        log_probabilities[:, sorted(excluded)] = 1.0  # the maxima of their blocks
    alive = -torch.randint(3, (n, width), generator=generator).float()
    totals, continuations, checksum = ContinuationSelector(excluded)(log_probabilities, alive, count)
    expected, order = sort_all(log_probabilities, alive, excluded, count)
    possible = expected > -math.inf
    assert torch.equal(totals, expected)
    assert torch.equal(continuations[possible], order[possible])
    assert checksum < math.inf


def test_one_selector_serves_a_first_step_and_those_after_it() -> None:
    """The first step has one slot for each sentence, the others several; the number of sentences changes."""
    torch.manual_seed(1)
    selector = ContinuationSelector({0, 70})
    for n, width in ((4, 1), (4, 3), (2, 3), (1, 1)):
        log_probabilities, alive = torch.randn(n * width, 100), torch.randn(n, width)
        totals, continuations, _ = selector(log_probabilities, alive, 4)
        expected, order = sort_all(log_probabilities, alive, {0, 70}, 4)
        assert torch.equal(totals, expected)
        assert torch.equal(continuations, order)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_the_checksum_shows_log_probabilities_that_are_not_finite(value: float) -> None:
    log_probabilities = torch.randn(2, 100)
    log_probabilities[1, 77] = value
    assert not ContinuationSelector(set())(log_probabilities, torch.zeros(2, 1), 2)[2] < math.inf


def test_equal_values_keep_their_order_and_negative_ones_rank_right() -> None:
    values = torch.tensor([[-1.0, 2.0, -math.inf, 2.0, 0.5, -3.0]])
    order = torch.tensor([5, 4, 3, 2, 1, 0])
    assert top_k(values, order, 10).tolist() == [[3, 1, 4, 0, 5, 2]]
