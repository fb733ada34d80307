"""Content words and nouns without a tagger, and how much a set of captions varies."""

from __future__ import annotations

import pytest

from captioning.metrics.content import content_words, known_content_words
from captioning.metrics.variety import variety
from s2s.errors import UserError

ENGLISH, GERMAN = known_content_words("en"), known_content_words("de-AT")


@pytest.mark.parametrize(
    ("word", "content", "noun"),
    [
        ("dog", True, True),
        ("building", True, True),
        ("running", True, False),
        ("red", True, False),
        ("two", True, False),
        ("the", False, False),
        ("'s", False, False),
        ("10", False, False),
        (2, False, False),
    ],
)
def test_words_are_told_apart(word: str | int, content: bool, noun: bool) -> None:
    assert ENGLISH.includes(word) == content
    assert ENGLISH.noun_like(word) == noun


def test_a_noun_is_agreed_on_by_three() -> None:
    references = ["a dog runs", "a dog and a dog", "the dog is running", "running is a man", "running"]
    assert ENGLISH.agreed_nouns(map(str.split, references)) == {"dog"}
    assert (
        ENGLISH.agreed_nouns([reference.split() for reference in references[1:]]) == set()
    )  # one of them says it twice


@pytest.mark.parametrize(
    ("caption", "words", "phrases"),
    [
        ("a man in a hat", 0, 0),
        ("a man and a man", 1, 1),
        ("a brown dog and a black dog", 1, 0),
        ("in a field in a car", 0, 0),
        ("red red red", 2, 1),
    ],
)
def test_what_is_repeated_has_a_content_word(caption: str, words: int, phrases: int) -> None:
    assert ENGLISH.repeated_ngrams(caption.split(), 1) == words
    assert ENGLISH.repeated_ngrams(caption.split(), 2) == phrases


def test_the_variety_of_captions() -> None:
    captions = ["a dog and a dog", "a cat", "a cat"]
    references = [["a dog"] * 3, ["a cat", "a cat", "the cats"], ["the cat"] * 4]
    found = variety(
        [caption.split() for caption in captions], [[text.split() for text in of] for of in references], "en"
    )
    assert (found.words, found.distinct, found.repeated_phrases, found.repeated_words) == (4, 2, 1, 1)
    assert found.length == 3
    assert found.agreed_nouns == pytest.approx(200 / 3)
    assert "4 different words, 2 distinct captions, 3.0 words per caption" in str(found)


def test_german_has_content_words_of_its_own() -> None:
    caption = ["ein", "mann", "mit", "einem", "hut", "und", "ein", "mann", "mit", "einem", "stock"]
    assert list(filter(GERMAN.includes, caption)) == ["mann", "hut", "mann", "stock"]
    assert GERMAN.repeated_ngrams(caption, 1) == 1
    found = variety([caption], [[caption] * 4], "de")
    assert (found.repeated_words, found.agreed_nouns) == (1, None)
    assert "a content word: 1" in str(found)
    assert "noun" not in str(found)


def test_what_is_not_known_of_a_language_is_left_out_or_refused() -> None:
    assert content_words("fi") is None
    found = variety([["mies", "ja", "mies"]], [[["mies"]]], "fi")
    assert (found.words, found.repeated_words, found.repeated_phrases, found.agreed_nouns) == (2, None, None, None)
    assert str(found) == "2 different words, 1 distinct captions, 3.0 words per caption"
    with pytest.raises(UserError, match="known for en, de, not for fi: set the rewards content_recall"):
        known_content_words("fi")
