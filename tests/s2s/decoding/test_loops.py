"""s2s.decoding.loops: sentences that repeat themselves without a reason are found, and the constraint prevents them."""

from __future__ import annotations

import math
import random

import pytest
import torch
from search_fixtures import Library

from s2s.arrays import Array
from s2s.decoding.loops import WORDS, NoLoops, Repetition, WordTable, allowed_by, repetition_of

WORD_IDS = WordTable([True] * 12)


@pytest.mark.parametrize(
    ("sentence", "times", "words"),
    [
        ("a b c d", 1, 0),
        ("a b a c", 1, 1),
        ("r r r r", 4, 2),
        ("a r r b", 2, 1),
        ("i a i a", 2, 2),
        ("i a i a i a", 3, 2),
        ("a b c d x a b c d", 1, 4),
        ("", 1, 0),
    ],
)
def test_repetition_is_measured_in_words(sentence: str, times: int, words: int) -> None:
    ids = [ord(letter) - ord("a") for letter in sentence.split()]
    assert repetition_of(ids, WordTable([True] * 26)) == Repetition(times, words)


def test_pieces_inside_a_word_may_be_doubled_but_not_tripled() -> None:
    table = WordTable([True, False, True])
    assert repetition_of([0, 1, 1], table).times == 1
    assert repetition_of([0, 1, 1, 1], table).times == 2
    assert repetition_of([0, 1, 0, 1], table).times == 2
    assert repetition_of([2, 0, 1, 0, 1], table).times == 2


def test_a_word_that_the_language_doubles_may_be_doubled_but_not_tripled() -> None:
    table = WordTable([True] * 3, frozenset({1}))
    assert repetition_of([0, 1, 1, 2], table).times == 1
    assert repetition_of([0, 1, 1, 1], table).times == 2


def test_a_sign_between_the_same_words_does_not_count() -> None:
    table = WordTable([True] * 6, frozenset({3}), frozenset({5}))
    assert repetition_of([0, 1, 5, 0, 1], table).times == 2
    assert repetition_of([0, 5, 0], table).times == 2
    assert repetition_of([0, 1, 5, 0, 2], table).times == 1
    assert repetition_of([0, 4, 0], table).times == 1
    assert repetition_of([3, 5, 3], table).times == 1


def test_a_word_that_may_stand_only_once_is_repeated_wherever_it_stands_again() -> None:
    table = WordTable([True] * 6, unique=frozenset({3}))
    assert repetition_of([3, 0, 1, 2], table).times == 1
    assert repetition_of([3, 0, 1, 3, 2, 3], table).times == 2
    assert repetition_of([0, 1, 2, 0], table).times == 1


def test_a_source_that_repeats_itself_allows_its_translation_to_do_so() -> None:
    assert allowed_by([0, 1, 2], WORD_IDS) == Repetition(1, WORDS)
    assert allowed_by([0, 0, 0, 1], WORD_IDS).times == 3
    assert allowed_by([0, 1, 2, 5, 0, 1, 2], WORD_IDS).words > 3


def scores_after(library: Library, sequence: list[int], allowed: Repetition, table: WordTable) -> list[float]:
    """What the constraint makes of scores that are all 0."""
    constraint = NoLoops.of([allowed], table, lambda values: library(torch.as_tensor(values)))
    for token in sequence:
        constraint = constraint.read(library(torch.tensor([token])))
    return constraint.apply(library(torch.zeros(1, len(table.starts))))[0].tolist()


@pytest.mark.parametrize("allowed", [Repetition(), Repetition(2, 5), Repetition(3, 12)])
def test_the_constraint_bans_the_tokens_that_would_exceed_what_is_allowed(
    library: Library, allowed: Repetition
) -> None:
    """Compare with `repetition_of` on random sentences of three words of two tokens each, a comma, a unique word."""
    starts, unique = [True, False, True, False, True, False, True, True], frozenset({7})
    table = WordTable(starts, frozenset({2}), frozenset({6}), unique)
    draw = random.Random(1)
    for _ in range(300):
        sentence = [draw.randrange(8) for _ in range(draw.randrange(1, 14))]
        while repetition_of(sentence, table).exceeds(allowed):
            sentence.pop()
        scores = scores_after(library, sentence, allowed, table)
        for token in range(8):
            if repetition_of([*sentence, token], table).times > allowed.times:
                assert scores[token] == -math.inf, (sentence, token)
            elif scores[token] == -math.inf:  # it would begin a word after an n-gram of the greatest length
                assert repetition_of([*sentence, token], table).words >= min(allowed.words, len(sentence)), sentence


def test_an_n_gram_that_is_too_long_is_not_repeated(library: Library) -> None:
    scores = scores_after(library, [0, 1, 2, 3, 9, 0, 1, 2], Repetition(), WORD_IDS)
    assert [token for token, score in enumerate(scores) if score == -math.inf] == [2, 3]  # 2 would double the last word


def test_rows_are_moved_like_those_of_a_state(library: Library) -> None:
    def ids(*values: int) -> Array:
        return library(torch.tensor(values))

    constraint = NoLoops.of([Repetition(), Repetition(2)], WORD_IDS, lambda values: library(torch.as_tensor(values)))
    constraint = constraint.repeat(2).read(ids(1, 2, 3, 4)).reorder(ids(1, 0, 2, 2))
    assert constraint.history.tolist() == [[2], [1], [3], [3]]
    kept = constraint.keep(ids(1), 2)
    assert kept.history.tolist() == [[3], [3]]
    assert kept.times.tolist() == [[2], [2]]
