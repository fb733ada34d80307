"""Accuracies by kind, and VQA's soft accuracy."""

from __future__ import annotations

from pathlib import Path

import pytest

from question_answering.corpus import Question
from question_answering.scores import accuracy, score


def question(*answers: str, kind: str = "") -> Question:
    return Question(Path("a.png"), "what?", ("what", "?"), answers, kind, "line 1")


@pytest.mark.parametrize(("given", "expected"), [(0, 0.0), (1, 0.3), (2, 0.6), (3, 0.9), (4, 1.0), (10, 1.0)])
def test_soft_accuracy_is_that_of_vqa(given: int, expected: float) -> None:
    """The mean over ten sets of nine people, as VQA's own evaluation computes it."""
    assert accuracy(question(*["red"] * given, *["blue"] * (10 - given)), "red") == pytest.approx(expected)


def test_one_answer_is_right_or_wrong() -> None:
    assert [accuracy(question("red"), each) for each in ("red", "blue")] == [1, 0]


def test_accuracy_by_kind_beside_what_knows_no_picture() -> None:
    questions = [question("red", kind="colour"), question("blue", kind="colour"), question("two", kind="number")]
    found = {"model": ["red", "red", "two"], "blind": ["blue", "red", "red"]}
    figures = score(questions, found, {"": "red", "colour": "blue"}, ["red", "blue"])
    assert list(figures.kinds) == ["colour", "number", "all"]
    rows = figures.kinds
    assert (rows["colour"].model, rows["colour"].blind, rows["colour"].frequent) == (50, 0, 50)
    assert (rows["number"].model, rows["number"].frequent, rows["number"].known) == (100, 0, 0)
    assert rows["all"].model == pytest.approx(200 / 3)
    assert rows["all"].written is None
    assert not figures.soft
    assert "soft" not in str(figures)


def test_questions_without_kinds_have_one_row() -> None:
    figures = score([question(*["red"] * 10)], {"model": ["red"], "blind": ["red"], "written": ["blue"]}, {"": "a"}, [])
    assert list(figures.kinds) == ["all"]
    assert figures.kinds["all"].written == 0
    assert str(figures).endswith("accuracies are VQA's soft ones, of several answers to a question")
