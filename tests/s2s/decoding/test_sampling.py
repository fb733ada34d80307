"""Sampling: the distribution of the samples, their scores and their order, and the numbers that they are drawn with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
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
    initial_state,
    limits_for,
    log_probability,
    outcomes,
    random_tables,
    run_greedy,
    sample_words,
    table_step,
)

from s2s.arrays import Array, namespace
from s2s.decoding import sampling
from s2s.decoding.generation import generate
from s2s.decoding.loops import LoopGuard, WordTable
from s2s.decoding.sampling import random_numbers, sample
from s2s.decoding.search import SamplingOptions
from s2s.errors import UserError


def test_sampling_refuses_nan(library: Library) -> None:
    with pytest.raises(UserError, match="NaN or infinite"):
        sample_words(library(torch.full((2, 6, 6, 6), math.nan)), 5)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_samples_follow_the_distribution(library: Library, temperature: float) -> None:
    draws = 4_000
    table = random_tables(1, 6, seed=12, sharpness=0.7)
    wanted = (table[0, PAD, START] / temperature).index_fill(0, torch.tensor(BANNED), -math.inf).softmax(0)
    found = sample_words(library(table.expand(draws, -1, -1, -1)), temperature=temperature)
    counts = torch.tensor([h.tokens[0] if h.tokens else END for h in found]).bincount(minlength=6)
    deviations = (wanted * (1 - wanted) / draws).sqrt()  # of a binomial share
    assert (counts / draws - wanted).abs().le(5 * deviations).all()


def test_samples_are_scored_by_the_model_and_repeat_with_the_generator(library: Library) -> None:
    tables = random_tables(20, 6, seed=13)
    found = sample_words(library(tables), limit=7, temperature=2.0)
    assert outcomes(found) == outcomes(sample_words(library(tables), limit=7, temperature=2.0))
    assert outcomes(found) != outcomes(sample_words(library(tables), limit=7, seed=1, temperature=2.0))
    for table, hypothesis in zip(tables, found):
        path = hypothesis.tokens + [END] * hypothesis.finished
        assert hypothesis.log_probability == pytest.approx(log_probability(table, path), abs=1e-4)
        assert hypothesis.score == pytest.approx(hypothesis.log_probability / len(path))


def test_samples_of_a_sentence_lie_side_by_side_and_follow_its_distribution(library: Library) -> None:
    """Self-critical training draws several captions of one encoded picture, each as if it were alone."""
    draws, tables = 2_000, random_tables(3, 6, seed=12, sharpness=0.7)
    found = sample_words(library(tables), draws=draws)
    assert len(found) == 3 * draws
    for i, table in enumerate(tables):
        wanted = table[PAD, START].index_fill(0, torch.tensor(BANNED), -math.inf).softmax(0)
        own = found[i * draws : (i + 1) * draws]
        counts = torch.tensor([h.tokens[0] if h.tokens else END for h in own]).bincount(minlength=6)
        assert (counts / draws - wanted).abs().le(5 * (wanted * (1 - wanted) / draws).sqrt()).all()


@pytest.mark.parametrize("end", [-1.0, 1.5])
def test_each_sample_has_its_own_score_end_and_attention(library: Library, end: float) -> None:
    """The sentences leave the batch at different steps, by END or at different maximum lengths."""
    tables, limits = random_tables(12, 9, seed=14, end=end), torch.arange(12) % 5 + 4
    found = sample_words(library(tables), limits, draws=3)
    assert any(found[i].tokens != found[i + 1].tokens for i in range(0, 36, 3))
    for i, hypothesis in enumerate(found):
        path = hypothesis.tokens + [END] * hypothesis.finished
        assert hypothesis.finished == (len(hypothesis.tokens) < limits[i // 3])
        assert hypothesis.log_probability == pytest.approx(log_probability(tables[i // 3], path), abs=1e-4)
        assert hypothesis.attention is not None
        for time, row in enumerate(hypothesis.attention.tolist()):
            assert row[: time + 1] == [START, *path[:time]][::-1]


def test_without_a_generator_the_global_one_is_drawn_from() -> None:
    tables = random_tables(20, 6, seed=13)
    runs = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        runs.append(outcomes(sample_words(tables, limit=7, draws=2, generator=None)))
    assert runs[0] == runs[1] != runs[2]


def test_one_sample_without_any_token_left_fails_its_sentence(library: Library) -> None:
    """If it were left out, the samples after it would move to its place."""
    tables = random_tables(2, 6, seed=0)
    tables[1, START, 4] = -math.inf  # nothing may follow 4
    with pytest.raises(RuntimeError, match="sentence 1 of the batch"):
        sample_words(library(tables), limit=5, draws=64)


def test_each_sample_starts_from_the_state_of_its_sentence(library: Library) -> None:
    tables = library(random_tables(1, 6, seed=17, sharpness=30).expand(3, -1, -1, -1))
    state = replace(initial_state(tables), previous=library(torch.tensor([PAD, 4, 5])))
    found = sample(
        table_step, state, limits_for(tables, 1), start=START, end=END, options=SamplingOptions(2), banned=BANNED
    )
    for place, hypothesis in enumerate(found):
        table = tables[0, state.previous[place // 2], START]
        step = hypothesis.tokens[0] if hypothesis.tokens else END
        assert hypothesis.log_probability == pytest.approx(float(table[step]))


def test_a_draw_of_exactly_zero_chooses_no_banned_token(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its logarithm is infinite; an exponential draw is exactly zero once in a great many."""
    monkeypatch.setattr(sampling, "exponential", lambda like, _: namespace(like).zeros_like(like))
    tables = random_tables(4, 6, seed=18)
    tables[..., PAD] = 5.0
    for hypothesis in sample_words(library(tables), limit=5):
        assert not {PAD, START} & set(hypothesis.tokens)


