"""Scores of answers: exact accuracy, and VQA's soft accuracy where several people answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from question_answering.corpus import Question

_AGREED = 3  # of the people: an answer that as many gave is right
ALL, OTHER = "all", "other"  # the row of all questions, and that of questions without a kind


def accuracy(question: Question, answer: str) -> float:
    """How right an answer is, 0 to 1.

    With one reference it is right or wrong. With several it is VQA's soft accuracy (Antol et al., 2015): each person is
    left out in turn, and min(1, those of the others who gave this answer / 3) is averaged.
    """
    given = question.answers
    if len(given) == 1:
        return float(answer == given[0])
    same = given.count(answer)
    return fmean(min(1.0, (same - (each == answer)) / _AGREED) for each in given)


@dataclass(frozen=True)
class Row:
    """The accuracies of one kind of questions, in percent.

    Attributes:
        questions: how many there are
        model: of the answerer
        blind: of the network that does not see the picture
        frequent: of always giving the most frequent answer to training questions of this kind
        written: of the decoder; None if the model has none
        known: the share of questions of which some answer occurs in training: the best that could be reached
    """

    questions: int
    model: float
    blind: float
    frequent: float
    written: float | None
    known: float


@dataclass(frozen=True)
class Figures:
    """How well questions were answered.

    Attributes:
        kinds: a row for each kind, and one for all
        soft: whether some questions have several answers, so that accuracies are VQA's
    """

    kinds: Mapping[str, Row]
    soft: bool

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"kinds": {kind: asdict(row) for kind, row in self.kinds.items()}, "soft": self.soft}

    def __str__(self) -> str:
        width = max(len("kind"), *map(len, self.kinds))
        written = any(row.written is not None for row in self.kinds.values())
        head = f"{'kind':{width}}  questions  accuracy   blind  most frequent" + ("  written" if written else "")
        lines = [head + "  answer known"]
        for kind, row in self.kinds.items():
            cells = f"{row.questions:9,}  {row.model:8.2f}  {row.blind:6.2f}  {row.frequent:13.2f}"
            cells += f"  {row.written:7.2f}" if row.written is not None else ""
            lines.append(f"{kind:{width}}  {cells}  {row.known:12.2f}")
        if self.soft:
            lines.append("accuracies are VQA's soft ones, of several answers to a question")
        return "\n".join(lines)


def score(
    questions: Sequence[Question],
    found: Mapping[str, Sequence[str]],
    frequent: Mapping[str, str],
    answers: Sequence[str],
) -> Figures:
    """Score answers.

    Args:
        questions: with their references
        found: an answer to each question, under "model", "blind" and, where a decoder wrote, "written"
        frequent: the most frequent training answer of each kind; that of all under ""
        answers: all that the model knows
    """
    guesses = [frequent.get(each.kind, frequent[""]) for each in questions]
    columns = {
        name: [100 * accuracy(each, answer) for each, answer in zip(questions, given)]
        for name, given in {**found, "frequent": guesses}.items()
    }
    known = set(answers)
    columns["known"] = [
        100 * max(accuracy(each, answer) if answer in known else 0.0 for answer in each.answers) for each in questions
    ]
    of_kinds: dict[str, list[int]] = {}
    for number, each in enumerate(questions):
        of_kinds.setdefault(each.kind or OTHER, []).append(number)
    chosen = {kind: of_kinds[kind] for kind in sorted(of_kinds)} if len(of_kinds) > 1 else {}
    chosen[ALL] = list(range(len(questions)))
    rows = {kind: _row(columns, numbers) for kind, numbers in chosen.items()}
    return Figures(rows, any(len(each.answers) > 1 for each in questions))


def _row(columns: Mapping[str, Sequence[float]], numbers: Sequence[int]) -> Row:
    """The means of some questions."""
    means = {name: fmean(values[number] for number in numbers) for name, values in columns.items()}
    return Row(len(numbers), **{"written": None, **means})
