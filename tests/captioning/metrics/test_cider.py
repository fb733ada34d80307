"""CIDEr-D is pycocoevalcap's, whatever words are made of."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captioning.metrics.cider import CiderD
from s2s.errors import UserError

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parents[2] / "data" / "caption_golden.json").read_text("utf-8"))
REFERENCES = [[caption.split() for caption in captions] for captions in GOLDEN["tokenised"].values()]
CAPTIONS = [caption.split() for caption in GOLDEN["captions"].values()]
caption_of_few_words = st.lists(st.integers(0, 4), max_size=8)
pictures = st.lists(st.lists(caption_of_few_words, min_size=1, max_size=3), min_size=2, max_size=4)


def test_each_caption_has_the_score_that_pycocoevalcap_gives_it() -> None:
    cider = CiderD(REFERENCES)
    scores = [cider.score(picture, caption) for picture, caption in enumerate(CAPTIONS)]
    assert scores == pytest.approx(GOLDEN["scores"]["cider_d_each"], abs=1e-12)
    assert cider.corpus(CAPTIONS) == pytest.approx(GOLDEN["scores"]["cider_d"], abs=1e-12)


def test_pictures_may_have_different_counts_of_references() -> None:
    cider = CiderD([references[: 1 + number % 5] for number, references in enumerate(REFERENCES)])
    scores = [cider.score(picture, caption) for picture, caption in enumerate(CAPTIONS)]
    assert scores == pytest.approx(GOLDEN["uneven_scores"]["cider_d_each"], abs=1e-12)


@given(pictures, st.data())
def test_ids_of_tokens_score_as_their_words_do(references: list[list[list[int]]], data: st.DataObject) -> None:
    caption = data.draw(caption_of_few_words)
    picture = data.draw(st.integers(0, len(references) - 1))
    words = [[[f"word {number}" for number in caption] for caption in captions] for captions in references]
    by_ids = CiderD(references).score(picture, tuple(caption))
    assert by_ids == CiderD(words).score(picture, [f"word {number}" for number in caption])
    assert -1e-12 <= by_ids <= 10 + 1e-9


def test_the_only_reference_itself_scores_ten() -> None:
    cider = CiderD([[["a", "dog", "runs", "fast"]], [["two", "cats", "sleep"]]])
    assert cider.score(0, ["a", "dog", "runs", "fast"]) == pytest.approx(10)
    assert cider.score(1, ["two", "cats", "sleep"]) == pytest.approx(7.5)  # it has no 4-gram


def test_a_word_said_of_every_picture_is_worth_nothing() -> None:
    assert CiderD([[["a", "dog"]], [["a", "cat"]]]).score(0, ["a"]) == 0


def test_repeating_a_right_word_is_clipped_and_too_long() -> None:
    cider = CiderD([[["dog"]], [["cat"]]])
    # a cosine of 1, clipped to one of two dogs, one bigram too long, one order of four
    assert cider.score(0, ["dog", "dog"]) == pytest.approx(10 / 4 / 2 * math.exp(-1 / 72))


def test_an_end_that_counts_as_a_word_rewards_captions_that_end() -> None:
    cider = CiderD([[["a", "dog", "</s>"]], [["a", "cat", "</s>"]]])
    assert cider.score(0, ["a", "dog", "</s>"]) > cider.score(0, ["a", "dog"])


def test_a_single_picture_makes_every_score_zero() -> None:
    assert CiderD([[["a", "dog"]]]).corpus([["a", "dog"]]) == 0


def test_no_words_score_nothing() -> None:
    assert CiderD([[["dog"]], [[]]]).corpus([[], ["cat"]]) == 0


def test_mistakes_are_told() -> None:
    with pytest.raises(UserError, match="no pictures"):
        CiderD([])
    with pytest.raises(UserError, match="picture 1 has no reference"):
        CiderD([[["dog"]], []])
    with pytest.raises(UserError, match="1 caption of 2 pictures"):
        CiderD([[["dog"]], [["cat"]]]).corpus([["dog"]])