def allowed_by(table: torch.Tensor, temperature: float, top_k: int | None, top_p: float) -> torch.Tensor:
    """The distribution that the documentation describes, for one row of log-probabilities, one token at a time."""
    tempered = {i: math.exp(float(value) / temperature) for i, value in enumerate(table) if i not in BANNED}
    ranked = sorted(tempered, key=lambda i: (-tempered[i], i))[:top_k]
    total, kept, mass = sum(tempered[i] for i in ranked), list[int](), 0.0
    for i in ranked:
        if mass < top_p * total:
            kept.append(i)
            mass += tempered[i]
    wanted = torch.zeros(len(table))
    for i in kept:
        wanted[i] = tempered[i] / mass
    return wanted


@pytest.mark.oldest
@pytest.mark.parametrize("seeded", [False, True])
@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p"),
    [
        (1.0, None, 1.0),
        (0.7, 3, 1.0),
        (1.0, None, 0.6),
        (1.5, 5, 0.8),
        (1.0, 1, 1.0),
        (1.0, None, 1e-9),
        (2.0, 99, 1.0),
    ],
)
def test_the_draws_follow_the_exact_table(
    library: Library, temperature: float, top_k: int | None, top_p: float, seeded: bool
) -> None:
    draws, table = 4_000, random_tables(1, 9, seed=12, sharpness=0.9)
    wanted = allowed_by(table[0, PAD, START], temperature, top_k, top_p)
    numbers = library(torch.as_tensor(random_numbers(3, [(0,)], draws, 1))) if seeded else None
    options = {"draws": draws, "temperature": temperature, "top_k": top_k, "top_p": top_p}
    found = sample_words(library(table), numbers=numbers, **options)
    counts = torch.tensor([h.tokens[0] if h.tokens else END for h in found]).bincount(minlength=9)
    assert (counts[wanted == 0] == 0).all()
    assert (counts / draws - wanted).abs().le(5 * (wanted * (1 - wanted) / draws).sqrt()).all()


@given(seed=st.integers(0, 10_000), vocabulary=st.sampled_from([70, 700]), top_p=st.sampled_from([0.3, 0.9, 0.999]))
@settings(max_examples=15)
def test_a_nucleus_is_found_however_many_tokens_it_has(
    library: Library, seed: int, vocabulary: int, top_p: float
) -> None:
    """Few tokens are looked at first. The numbers are near the ends, so that the last token of a nucleus is drawn."""
    sharpness = 0.1 if seed % 2 else 3.0
    table = torch.randn(2, 1, 1, vocabulary, generator=torch.Generator().manual_seed(seed)) * sharpness
    table = table.log_softmax(-1).expand(-1, 4, 4, -1)
    numbers = library(torch.tensor([0.0, 1 - 1e-12], dtype=torch.float64).reshape(1, 2, 1).tile(2, 1, 1))
    found = sample_words(library(table), numbers=numbers, draws=2, top_p=top_p)
    for row, (first, last) in zip(table[:, PAD, START], zip(found[::2], found[1::2])):
        wanted = allowed_by(row, 1.0, None, top_p)
        assert (first.tokens[0] if first.tokens else END) == int(wanted.argmax())
        kept = wanted.nonzero().flatten().tolist()
        assert (last.tokens[0] if last.tokens else END) == min(kept, key=lambda i: (float(row[i]), -i))


