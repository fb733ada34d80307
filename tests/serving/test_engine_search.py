"""The page searches as Python does, on tables of numbers: beam, greedy, constraints, and the guard against loops."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import pytest
import torch
from engine_fixtures import ask, bundled, needs_node
from search_fixtures import BANNED, END, START, initial_state, random_tables, run_beam, run_greedy, table_step
from torch import Tensor

from s2s.decoding.beam import beam
from s2s.decoding.constraints import WriteOnce, constrain
from s2s.decoding.loops import LoopGuard, NoLoops, WordTable, allowed_by, repetition_of, word_table
from s2s.decoding.search import BeamOptions, Hypothesis
from translation.batching import length_batches

pytestmark = needs_node
OPTIONS = {"width": 5, "nBest": 1, "lengthPenalty": 1.0, "minimumLength": 0, "stopEarly": False}
NAMES = {
    "n_best": "nBest",
    "length_penalty": "lengthPenalty",
    "minimum_length": "minimumLength",
    "stop_early": "stopEarly",
}
_NAMED = {"-inf": "-Infinity", "inf": "Infinity", "nan": "NaN"}  # as `Number` of JavaScript reads them
IDS = {"start": START, "end": END, "banned": BANNED}
WORDS = WordTable([True, True, True, True, True, True, False, True], frozenset([7]), frozenset([5]), frozenset([4]))


def question(tables: Tensor, limits: list[int], constraints: dict[str, Any] | None = None, **options: Any) -> tuple:
    """A question for tests/serving/engine.mjs; JSON has only finite numbers."""
    numbers = [
        [[[x if math.isfinite(x) else _NAMED[str(x)] for x in r] for r in m] for m in t] for t in tables.tolist()
    ]
    given = {**OPTIONS, **IDS, **{NAMES.get(name, name): value for name, value in options.items()}}
    return "found", numbers, limits, given, constraints or {}


def as_json(found: list[list[Hypothesis]]) -> list[list[dict[str, Any]]]:
    return [
        [
            {
                "tokens": each.tokens,
                "score": pytest.approx(each.score, rel=1e-6),
                "logProbability": pytest.approx(each.log_probability, rel=1e-6),
                "attention": each.attention.tolist() if each.attention is not None else None,
                "finished": each.finished,
            }
            for each in of
        ]
        for of in found
    ]


CASES: list[dict[str, Any]] = [
    {"width": 2, "n_best": 2},
    {"width": 5, "n_best": 5},
    {"width": 5, "n_best": 5, "stop_early": True},
    {"width": 3, "n_best": 3, "length_penalty": 0.0},
    {"width": 3, "n_best": 3, "length_penalty": 0.6, "stop_early": True},
    {"width": 4, "n_best": 2, "minimum_length": 3},
    {"width": 30, "n_best": 30},
]


@pytest.mark.parametrize("options", CASES)
def test_a_beam_finds_the_same_hypotheses(options: dict[str, Any]) -> None:
    asks, expected = [], []
    for seed in range(12):
        tables = random_tables(7, 8, seed, end=seed % 3)
        limits = [9, 1, 4, 12, 2, 9, 7]
        asks.append(question(tables, limits, **options))
        expected.append(as_json(run_beam(tables, torch.tensor(limits), **options)))
    assert ask(*asks) == expected


def test_equal_continuations_are_ranked_alike() -> None:
    tables = torch.full((2, 8, 8, 8), 1 / 8).log()
    tables[1, :, :, 4:] = torch.tensor([0.25, 0.25, 0.0, 0.25]).log()
    options: dict[str, Any] = {"width": 4, "n_best": 4}
    assert ask(question(tables, [5, 6], **options)) == [as_json(run_beam(tables, torch.tensor([5, 6]), **options))]


def test_greedy_search_finds_the_same_hypotheses() -> None:
    asks, expected = [], []
    for seed in range(12):
        tables = random_tables(7, 8, seed, end=seed % 3)
        options: dict[str, Any] = {"length_penalty": seed / 8, "minimum_length": seed % 4}
        limits = [9, 1, 4, 12, 2, 9, 7]
        asks.append(question(tables, limits, width=1, **options))
        expected.append(as_json([[each] for each in run_greedy(tables, torch.tensor(limits), **options)]))
    assert ask(*asks) == expected


def test_the_worked_example_of_the_beam() -> None:
    the, dogs, bark = 4, 5, 6
    table = torch.full((1, 7, 7, 7), -math.inf)
    for before, row in {START: (-0.7, -0.8, -3.6, -3.6), the: (-1.5, -1.3, -1.4, -1.5)}.items():
        table[:, :, before, [the, dogs, bark, END]] = torch.tensor(row)
    table[:, :, dogs, [the, dogs, bark, END]] = torch.tensor((-3.9, -3.8, -0.9, -0.6))
    table[:, :, bark, [the, dogs, bark, END]] = torch.tensor((-3.4, -3.5, -3.6, -0.1))
    wide, narrow = question(table, [4], width=2, nBest=2), question(table, [4], width=1)
    [[best, second]], [[greedy]] = ask(wide, narrow)
    assert (best["tokens"], round(best["score"], 4)) == ([dogs, bark], -0.6)
    assert (second["tokens"], round(second["score"], 4)) == ([dogs], -0.7)
    assert (greedy["tokens"], round(greedy["score"], 4)) == ([the, dogs], -0.8667)


@pytest.mark.parametrize("damage", [math.nan, math.inf])
def test_damaged_probabilities_are_refused(damage: float) -> None:
    tables = random_tables(1, 6, 0)
    tables[:, :, :, 4] = damage
    with pytest.raises(AssertionError, match="weights are damaged"):
        ask(question(tables, [4]))


@pytest.mark.parametrize("kinds", ["once", "loops", "once loops"])
def test_constraints_allow_the_same(kinds: str) -> None:
    asks, expected = [], []
    for seed in range(8):
        draw, tables = Random(seed), random_tables(5, 10, seed, sharpness=3.0, end=-1.0)
        limits = [12, 5, 9, 12, 3]
        needed = [draw.sample([8, 9], draw.randint(0, 2)) for _ in limits]
        sources = [draw.choices(range(4, 7), k=draw.randint(1, 6)) for _ in limits]
        table = WordTable([*WORDS.starts, True, True], WORDS.doubled, WORDS.signs, WORDS.unique)
        step, state, constraints = table_step, initial_state(tables), {}
        if "loops" in kinds:
            allowed = [allowed_by(source, table) for source in sources]
            step, state = constrain(step, state, NoLoops.of(allowed, table, torch.from_numpy))
            constraints["loops"] = {**as_flags(table), "sources": sources}
        if "once" in kinds:
            once = WriteOnce.of(needed, torch.from_numpy, first=8, count=2, end=END)
            step, state = constrain(step, state, once)
            constraints["once"] = {"needed": needed, "first": 8, "last": 10}
        options = BeamOptions(width=4, n_best=4)
        found = beam(step, state, torch.tensor(limits), start=START, end=END, banned=BANNED, options=options)
        expected.append(as_json(found))
        asks.append(question(tables, limits, constraints, width=4, nBest=4))
    assert ask(*asks) == expected


def as_flags(table: WordTable) -> dict[str, list[bool]]:
    """A table as JavaScript has it."""
    ids = range(len(table.starts))
    marks = {"doubled": table.doubled, "signs": table.signs, "unique": table.unique}
    return {"starts": list(table.starts), **{name: [i in marked for i in ids] for name, marked in marks.items()}}


def test_sentences_repeat_themselves_as_much() -> None:
    draw, asks, expected = Random(3), [], []
    guard = LoopGuard(WORDS, [], WORDS)
    for _ in range(600):
        tokens = draw.choices(range(4, 8), k=draw.randint(0, 14))
        source = draw.choices(range(4, 8), k=draw.randint(0, 5))
        asks += [("repetition", tokens, as_flags(WORDS)), ("allowed", source, as_flags(WORDS))]
        asks += [("loops", tokens, source, as_flags(WORDS))]
        found, allowed = repetition_of(tokens, WORDS), allowed_by(source, WORDS)
        expected += [vars(found), vars(allowed), LoopGuard(WORDS, [source], WORDS).loops(0, tokens)]
    assert guard.words is WORDS
    assert ask(*asks) == expected


def test_the_same_is_known_of_words() -> None:
    assets, data = bundled()
    asked = ask(("wordTable", "source"), ("wordTable", "target"), data=data)
    tables = [word_table(assets.source, "en"), word_table(assets.target, "de")]
    assert asked == [
        {name: [*map(int, flags)] if name != "starts" else flags for name, flags in as_flags(t).items()} for t in tables
    ]


def test_batches_hold_the_same_sentences() -> None:
    lengths = [Random(1).randint(1, 90) for _ in range(300)]
    size = len(bundled()[0].target)
    asked = ask(("batches", lengths, 5, 2000), ("batches", lengths, 1, 400), data=bundled()[1])
    for batches, width, tokens in zip(asked, (5, 1), (2000, 400)):
        expected = length_batches(lengths, tokens=tokens // width, sentences=max(1, (1 << 22) // (width * size)))
        assert batches[::-1] == expected
