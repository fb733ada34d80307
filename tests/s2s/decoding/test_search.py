"""What all searches share: options, limits, errors, banned tokens, and that other sentences do not change a result."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from search_fixtures import (
    BANNED,
    END,
    PAD,
    START,
    UNK,
    Library,
    all_searches,
    blind_step,
    initial_state,
    limits_for,
    outcomes,
    random_tables,
    run_beam,
    run_greedy,
    sample_words,
    table_step,
)

from s2s.decoding.beam import beam
from s2s.decoding.greedy import greedy
from s2s.decoding.search import remaining_sentences
from s2s.errors import UserError


@given(seed=st.integers(0, 10_000), stop_early=st.booleans())
@settings(max_examples=8, deadline=None)
def test_neither_company_nor_order_changes_a_result(library: Library, seed: int, stop_early: bool) -> None:
    # Some sentences end at once, some hardly ever: they leave the batch at very different steps.
    tables = library(torch.cat([random_tables(2, 7, seed + i, end=end) for i, end in enumerate((8, 4, 2, 0, -3, -8))]))
    draw = np.random.default_rng(seed)
    limits, order = draw.integers(1, 16, 12), draw.permutation(12)
    options = {"width": 3, "n_best": 3, "stop_early": stop_early}
    together, one_each = run_beam(tables, limits, **options), run_greedy(tables, limits)
    shuffled, greedy_shuffled = (
        run_beam(tables[order], limits[order], **options),
        run_greedy(tables[order], limits[order]),
    )
    for place, sentence in enumerate(order.tolist()):
        alone = run_beam(tables[sentence, None], int(limits[sentence]), **options)[0]
        for other in (together[sentence], shuffled[place]):
            assert other == alone
            for mine, lonely in zip(other, alone):
                np.testing.assert_array_equal(mine.attention, lonely.attention, strict=True)
        assert outcomes([one_each[sentence], greedy_shuffled[place]]) == 2 * outcomes(
            run_greedy(tables[sentence, None], int(limits[sentence]))
        )


def test_attention_follows_its_hypothesis(library: Library) -> None:
    tables = library(torch.cat([random_tables(3, 7, seed=8 + i, end=end) for i, end in enumerate((3, 0, -2))]))
    found = all_searches(tables, 12)
    assert any(not h.finished for h in found) and any(h.finished and h.tokens for h in found)  # noqa: PT018
    for hypothesis in found:
        assert isinstance(hypothesis.attention, np.ndarray)
        assert len(hypothesis.attention) == len(hypothesis.tokens) + hypothesis.finished
        history = [START, *hypothesis.tokens]
        for time, row in enumerate(hypothesis.attention.tolist()):
            assert row[: time + 2] == [*history[time::-1], 0]
    assert all(h.attention is None for h in all_searches(tables, 12, blind_step))


@pytest.mark.parametrize("search", [greedy, beam])
def test_done_sentences_leave_the_batch(library: Library, search: Callable) -> None:
    tables = library(torch.cat((random_tables(3, 7, seed=1, end=9), random_tables(3, 7, seed=2, end=-30))))
    state = initial_state(tables)
    search(table_step, state, limits_for(tables, 9), start=START, end=END, banned=BANNED)
    assert 3 in state.kept


@pytest.mark.parametrize("end", [-1e4, -math.inf])
def test_ends_without_end(library: Library, end: float) -> None:
    tables = random_tables(3, 6, seed=4)
    tables[..., END] = end
    found = all_searches(library(tables), 6)
    assert {(len(h.tokens), h.finished) for h in found if h.log_probability > -5_000} == {(6, False)}
    assert len(found) == 3 * (4 + 1 + 1)


def test_minimum_length_holds_back_end_and_nothing_else(library: Library) -> None:
    tables = library(random_tables(4, 7, seed=6, end=7))
    assert [h.tokens for h in run_greedy(tables, 9)] == [[]] * 4  # this model prefers the empty output
    assert [len(h.tokens) for h in run_greedy(tables, 9, minimum_length=3)] == [3] * 4
    found = run_beam(tables, 9, width=4, n_best=4, minimum_length=3)
    assert {len(h.tokens) for hypotheses in found for h in hypotheses} <= set(range(3, 10))
    assert [len(hypotheses[0].tokens) for hypotheses in found] == [3] * 4


def test_banned_tokens_are_never_written_and_unknown_ones_may_be(library: Library) -> None:
    tables = random_tables(4, 6, seed=7)
    tables[..., [PAD, START]] = -0.01
    written = {token for h in all_searches(library(tables), 6) for token in h.tokens}
    assert written == {UNK, 4, 5}


@pytest.mark.parametrize("value", [math.nan, -math.nan, math.inf])
@pytest.mark.parametrize("search", [run_greedy, run_beam])
def test_numbers_that_are_not_finite_are_refused(library: Library, search: Callable, value: float) -> None:
    tables = random_tables(3, 90, seed=9)
    tables[1, START, :, 77] = value
    with pytest.raises(UserError, match="NaN or infinite"):
        search(library(tables), 5)


@pytest.mark.parametrize("search", [run_greedy, run_beam])
def test_a_sentence_without_any_token_left_is_named(library: Library, search: Callable) -> None:
    tables = random_tables(3, 6, seed=10)
    tables[1] = -math.inf
    with pytest.raises(RuntimeError, match="sentence 1 "):
        search(library(tables), 5, banned=())


def test_no_sentences_give_no_results(library: Library) -> None:
    tables = library(random_tables(1, 6, seed=0)[:0])
    assert run_beam(tables, 5) == []
    assert run_greedy(tables, 5) == []


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"width": 0}, "the beam's width is 0"),
        ({"width": 2, "n_best": 3}, "n_best is 3: choose 1 to 2"),
        ({"n_best": 0}, "n_best is 0"),
        ({"length_penalty": -0.5}, "length_penalty is -0.5"),
        ({"length_penalty": math.nan}, "length_penalty is nan"),
        ({"length_penalty": 10.5}, "length_penalty is 10.5: choose 0 to 10"),
        ({"minimum_length": -1}, "minimum_length is -1"),
    ],
)
def test_impossible_options_are_the_users_mistake(wrong: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        run_beam(random_tables(2, 6, seed=0), 5, **wrong)


def test_impossible_limits_and_tokens_are_told(library: Library) -> None:
    tables = library(random_tables(2, 6, seed=0))
    for limit in (0, [3, 0]):
        with pytest.raises(UserError, match="maximum length is below 1"):
            run_greedy(tables, limit)
    with pytest.raises(UserError, match="temperature"):
        sample_words(tables, temperature=0.0)
    with pytest.raises(UserError, match="draws is 0"):
        sample_words(tables, draws=0)


def test_done_sentences_leave_as_a_quarter_of_the_batch_or_at_once(library: Library) -> None:
    sound = library(torch.tensor(-9.0))
    none, one = library(torch.zeros(5, dtype=torch.bool)), library(torch.arange(5) == 1)
    assert remaining_sentences(none, sound) is None
    assert remaining_sentences(none, sound, at_once=True) is None
    assert remaining_sentences(one, sound) is None
    for done, at_once, expected in ((one, True, [0, 2, 3, 4]), (one[:4], False, [0, 2, 3]), (~none, False, [])):
        remaining = remaining_sentences(done, sound, at_once=at_once)
        assert remaining is not None
        assert remaining.tolist() == expected


@pytest.mark.parametrize("checksum", [math.nan, math.inf])
def test_a_checksum_that_is_not_finite_is_the_models_fault(library: Library, checksum: float) -> None:
    none = library(torch.zeros(2, dtype=torch.bool))
    with pytest.raises(UserError, match="NaN or infinite, so its weights are damaged"):
        remaining_sentences(none, library(torch.tensor(checksum)))
    assert remaining_sentences(none, library(torch.tensor(-math.inf))) is None