@given(seed=st.integers(0, 10_000), minimum=st.integers(0, 3), end=st.floats(-2, 4))
@settings(max_examples=20)
def test_with_one_token_that_remains_sampling_is_greedy(library: Library, seed: int, minimum: int, end: float) -> None:
    tables, limits = library(random_tables(6, 70, seed, end=end)), [9, 1, 2, 9, 5, 9]
    wanted = run_greedy(tables, limits, minimum_length=minimum)
    numbers = library(torch.as_tensor(random_numbers(seed, [(i,) for i in range(6)], 1, 9)))
    check_same(sample_words(tables, limits, top_k=1, minimum_length=minimum, numbers=numbers), wanted)
    check_same(sample_words(tables, limits, top_p=1e-9, minimum_length=minimum, numbers=numbers), wanted)


def search(tables: Array, places: Sequence[int], options: SamplingOptions, reports: bool = False) -> list:
    """Sample for the sentences with these numbers."""
    network = TableNetwork(tables, reports)
    limits = np.array([5 + place % 4 for place in places])
    return generate(network, np.array(places), limits, options, banned=BANNED, places=[(0, each) for each in places])


@pytest.mark.parametrize("how", [{}, {"top_k": 3}, {"top_p": 0.8}, {"temperature": 1.7, "top_k": 4, "top_p": 0.9}])
def test_the_same_seed_gives_the_same_whatever_the_batch(how: dict[str, Any]) -> None:
    """In both libraries, where steps report the likeliest tokens alone, and among others or alone."""
    tables, places = random_tables(9, 70, seed=21, end=2), [4, 0, 8, 2, 7]
    options = SamplingOptions(3, 3, seed=5, **how)
    whole = search(LIBRARIES["torch"](tables), range(9), options)
    for library in LIBRARIES.values():
        for reports in (False, True):
            among = search(library(tables), places, options, reports)
            for place, hypotheses in zip(places, among):
                check_same(hypotheses, whole[place])
                check_same(search(library(tables), [place], options, reports)[0], whole[place])
    assert outcomes(whole[0]) != outcomes(search(tables, [0], replace(options, seed=6))[0])
    first = [search(tables, [place], replace(options, draws=1, n_best=1))[0][0] for place in range(9)]
    drawn = [[outcomes([each]) for each in hypotheses] for hypotheses in whole]
    assert all(outcomes([one]) in several for one, several in zip(first, drawn))  # more draws leave the first as it was


def test_the_best_draws_come_first(library: Library) -> None:
    tables = library(random_tables(4, 9, seed=22, end=1))
    every = search(tables, range(4), SamplingOptions(8, 8))
    for hypotheses in every:
        assert [(h.finished, h.score) for h in hypotheses] == sorted(
            ((h.finished, h.score) for h in hypotheses), reverse=True
        )
    best = search(tables, range(4), SamplingOptions(8, 2))
    assert [outcomes(of) for of in best] == [outcomes(of[:2]) for of in every]


def test_numbers_of_a_draw_depend_on_its_place_alone() -> None:
    numbers = random_numbers(7, [(3, 0), (0, 3), (0, 0)], 2, 5)
    assert len({*numbers.flatten().tolist()}) == 30
    assert (numbers >= 0).all()
    assert (numbers < 1).all()
    np.testing.assert_array_equal(random_numbers(7, [(0, 3)], 1, 9)[0, 0, :5], numbers[1, 0])
    assert (random_numbers(8, [(3, 0)], 2, 5) != numbers[0]).all()


def test_a_sentence_that_loops_is_drawn_again_and_no_other(library: Library) -> None:
    tables = random_tables(4, 9, seed=3, end=-4)
    tables[0, ..., 4, 4] = tables[0, ..., START, 4] = 5.0  # nothing is likelier than to repeat 4
    words, network = WordTable([True] * 9), TableNetwork(library(tables))
    guard, limits = LoopGuard(words, [[]] * 4, words), np.full(4, 9)
    free, guarded = (
        generate(network, np.arange(4), limits, SamplingOptions(2, 2), guard=each) for each in (None, guard)
    )
    assert guard.loops(0, free[0][0].tokens)
    assert not any(guard.loops(i, of[0].tokens) for i, of in enumerate(guarded))
    assert all(guarded[i][0] == free[i][0] for i in range(1, 4) if not guard.loops(i, free[i][0].tokens))
