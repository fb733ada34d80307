"""The best continuations, against a stable sort of all of them."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from search_fixtures import Library, LikeliestStep
from torch import Tensor

from s2s.arrays import Array
from s2s.decoding.top_k import Continuations, ContinuationSelector, top_k
from s2s.models.contracts import DecoderStep, Likeliest, Step


def sort_all(log_probabilities: Tensor, alive: Tensor, excluded: set[int], count: int) -> tuple[Tensor, Tensor]:
    """Totals and continuations (n, count), by a stable sort, in which equals stay in the order of slot and token."""
    banned = log_probabilities.index_fill(1, torch.tensor(sorted(excluded), dtype=torch.int64), -math.inf)
    totals = (banned.view(*alive.shape, -1) + alive.unsqueeze(2)).flatten(1)
    ranked, order = totals.sort(dim=1, descending=True, stable=True)
    return ranked[:, :count], order[:, :count]


def step_of(log_probabilities: Array) -> DecoderStep:
    """A step of which only the log-probabilities are read."""
    return DecoderStep(log_probabilities, state=None)  # type: ignore[arg-type]


def continuations_of(found: Continuations, vocabulary: int) -> Tensor:
    """Slot and token as one number, (n, count)."""
    return torch.as_tensor(found.slots * vocabulary + found.tokens)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_the_best_are_found_exactly_and_equals_in_order(library: Library, data: st.DataObject) -> None:
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
    found = ContinuationSelector(excluded)(step_of(library(log_probabilities)), library(alive), count)
    expected, order = sort_all(log_probabilities, alive, excluded, count)
    possible = expected > -math.inf
    assert torch.equal(torch.as_tensor(found.totals), expected)
    assert torch.equal(continuations_of(found, vocabulary)[possible], order[possible])
    assert found.checksum < math.inf


def test_one_selector_serves_a_first_step_and_those_after_it(library: Library) -> None:
    """The first step has one slot for each sentence, the others several; the number of sentences changes."""
    torch.manual_seed(1)
    selector = ContinuationSelector({0, 70})
    for n, width in ((4, 1), (4, 3), (2, 3), (1, 1)):
        log_probabilities, alive = torch.randn(n * width, 100), torch.randn(n, width)
        found = selector(step_of(library(log_probabilities)), library(alive), 4)
        expected, order = sort_all(log_probabilities, alive, {0, 70}, 4)
        assert torch.equal(torch.as_tensor(found.totals), expected)
        assert torch.equal(continuations_of(found, 100), order)


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("reported", [False, True])
def test_the_checksum_shows_log_probabilities_that_are_not_finite(
    library: Library, reported: bool, value: float
) -> None:
    log_probabilities = torch.randn(2, 100)
    log_probabilities[1, 77] = value
    step: Step = step_of(library(log_probabilities))
    if reported:
        values, tokens = log_probabilities.topk(3)
        step = LikeliestStep(Likeliest(library(values), library(tokens)), step.state, None)
    assert not ContinuationSelector({5})(step, library(torch.zeros(2, 1)), 2).checksum < math.inf


def test_equal_values_keep_their_order_and_negative_ones_rank_right(library: Library) -> None:
    values = library(torch.tensor([[-1.0, 2.0, -math.inf, 2.0, 0.5, -3.0]]))
    order = library(torch.tensor([5, 4, 3, 2, 1, 0]))
    assert top_k(values, order, 10).tolist() == [[3, 1, 4, 0, 5, 2]]
