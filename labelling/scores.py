"""Scores of labels: confusions, accuracy, F1."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class LabelScore:
    """How well one label was found.

    Attributes:
        label: which
        precision: the share of its predictions that are right; 0 without any
        recall: the share of its occurrences that are found; 0 without any
        f1: their harmonic mean
        count: its occurrences
    """

    label: str
    precision: float
    recall: float
    f1: float
    count: int


def label_scores(truth: Sequence[Hashable], found: Sequence[Hashable]) -> list[LabelScore]:
    """The scores of each label that occurs on either side, sorted by label."""
    right = Counter(one for one, other in zip(truth, found) if one == other)
    occurs, predicted = Counter(truth), Counter(found)
    scores = []
    for label in sorted(occurs | predicted, key=str):
        precision, recall = (right[label] / total[label] if total[label] else 0.0 for total in (predicted, occurs))
        f1 = 2 * right[label] / (predicted[label] + occurs[label])
        scores.append(LabelScore(str(label), precision, recall, f1, occurs[label]))
    return scores


def macro_f1(truth: Sequence[Hashable], found: Sequence[Hashable]) -> float:
    """The mean F1 of all labels that occur on either side, each with the same weight; 0 to 1."""
    scores = label_scores(truth, found)
    return sum(score.f1 for score in scores) / len(scores)


def accuracy(truth: Sequence[Hashable], found: Sequence[Hashable]) -> float:
    """The share of labels that are right, 0 to 1."""
    return sum(one == other for one, other in zip(truth, found)) / len(truth)


def confusion_matrix(truth: Sequence[str], found: Sequence[str], labels: Sequence[str]) -> list[list[int]]:
    """How often each label (row) was taken for each label (column)."""
    pairs = Counter(zip(truth, found))
    return [[pairs[row, column] for column in labels] for row in labels]
