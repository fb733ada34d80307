"""Diverse beam search: against a slow search as it is defined, and against the plain beam."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from search_fixtures import (
    BANNED,
    END,
    LIBRARIES,
    PAD,
    START,
    Library,
    TableNetwork,
    check_same,
    log_probability,
    outcomes,
    random_tables,
    run_beam,
)
from torch import Tensor

from s2s.decoding.generation import generate
from s2s.decoding.search import BeamOptions

Group = dict[str, Any]


def extend(table: Tensor, group: Group, length: int, limit: int, options: BeamOptions, taken: list[int]) -> None:
    """One step of one group; `taken` are the tokens that the groups before it went on with, and then its own too."""
    width, alpha = options.width // options.groups, options.length_penalty
    excluded = {*BANNED, END} if length <= options.minimum_length else set(BANNED)
    grown = []
    for total, tokens in group["alive"]:
        path = [PAD, START, *tokens]
        for token in range(len(table)):
            if token not in excluded:
                value = total + float(table[path[-2], path[-1], token])
                grown.append((value - options.diversity_penalty * taken.count(token), value, [*tokens, token]))
    grown = sorted(grown, key=lambda entry: -entry[0])[: 2 * width]  # stable: hypothesis, then token
    ended = [(total / length**alpha, tokens[:-1]) for _, total, tokens in grown[:width] if tokens[-1] == END]
    group["finished"] = sorted([*group["finished"], *ended], key=lambda entry: -entry[0])[:width]
    alive = [(total, tokens) for _, total, tokens in grown if tokens[-1] != END][:width]
    taken += [tokens[-1] for _, tokens in alive]
    group["alive"] = sorted(alive, key=lambda entry: -entry[0])
    enough = len(group["finished"]) == width
    best = group["alive"][0][0] / limit**alpha if alive else 0.0
    if not alive or (enough and (options.stop_early or best <= group["finished"][-1][0])):
        group["alive"] = []


def reference(table: Tensor, limit: int, options: BeamOptions) -> list[tuple[list[int], bool]]:
    """Diverse beam search for one sentence as it is defined, one hypothesis at a time."""
    groups: list[Group] = [{"alive": [(0.0, [])], "finished": []} for _ in range(options.groups)]
    for length in range(1, limit + 1):
        taken: list[int] = []
        for group in groups:
            extend(table, group, length, limit, options, taken)
    width, alpha = options.width // options.groups, options.length_penalty
    entries = []
    for group in groups:
        cut_off = [(False, total / limit**alpha, tokens) for total, tokens in group["alive"]]
        both = [*((True, score, tokens) for score, tokens in group["finished"]), *cut_off][:width]
        entries += [(not finished, rank, -score, tokens) for rank, (finished, score, tokens) in enumerate(both)]
    found: list[tuple[list[int], bool]] = []
    for cut, _, _, tokens in sorted(entries, key=lambda entry: entry[:3]):
        if tokens not in [other for other, _ in found]:
            found.append((tokens, not cut))
    return found[: options.n_best]


@pytest.mark.oldest
@given(data=st.data())
@settings(max_examples=80)
def test_it_is_the_search_that_the_paper_defines(library: Library, data: st.DataObject) -> None:
    vocabulary, sentences = data.draw(st.sampled_from([5, 6, 70])), data.draw(st.integers(1, 5))
    groups, width = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 3))
    options = BeamOptions(
        groups * width,
        groups=groups,
        n_best=data.draw(st.integers(1, groups * width)),
        diversity_penalty=data.draw(st.sampled_from([0.0, 0.5, 1.0, 8.0])),
        length_penalty=data.draw(st.sampled_from([0.0, 1.0])),
        minimum_length=data.draw(st.integers(0, 3)),
        stop_early=data.draw(st.booleans()),
    )
    limits = data.draw(st.lists(st.integers(1, 7), min_size=sentences, max_size=sentences))
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 10_000)))
    # Few different values make many equals; as multiples of 1/4 their sums are exact, also with penalties.
    pairs = torch.randint(-9, 0, (sentences, 1, vocabulary, vocabulary), generator=generator) / 4
    tables = pairs.expand(-1, vocabulary, -1, -1)
    found = run_beam(library(tables), limits, **vars(options))
    for table, limit, hypotheses in zip(tables, limits, found):
        assert outcomes(hypotheses) == reference(table, limit, options)


@given(seed=st.integers(0, 10_000), end=st.floats(-3, 3), stop_early=st.booleans())
@settings(max_examples=20)
def test_scores_are_the_models_own_and_groups_differ(library: Library, seed: int, end: float, stop_early: bool) -> None:
    tables, limits = random_tables(6, 9, seed, end=end), [7, 1, 3, 9, 9, 5]
    options: dict[str, Any] = {"width": 6, "n_best": 6, "groups": 3, "diversity_penalty": 2.0, "stop_early": stop_early}
    found = run_beam(library(tables), limits, **options)
    for table, hypotheses in zip(tables, found):
        assert len({tuple(h.tokens) for h in hypotheses}) == len(hypotheses)
        for h in hypotheses:
            path = [*h.tokens, END] if h.finished else h.tokens
            assert h.log_probability == pytest.approx(log_probability(table, path), abs=1e-4)
            assert h.score == pytest.approx(h.log_probability / len(path), abs=1e-5)


def test_a_penalty_makes_the_n_best_differ_more(library: Library) -> None:
    tables = library(random_tables(20, 30, seed=5))

    def kinds(**options: Any) -> int:
        found = run_beam(tables, 6, width=4, n_best=4, **options)
        return sum(len({token for h in hypotheses for token in h.tokens}) for hypotheses in found)

    assert kinds() < kinds(groups=4, diversity_penalty=0.5) < kinds(groups=4, diversity_penalty=4.0)


@given(seed=st.integers(0, 10_000), penalty=st.sampled_from([0.0, 1.0]))
@settings(max_examples=10)
def test_the_first_group_is_a_plain_beam_and_without_a_penalty_so_are_all(
    library: Library, seed: int, penalty: float
) -> None:
    tables, limits = library(random_tables(5, 9, seed, end=1)), [7, 1, 3, 9, 5]
    plain = run_beam(tables, limits, width=2, n_best=2)
    diverse = run_beam(tables, limits, width=6, n_best=6, groups=3, diversity_penalty=penalty)
    for hypotheses, several in zip(plain, diverse):
        if penalty == 0:
            check_same(several, hypotheses)
        assert set(map(str, outcomes(hypotheses))) <= set(map(str, outcomes(several)))


@given(seed=st.integers(0, 10_000), width=st.sampled_from([3, 6]), penalty=st.sampled_from([0.0, 0.7, 3.0]))
@settings(max_examples=15)
def test_the_likeliest_tokens_are_enough_in_both_libraries(seed: int, width: int, penalty: float) -> None:
    tables = (random_tables(7, 70, seed, end=1) * 1024).round() / 1024
    options = BeamOptions(width, n_best=width, groups=3, diversity_penalty=penalty, minimum_length=seed % 3)
    limits = np.array([9, 1, 3, 7, 7, 5, 2])
    first, *others = (
        generate(TableNetwork(library(tables), reports), np.arange(7), limits, options, banned=BANNED)
        for library in LIBRARIES.values()
        for reports in (False, True)
    )
    for other in others:
        for mine, its in zip(first, other):
            check_same(its, mine)


def test_neither_company_nor_order_changes_a_result(library: Library) -> None:
    tables = library(torch.cat([random_tables(2, 7, 3 + i, end=end) for i, end in enumerate((8, 4, 0, -3))]))
    limits, order = np.array([9, 3, 12, 5, 15, 8, 2, 11]), [3, 7, 0, 5, 1, 2, 6, 4]
    options: dict[str, Any] = {"width": 4, "n_best": 4, "groups": 2}
    together, shuffled = run_beam(tables, limits, **options), run_beam(tables[order], limits[order], **options)
    for place, sentence in enumerate(order):
        alone = run_beam(tables[[sentence]], int(limits[sentence]), **options)[0]
        for other in (together[sentence], shuffled[place]):
            check_same(other, alone)
