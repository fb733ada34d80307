"""Beam search: the example that its documentation draws, brute force, and a beam of one hypothesis at a time."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from itertools import product
from typing import Any

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
    TableState,
    initial_state,
    limits_for,
    log_probability,
    outcomes,
    random_tables,
    run_beam,
    table_step,
)
from torch import Tensor

from s2s.arrays import Array
from s2s.decoding import beam as module
from s2s.decoding.beam import beam
from s2s.decoding.greedy import greedy
from s2s.decoding.search import BeamOptions
from s2s.models.contracts import DecoderStep

WORDS = ["the", "dogs", "bark", "END"]
EXAMPLE = {  # log P(word | word before it)
    "the": [-1.5, -1.3, -1.4, -1.5],
    "dogs": [-3.9, -3.8, -0.9, -0.6],
    "bark": [-3.4, -3.5, -3.6, -0.1],
    "END": [0.0, 0.0, 0.0, 0.0],  # nothing follows END
    "START": [-0.7, -0.8, -3.6, -3.6],
}


def run_example(
    library: Library, search: Callable, maximum_length: int = 4, **options: Any
) -> tuple[list[list[str]], Any]:
    """What each step read, as the texts of the alive hypotheses by slot, and what the search found."""
    alive = list[list[str]]()

    def step(tokens: Array, state: TableState) -> DecoderStep:
        result = table_step(tokens, state)
        assert result.attention is not None
        rows = result.attention[:, : len(alive) + 1].tolist()  # a wrong parent would show in these
        alive.append([" ".join(list(EXAMPLE)[int(token)] for token in reversed(row)) for row in rows])
        return result

    tables = library(torch.tensor(list(EXAMPLE.values())).expand(1, 5, 5, 4))
    limits = limits_for(tables, maximum_length)
    (found,) = search(step, initial_state(tables), limits, start=4, end=3, **options)
    return alive, found


def test_the_worked_example_is_true(library: Library) -> None:
    """The docstring of `s2s.decoding.beam` draws it, with the numbers that are asserted here."""
    alive, found = run_example(library, beam, options=BeamOptions(width=2, n_best=2))
    assert alive == [["START"], ["START the", "START dogs"], ["START dogs bark", "START the dogs"]]
    assert [" ".join(WORDS[token] for token in h.tokens) for h in found] == ["dogs bark", "dogs"]
    assert all(h.finished for h in found)
    assert [h.log_probability for h in found] == pytest.approx([-1.8, -1.4])
    assert [h.score for h in found] == pytest.approx([-0.6, -0.7])

    # With maximum length 5 the best alive hypothesis could still reach -2.9 / 5, so the search goes on from step 3.
    alive, _ = run_example(library, beam, maximum_length=5, options=BeamOptions(width=2))
    assert alive[3] == ["START the dogs bark", "START dogs bark the"]

    _, likeliest = run_example(library, greedy)
    assert [WORDS[token] for token in likeliest.tokens] == ["the", "dogs"]
    assert likeliest.score == pytest.approx(-2.6 / 3)


def test_the_documentation_shows_the_table_of_the_worked_example() -> None:
    shown = (module.__doc__ or "").splitlines()
    for word in ("START", "the", "dogs", "bark"):
        assert f"{word:<8}" + "".join(f"{value:8}" for value in EXAMPLE[word]) in map(str.strip, shown)
        assert sum(map(math.exp, EXAMPLE[word])) == pytest.approx(1, abs=0.05)


def continuations(hypotheses: dict[str, float]) -> list[tuple[str, float]]:
    """The four best continuations of hypotheses with these log-probabilities, best first, and the first of equals."""
    extended = [
        (f"{text} {word}".strip(), total + value)
        for text, total in hypotheses.items()
        for word, value in zip(WORDS, EXAMPLE[text.split()[-1] if text else "START"])
    ]
    return sorted(extended, key=lambda entry: -entry[1])[:4]


def test_the_documentation_ranks_the_continuations_of_the_worked_example() -> None:
    steps = [{"": 0.0}, {"the": -0.7, "dogs": -0.8}, {"dogs bark": -1.7, "the dogs": -2.0}]
    ranked = [[f"{text} {total:.1f}" for text, total in continuations(alive)] for alive in steps]
    shown = [" ".join(line.split()) for line in (module.__doc__ or "").splitlines()]
    for rank, row in enumerate(zip(*ranked), 1):
        (line,) = [line for line in shown if line.startswith(f"{rank} ")]
        assert re.sub(r" (end|slot \d)", "", line) == f"{rank} {' '.join(row)}"


def all_outputs(table: Tensor, limit: int, alpha: float, minimum: int = 0) -> list[tuple[bool, float, list[int]]]:
    """(finished, score, tokens) of every possible output: finished ones first, and each kind by score, best first."""
    words = [token for token in range(len(table)) if token not in (*BANNED, END)]
    found = []
    for length in range(limit + 1):
        finished = length < limit
        if finished and length < minimum:
            continue
        for tokens in map(list, product(words, repeat=length)):
            steps = [*tokens, END] if finished else tokens
            found.append((finished, log_probability(table, steps) / len(steps) ** alpha, tokens))
    return sorted(found, key=lambda entry: (entry[0], entry[1]), reverse=True)


@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.0, 2.0])
@pytest.mark.parametrize(("minimum", "limit"), [(0, 4), (2, 4), (0, 1), (1, 2)])
def test_a_wide_beam_equals_brute_force(library: Library, alpha: float, minimum: int, limit: int) -> None:
    tables = random_tables(3, 8, seed=1, sharpness=2)[:, :7, :7, :7].log_softmax(-1)  # four words
    found = run_beam(library(tables), limit, width=500, n_best=500, length_penalty=alpha, minimum_length=minimum)
    for table, hypotheses in zip(tables, found):
        wanted = all_outputs(table, limit, alpha, minimum)
        assert outcomes(hypotheses) == [(tokens, finished) for finished, _, tokens in wanted]
        assert [h.score for h in hypotheses] == pytest.approx([score for _, score, _ in wanted], abs=1e-5)


@given(seed=st.integers(0, 10_000), alpha=st.sampled_from([0.0, 0.5, 1.0, 1.5]), end=st.floats(-3, 3))
@settings(max_examples=30, deadline=None)
def test_a_sentence_stops_only_when_nothing_alive_can_win(
    library: Library, seed: int, alpha: float, end: float
) -> None:
    # One word and END: a beam of 2 never prunes, so that only stopping too soon could lose a hypothesis.
    tables = random_tables(5, 5, seed, end=end)
    found = run_beam(library(tables), 10, banned=(*BANNED, UNK), width=2, n_best=2, length_penalty=alpha)
    for table, hypotheses in zip(tables, found):
        scores = [log_probability(table, [4] * n + [END]) / (n + 1) ** alpha for n in range(10)]
        assert [h.score for h in hypotheses] == pytest.approx(sorted(scores, reverse=True)[:2], abs=1e-5)


def count_steps(tables: Array, limit: int, **options: Any) -> int:
    calls = []

    def step(tokens: Array, state: TableState) -> DecoderStep:
        calls.append(len(tokens))
        return table_step(tokens, state)

    run_beam(tables, limit, step=step, **options)
    return len(calls)


def test_search_ends_as_soon_as_it_may(library: Library) -> None:
    tables = library(random_tables(4, 6, seed=3, end=6))  # END is nearly sure at every step
    assert count_steps(tables, 20, width=2, length_penalty=0) < 8
    assert count_steps(tables, 20, width=2, length_penalty=1, stop_early=True) < 8
    assert count_steps(tables, 20, width=1, length_penalty=1, stop_early=True) == 1


def test_search_ends_when_the_best_alive_hypothesis_can_only_equal_the_worst_finished_one(library: Library) -> None:
    tables = torch.full((1, 5, 5, 5), -2.0)
    tables[..., END] = tables[..., 4] = -1.0
    assert count_steps(library(tables), 20, width=1, length_penalty=0) == 1


def test_the_default_options_are_those_of_search_options() -> None:
    tables = random_tables(4, 9, seed=16)
    found = beam(table_step, initial_state(tables), limits_for(tables, 9), start=START, end=END, banned=BANNED)
    assert found == run_beam(tables, 9)
    assert found != run_beam(tables, 9, width=2)


def reference_beam(table: Tensor, limit: int, options: BeamOptions) -> list[tuple[list[int], bool, float]]:
    """Beam search for one sentence as it is defined, one hypothesis at a time."""
    width, alpha = options.width, options.length_penalty
    alive: list[tuple[float, list[int]]] = [(0.0, [])]
    finished: list[tuple[float, list[int]]] = []
    for length in range(1, limit + 1):
        excluded = {*BANNED, END} if length <= options.minimum_length else set(BANNED)
        grown = [
            (total + float(table[([PAD, START, *tokens])[-2], ([START, *tokens])[-1], token]), [*tokens, token])
            for total, tokens in alive
            for token in range(len(table))
            if token not in excluded
        ]
        grown.sort(key=lambda entry: -entry[0])  # stable: equals stay in the order of hypothesis and token
        ended = [entry for entry in grown[:width] if entry[1][-1] == END]
        finished += [(total / length**alpha, tokens[:-1]) for total, tokens in ended]
        finished = sorted(finished, key=lambda entry: -entry[0])[:width]
        alive = [entry for entry in grown if entry[1][-1] != END][:width]
        enough = len(finished) == width
        if not alive or (enough and (options.stop_early or alive[0][0] / limit**alpha <= finished[-1][0])):
            alive = []
            break
    cut_off = [(tokens, False, total / limit**alpha) for total, tokens in alive]
    return ([(tokens, True, score) for score, tokens in finished] + cut_off)[: options.n_best]


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_the_array_program_is_the_plain_beam(library: Library, data: st.DataObject) -> None:
    vocabulary, sentences = data.draw(st.sampled_from([5, 6, 64, 65, 150])), data.draw(st.integers(1, 5))
    width = data.draw(st.integers(1, 6))
    options = BeamOptions(
        width,
        n_best=data.draw(st.integers(1, width)),
        length_penalty=data.draw(st.sampled_from([0.0, 1.0])),
        minimum_length=data.draw(st.integers(0, 3)),
        stop_early=data.draw(st.booleans()),
    )
    limits = data.draw(st.lists(st.integers(1, 7), min_size=sentences, max_size=sentences))
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 10_000)))
    # Few different values make many equals; as multiples of 1/4 their sums are exact.
    pairs = torch.randint(-9, 0, (sentences, 1, vocabulary, vocabulary), generator=generator) / 4
    pairs[..., END] = torch.randint(-9, 0, pairs.shape[:-1], generator=generator) / 8
    tables = pairs.expand(-1, vocabulary, -1, -1)
    found = run_beam(library(tables), limits, **vars(options))
    for table, limit, hypotheses in zip(tables, limits, found):
        wanted = reference_beam(table, limit, options)
        assert outcomes(hypotheses) == [(tokens, finished) for tokens, finished, _ in wanted]
        assert [h.score for h in hypotheses] == pytest.approx([score for _, _, score in wanted], rel=1e-6)


@pytest.mark.parametrize("stop_early", [False, True])
def test_the_head_of_the_n_best_is_the_1_best(library: Library, stop_early: bool) -> None:
    tables = library(random_tables(10, 9, seed=5, end=1))
    every = run_beam(tables, 8, width=6, n_best=6, stop_early=stop_early)
    assert all(len(hypotheses) == 6 for hypotheses in every)
    for n_best in (1, 2, 5):
        fewer = run_beam(tables, 8, width=6, n_best=n_best, stop_early=stop_early)
        assert [outcomes(hypotheses) for hypotheses in fewer] == [outcomes(hypotheses)[:n_best] for hypotheses in every]
    for hypotheses in every:
        assert len({tuple(hypothesis.tokens) for hypothesis in hypotheses}) == 6
        assert [h.score for h in hypotheses] == sorted((h.score for h in hypotheses), reverse=True)


def test_a_finished_hypothesis_comes_before_those_cut_off(library: Library) -> None:
    table = torch.full((1, 5, 5, 5), -0.01)  # not normalised: the loop 4 4 4 ... would have the better mean
    table[..., UNK], table[..., END] = -9.0, -3.0
    limits = [2, 9, 9, 9, 9]  # the first sentence is done, and stays in the batch for some steps
    found = run_beam(library(table.expand(5, -1, -1, -1)), limits, width=3, n_best=3, stop_early=True)[0]
    assert outcomes(found) == [([4], True), ([], True), ([4, 4], False)]
    assert found[2].score > found[0].score
