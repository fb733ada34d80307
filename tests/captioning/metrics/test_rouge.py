"""ROUGE-L is pycocoevalcap's, and its longest common subsequence is that of the textbook."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captioning.metrics.rouge import rouge_l
from s2s.errors import UserError

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parents[2] / "data" / "caption_golden.json").read_text("utf-8"))
few_words = st.lists(st.sampled_from("abcd"), max_size=12)


def test_each_caption_has_the_score_that_pycocoevalcap_gives_it() -> None:
    scores = [
        rouge_l(GOLDEN["captions"][picture].split(), [reference.split() for reference in references])
        for picture, references in GOLDEN["tokenised"].items()
    ]
    assert scores == pytest.approx(GOLDEN["scores"]["rouge_l_each"], abs=1e-12)


def test_the_best_precision_and_the_best_recall_may_be_of_two_references() -> None:
    # precision 2/2 by the first, recall 1/1 by the second
    assert rouge_l(["a", "dog"], [["a", "dog", "runs", "fast"], ["dog"]]) == pytest.approx(1.0)


def test_recall_weighs_more_than_precision() -> None:
    precise, complete = rouge_l(["a"], [["a", "b"]]), rouge_l(["a", "b"], [["a"]])
    assert precise == pytest.approx((1 + 1.44) * 0.5 / (0.5 + 1.44))
    assert complete == pytest.approx((1 + 1.44) * 0.5 / (1 + 1.44 * 0.5))


def test_captions_without_words() -> None:
    assert rouge_l([], [["dog"]]) == 0
    assert rouge_l(["dog"], [[]]) == 0
    assert rouge_l([], [[]]) == 1  # one empty word each, as in pycocoevalcap
    with pytest.raises(UserError, match="no reference"):
        rouge_l(["dog"], [])


@given(few_words.filter(bool), few_words.filter(bool))
def test_common_words_are_counted_as_by_the_textbook(words: list[str], reference: list[str]) -> None:
    table = [[0] * (len(reference) + 1) for _ in range(len(words) + 1)]
    for i, word in enumerate(words, start=1):
        for j, other in enumerate(reference, start=1):
            table[i][j] = table[i - 1][j - 1] + 1 if word == other else max(table[i - 1][j], table[i][j - 1])
    precision, recall = table[-1][-1] / len(words), table[-1][-1] / len(reference)
    expected = (1 + 1.44) * precision * recall / (recall + 1.44 * precision) if precision else 0
    assert rouge_l(words, [reference]) == pytest.approx(expected)
