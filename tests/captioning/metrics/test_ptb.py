"""The tokeniser gives Stanford's words, on COCO's captions and on made-up ones full of oddities."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captioning.metrics.ptb import tokenise

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parents[2] / "data" / "caption_golden.json").read_text("utf-8"))
COCO = [
    (caption, tokens)
    for picture, captions in GOLDEN["raw"].items()
    for caption, tokens in zip(captions, GOLDEN["tokenised"][picture])
]


@pytest.mark.parametrize(("caption", "tokens"), GOLDEN["odd"].items())
def test_odd_captions_have_the_words_that_stanford_finds(caption: str, tokens: str) -> None:
    assert tokenise(caption) == tokens.split()


@pytest.mark.parametrize(("caption", "tokens"), COCO)
def test_captions_of_coco_have_the_words_that_stanford_finds(caption: str, tokens: str) -> None:
    assert tokenise(caption) == tokens.split()


@pytest.mark.parametrize("caption", ["", " ", "\n", ".", " \" . . , ; : - -- ... ! ? ` ' ", "😀"])
def test_what_has_no_word_has_no_token(caption: str) -> None:
    assert tokenise(caption) == []


def test_a_full_stop_stays_with_an_abbreviation_only() -> None:
    assert tokenise("St. Mary sat. Mon. to Wed. in Mass. and mass.") == (
        ["st.", "mary", "sat", "mon.", "to", "wed.", "in", "mass.", "and", "mass"]
    )


def test_a_letter_before_the_beginning_of_a_sentence_has_ended_one() -> None:
    assert tokenise("He is off the T. A dog stays on the T. with J. Smith") == (
        ["he", "is", "off", "the", "t", "a", "dog", "stays", "on", "the", "t.", "with", "j.", "smith"]
    )


@given(st.text())
def test_any_text_gives_lower_cased_words_without_spaces(text: str) -> None:
    for word in tokenise(text):
        assert word
        assert word == word.lower()
        assert word.split() == [word]


@given(st.lists(st.from_regex(r"[b-z]{2,8}(-[b-z]{3,5})?", fullmatch=True)))
def test_what_is_tokenised_stays_as_it_is(words: list[str]) -> None:
    once = tokenise(" ".join(words))
    assert tokenise(" ".join(once)) == once
