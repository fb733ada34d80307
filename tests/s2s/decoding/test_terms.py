"""s2s.decoding.terms and banks: what is found holds its terms as whole words, and is the best that does."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from search_fixtures import (
    BANNED,
    END,
    START,
    Library,
    TableNetwork,
    blind_step,
    initial_state,
    limits_for,
    log_probability,
    random_tables,
    table_step,
)

from s2s.arrays import Array, namespace
from s2s.decoding.banks import BankSelector, beam_options, generate_with_terms
from s2s.decoding.beam import beam
from s2s.decoding.constraints import WriteOnce, constrain
from s2s.decoding.loops import LoopGuard, WordTable
from s2s.decoding.search import BeamOptions, Hypothesis, SamplingOptions
from s2s.decoding.terms import WEIGHT, Term, WordEdges, WriteTerms
from s2s.text.subwords import train_subwords
from s2s.text.vocabulary import CharacterVocabulary, WordVocabulary

VOCABULARY = 8  # PAD, UNK, START, END, and words or parts of words from 4 to 7
NONE = np.zeros(VOCABULARY, dtype=np.bool_)
WHOLE = WordEdges(~NONE, NONE, NONE)
# 7 is the second part of a word; what it may continue is 4, 5, 6 and itself.
PARTS = WordEdges(np.arange(VOCABULARY) != 7, np.arange(VOCABULARY) > END, NONE)
TERMS = [[Term((4,))], [Term((5, 6))], [Term((4, 4), times=2)], [Term((6,)), Term((5,))], [Term((4,), (6, 5))]]


def search(
    tables: Array,
    terms: Sequence[Sequence[Term]],
    width: int,
    edges: WordEdges = WHOLE,
    limit: int = 12,
    step: Callable = blind_step,
    **options: Any,
) -> list[list[Hypothesis]]:
    array = namespace(tables).asarray
    constraint = WriteTerms.of(terms, edges, 24, array, end=END)
    step, state = constrain(step, initial_state(tables), constraint)
    limits, where = limits_for(tables, limit), {"start": START, "end": END, "banned": BANNED}
    return beam(step, state, limits, options=BeamOptions(width, **options), selector=BankSelector, **where)


def count(tokens: Sequence[int], form: Sequence[int]) -> int:
    starts, found, place = range(len(tokens) - len(form) + 1), 0, 0
    while place in starts:
        same = list(tokens[place : place + len(form)]) == list(form)
        found, place = found + same, place + (len(form) if same else 1)
    return found


def holds(tokens: Sequence[int], term: Term) -> bool:
    first = term.first_form and list(tokens[: len(term.first_form)]) == list(term.first_form)
    return count(tokens, term.form) + bool(first) >= term.times


@pytest.mark.parametrize("width", [3, 5])
def test_what_is_found_holds_all_terms(library: Library, width: int) -> None:
    for seed in range(4):
        tables = library(random_tables(len(TERMS), VOCABULARY, seed, end=2.0))
        for terms, found in zip(TERMS, search(tables, TERMS, width, limit=30, n_best=width)):
            assert found[0].finished
            for hypothesis in (each for each in found if each.finished):
                assert all(holds(hypothesis.tokens, term) for term in terms)


@pytest.mark.parametrize("terms", TERMS)
def test_a_wide_beam_finds_the_best_that_holds_the_terms(library: Library, terms: list[Term]) -> None:
    tables = random_tables(1, 6 + 1, seed=5)
    edges = WordEdges(WHOLE.starts[:7], WHOLE.joins[:7], NONE[:7])
    every = [tokens for length in range(5) for tokens in product((1, 4, 5, 6), repeat=length)]
    scores = {
        tokens: log_probability(tables[0], [*tokens, END]) / (len(tokens) + 1)
        for tokens in every
        if all(holds(tokens, term) for term in terms)
    }
    ((found, *_),) = search(library(tables), [terms], 700, edges, limit=5)
    best = max(scores, key=scores.__getitem__)
    assert tuple(found.tokens) == best
    assert found.score == pytest.approx(scores[best], abs=1e-4)


def test_without_terms_the_search_is_the_ordinary_one(library: Library) -> None:
    tables = library(random_tables(3, VOCABULARY, seed=1))
    where: Any = {"start": START, "end": END, "banned": BANNED}
    for width in (2, 5):
        found = search(tables, [[], [], []], width, n_best=width)
        options = BeamOptions(width, n_best=width)
        assert found == beam(blind_step, initial_state(tables), limits_for(tables, 12), options=options, **where)


def test_the_sentences_of_a_batch_do_not_meet(library: Library) -> None:
    tables = library(random_tables(len(TERMS), VOCABULARY, seed=2))
    together = search(tables, TERMS, 4)
    for i, terms in enumerate(TERMS):
        (alone,) = search(tables[i : i + 1], [terms], 4)
        assert [each.tokens for each in alone] == [each.tokens for each in together[i]]


def test_a_term_is_written_as_a_whole_word(library: Library) -> None:
    """7 after 4 makes another word, which may be a term itself."""
    for seed in range(6):
        tables = library(random_tables(2, VOCABULARY, seed, end=2.0))
        short, both = search(tables, [[Term((4,))], [Term((4,)), Term((4, 7))]], 5, PARTS, limit=30)
        for found, terms in ((short[0].tokens, [[4]]), (both[0].tokens, [[4], [4, 7]])):
            words = list[list[int]]()
            for token in found:
                if token == 7 and words:
                    words[-1].append(token)
                else:
                    words.append([token])
            assert all(term in words for term in terms)


def test_no_stop_comes_before_a_term(library: Library) -> None:
    edges = WordEdges(WHOLE.starts, WHOLE.joins, np.arange(VOCABULARY) == 7)
    for seed in range(4):
        tables = library(random_tables(1, VOCABULARY, seed, end=2.0))
        (found,) = search(tables, [[Term((4,)), Term((5, 5))]], 5, edges, limit=30)
        before = found[0].tokens[: found[0].tokens.index(7)] if 7 in found[0].tokens else found[0].tokens
        assert holds(before, Term((4,)))
        assert holds(before, Term((5, 5)))


def test_a_first_form_stands_at_the_start_alone(library: Library) -> None:
    array = library(torch.zeros(1))
    constraint = WriteTerms.of([[Term((4,), (5, 6))]], WHOLE, 3, namespace(array).asarray, end=END)
    ids = [library(torch.tensor([token])) for token in (START, 5, 6, 7)]
    before = constraint.read(ids[0])
    assert before.next_tokens().tolist() == [[4, 5]]
    begun = before.read(ids[1])
    assert begun.next_tokens().tolist() == [[-1, 6]]
    assert begun.progress.tolist() == [0]  # one token more, as the other form has
    assert begun.read(ids[2]).lacking.tolist() == [[0]]
    later = before.read(ids[3])
    assert later.next_tokens().tolist() == [[4, -1]]
    assert later.read(ids[1]).next_tokens().tolist() == [[4, -1]]


def test_attention_draws_a_term_to_its_place(library: Library) -> None:
    array = namespace(library(torch.zeros(1))).asarray
    terms = [[Term((4, 5), places=frozenset({1}))], [Term((6,))]]
    constraint = WriteTerms.of(terms, PARTS, 3, array, end=END).read(library(torch.tensor([START, START])))
    attention = library(torch.tensor([[0.1, 0.7, 0.2], [0.1, 0.7, 0.2]]))
    scores = torch.as_tensor(constraint.apply(library(torch.zeros(2, VOCABULARY)), attention))
    away, at = WEIGHT * math.log(0.3), WEIGHT * math.log(0.7)
    assert scores[0].tolist() == pytest.approx([away, away, away, -math.inf, at, away, away, 0], abs=1e-5)
    assert scores[1].tolist() == [0, 0, 0, -math.inf, 0, 0, 0, 0]  # a term without a place
    begun = constraint.read(library(torch.tensor([4, 4])))
    assert torch.as_tensor(begun.apply(library(torch.zeros(2, VOCABULARY)), attention))[0].tolist() == [
        0,
        0,
        0,
        -math.inf,
        *[0] * 4,
    ]


def test_rows_are_moved_like_those_of_a_state(library: Library) -> None:
    def ids(*values: int) -> Array:
        return library(torch.tensor(values))

    start = WriteTerms.of([[Term((4, 5))], [Term((6,), times=2)]], WHOLE, 2, namespace(ids(0)).asarray, end=END)
    moved = start.read(ids(START, START)).repeat(2).read(ids(4, 6, 6, 4))
    assert moved.written.tolist() == [[1, 0], [0, 0], [1, 0], [0, 0]]
    assert moved.reorder(ids(1, 0, 2, 2)).written.tolist() == [[0, 0], [1, 0], [1, 0], [1, 0]]
    assert moved.keep(ids(1), 2).progress.tolist() == [-1, -2]


def test_log_probabilities_are_those_of_the_model(library: Library) -> None:
    tables = random_tables(len(TERMS), VOCABULARY, seed=7, end=2.0)
    placed = [[Term(term.form, term.first_form, term.times, frozenset({1})) for term in of] for of in TERMS]
    network, inputs, limits = TableNetwork(library(tables)), np.arange(len(TERMS)), np.full(len(TERMS), 30)
    found = generate_with_terms(network, inputs, limits, BeamOptions(5, n_best=5), placed, WHOLE, 24)
    for table, terms, hypotheses in zip(tables, placed, found):
        held = [all(holds(each.tokens, term) for term in terms) for each in hypotheses]
        assert held == sorted(held, reverse=True)
        assert held[0]
        for each in hypotheses[: sum(held)]:
            path = [*each.tokens, END] if each.finished else each.tokens
            assert each.log_probability == pytest.approx(log_probability(table, path), abs=1e-3)
            assert each.score == pytest.approx(each.log_probability / len(path), abs=1e-4)
            assert each.given.tokens >= sum(len(term.form) for term in terms if not term.first_form)
            assert each.log_probability <= each.given.log_probability < 0


def test_a_loop_is_avoided_unless_a_term_needs_it(library: Library) -> None:
    tables = torch.full((2, VOCABULARY, VOCABULARY, VOCABULARY), -9.0)
    tables[..., 5, 5] = tables[..., START, 5] = -0.1
    tables[..., 4, END] = tables[..., 6, END] = -0.5
    words = WordTable([True] * VOCABULARY)
    guard = LoopGuard(words, [[4, 5], [4, 5]], words)
    network, options = TableNetwork(library(tables)), BeamOptions(5)
    terms = [[Term((4,))], [Term((6, 6, 6))]]
    found = generate_with_terms(network, np.arange(2), np.array([9, 9]), options, terms, WHOLE, 24, guard=guard)
    assert not guard.loops(0, found[0][0].tokens)
    assert [holds(of[0].tokens, term) for of, (term,) in zip(found, terms)] == [True, True]


@pytest.mark.parametrize("most", [1, 2, 3, 5])
def test_a_maximum_length_prevails_over_terms(library: Library, most: int) -> None:
    for seed in range(3):
        tables = random_tables(len(TERMS), VOCABULARY, seed, end=-3)
        network, inputs, limits = TableNetwork(library(tables)), np.arange(len(TERMS)), np.full(len(TERMS), 20)
        options = BeamOptions(5, n_best=5, maximum_length=most)
        once = WriteOnce.of([[7], [], [], [], []], network.array, first=7, count=1, end=END)
        found = generate_with_terms(network, inputs, limits, options, TERMS, WHOLE, 24, constraint=once)
        for table, terms, hypotheses in zip(tables, TERMS, found):
            for each in hypotheses:
                assert each.finished
                assert len(each.tokens) <= most
                if terms is not TERMS[0]:  # whose placeholder has a share of the probability of END
                    path = [*each.tokens, END]
                    assert each.log_probability == pytest.approx(log_probability(table, path), abs=1e-3)
                assert each.log_probability > -100
            if sum(len(term.form) * term.times for term in terms) < most:
                assert all(holds(hypotheses[0].tokens, term) for term in terms)


def test_edges_of_words() -> None:
    vocabulary = WordVocabulary(["a", "b"])
    edges = WordEdges.of(vocabulary)
    assert edges.starts.all()
    assert not edges.joins.any()
    characters = CharacterVocabulary(["a", " ", "."])
    assert WordEdges.of(characters).stops.tolist()[4:] == [False, False, True]
    assert WordEdges.of(characters).joins.tolist() == [False] * 4 + [True, False, False]
    assert WordEdges.of(characters).starts.tolist()[4:] == [False, True, True]
    assert WordEdges.of(characters, spaces=False).starts.all()
    assert not WordEdges.of(characters, spaces=False).joins.any()
    subwords = train_subwords(["a man in a park"] * 3, 20)
    token = subwords.encode("man")[0]
    assert WordEdges.of(subwords).starts[token]


def test_any_search_becomes_a_beam_that_is_wide_enough() -> None:
    assert beam_options(BeamOptions(1)) == BeamOptions(5)
    assert beam_options(BeamOptions(6, n_best=2, groups=3)) == BeamOptions(6, n_best=6)
    drawn = SamplingOptions(draws=3, length_penalty=0.5, maximum_length=9)
    assert beam_options(drawn) == BeamOptions(5, length_penalty=0.5, maximum_length=9, stop_early=True)


def test_attention_reaches_the_constraint(library: Library) -> None:
    """The "attention" of the table is what was read, newest first: 4 stood two steps ago where it has weight."""
    tables = library(random_tables(1, VOCABULARY, seed=3))
    terms = [[Term((6,), places=frozenset({0}))]]
    assert search(tables, terms, 3, step=table_step)[0][0].score != search(tables, terms, 3)[0][0].score
