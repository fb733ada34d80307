"""Sampling: the distribution of the samples, their scores and their order."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from search_fixtures import (
    BANNED,
    END,
    PAD,
    START,
    Library,
    initial_state,
    limits_for,
    log_probability,
    outcomes,
    random_tables,
    sample_words,
    table_step,
)

from s2s.arrays import namespace
from s2s.decoding import sampling
from s2s.decoding.sampling import sample
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
    found = sample_words(library(tables), samples=draws)
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
    found = sample_words(library(tables), limits, samples=3)
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
        runs.append(outcomes(sample_words(tables, limit=7, samples=2, generator=None)))
    assert runs[0] == runs[1] != runs[2]


def test_one_sample_without_any_token_left_fails_its_sentence(library: Library) -> None:
    """If it were left out, the samples after it would move to its place."""
    tables = random_tables(2, 6, seed=0)
    tables[1, START, 4] = -math.inf  # nothing may follow 4
    with pytest.raises(RuntimeError, match="sentence 1 of the batch"):
        sample_words(library(tables), limit=5, samples=64)


def test_each_sample_starts_from_the_state_of_its_sentence(library: Library) -> None:
    tables = library(random_tables(1, 6, seed=17, sharpness=30).expand(3, -1, -1, -1))
    state = replace(initial_state(tables), previous=library(torch.tensor([PAD, 4, 5])))
    found = sample(table_step, state, limits_for(tables, 1), start=START, end=END, samples=2, banned=BANNED)
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
