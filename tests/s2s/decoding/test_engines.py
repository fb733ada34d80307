"""One search for both engines: PyTorch's arrays and NumPy's, all log-probabilities and only the likeliest tokens."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from search_fixtures import BANNED, END, LIBRARIES, START, Library, TableNetwork, check_same, random_tables
from torch import Tensor

from s2s.decoding.constraints import Constraint, WriteOnce
from s2s.decoding.generation import generate
from s2s.decoding.loops import LoopGuard, WordTable
from s2s.decoding.search import BeamOptions, Hypothesis


def search(
    network: TableNetwork,
    limits: Sequence[int],
    options: BeamOptions,
    banned: Sequence[int] = BANNED,
    constraint: Constraint | None = None,
    guard: LoopGuard | None = None,
) -> list[Hypothesis]:
    """All hypotheses of all sentences."""
    inputs, longest = np.arange(len(limits)), np.array(limits)
    found = generate(network, inputs, longest, options, banned=banned, constraint=constraint, guard=guard)
    return [*chain.from_iterable(found)]


@given(seed=st.integers(0, 10_000), width=st.sampled_from([1, 2, 5]), stop_early=st.booleans(), end=st.floats(-3, 4))
@settings(max_examples=20)
def test_both_libraries_find_the_same(seed: int, width: int, stop_early: bool, end: float) -> None:
    tables, limits = random_tables(9, 70, seed, end=end), [9, 1, 3, 12, 12, 5, 12, 9, 2]
    options = BeamOptions(width, width, minimum_length=seed % 3, stop_early=stop_early)
    by_torch, by_numpy = (search(TableNetwork(library(tables)), limits, options) for library in LIBRARIES.values())
    check_same(by_numpy, by_torch)


def tables_with_equals(sentences: int, vocabulary: int, seed: int) -> Tensor:
    """Few different values; as multiples of 1/4 their sums are exact. Not normalised, which search does not mind."""
    shape = (sentences, 1, vocabulary, vocabulary)
    levels = torch.randint(-9, 0, shape, generator=torch.Generator().manual_seed(seed))
    return (levels / 4).expand(-1, vocabulary, -1, -1)


@given(data=st.data())
@settings(max_examples=60)
def test_the_likeliest_tokens_are_enough(library: Library, data: st.DataObject) -> None:
    """Equals are ranked alike, though banned tokens and an END that comes too soon may be the likeliest of all."""
    vocabulary, sentences = data.draw(st.sampled_from([5, 6, 30, 70])), data.draw(st.integers(1, 5))
    width, seed = data.draw(st.integers(1, 5)), data.draw(st.integers(0, 10_000))
    options = BeamOptions(
        width,
        data.draw(st.integers(1, width)),
        length_penalty=data.draw(st.sampled_from([0.0, 1.0])),
        minimum_length=data.draw(st.integers(0, 3)),
        stop_early=data.draw(st.booleans()),
    )
    tables = tables_with_equals(sentences, vocabulary, seed)
    if data.draw(st.booleans()):
        tables = (random_tables(sentences, vocabulary, seed) * 1024).round() / 1024
    banned = (*BANNED, *data.draw(st.sets(st.integers(4, vocabulary - 1), max_size=min(3, vocabulary - 5))))
    if data.draw(st.booleans()):
        tables = tables.index_fill(3, torch.tensor([*banned, END]), -0.125)
    limits = data.draw(st.lists(st.integers(1, 7), min_size=sentences, max_size=sentences))
    few, whole = (search(TableNetwork(library(tables), each), limits, options, banned) for each in (True, False))
    assert few == whole
    check_same(few, whole)


@pytest.mark.parametrize("width", [1, 3])
def test_a_sentence_that_loops_is_searched_again_with_all_tokens(library: Library, width: int) -> None:
    tables, options = random_tables(4, 9, seed=3, end=-4), BeamOptions(width, n_best=width)
    tables[..., 4, 4] = tables[..., START, 4] = -0.01  # nothing is likelier than to repeat 4
    words = WordTable([True] * 9)
    guard = LoopGuard(words, [[]] * 4, words)
    assert search(TableNetwork(library(tables), True), [9] * 4, options)[0].tokens == [4] * 9
    found = [search(TableNetwork(library(tables), each), [9] * 4, options, guard=guard) for each in (True, False)]
    check_same(*found)
    assert not any(guard.loops(0, hypothesis.tokens) for hypothesis in found[0])


@pytest.mark.parametrize("width", [1, 3])
def test_a_constraint_has_all_tokens(library: Library, width: int) -> None:
    tables, options = random_tables(2, 9, seed=4, end=4), BeamOptions(width)
    network = TableNetwork(library(tables), reports=True)
    once = WriteOnce.of([[8], [6, 7]], network.array, first=6, count=3, end=END)
    for needed, found in zip([{8}, {6, 7}], search(network, [20, 20], options, constraint=once)):
        assert found.finished
        assert {token for token in found.tokens if token > 5} == needed
