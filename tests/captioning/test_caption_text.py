"""Captions as the model reads and writes them: tokens, mirrored sides, text as one would write it, vocabularies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captioning.recipe import VocabularyConfig
from captioning.text import detokenise_caption, learn_vocabulary, mirror_caption, normalise_caption, unique_words
from s2s.errors import UserError

CAPTIONS = ["A dog's ball isn't on the left .", "The man can't see them, they're right-handed !", "The dog, the man ."]


@pytest.mark.parametrize("caption", CAPTIONS)
def test_what_is_written_is_learned_of_again(caption: str) -> None:
    learned = normalise_caption(caption)
    assert learned == learned.lower()
    assert "." not in learned
    assert detokenise_caption(learned) != learned or "'" not in learned
    assert normalise_caption(detokenise_caption(learned)) == learned


def test_parts_of_words_stand_where_they_were() -> None:
    assert detokenise_caption("a man 's hat is n't red") == "a man's hat isn't red"


def test_subwords_that_are_spaces_are_not_seen() -> None:
    assert detokenise_caption(" a  dog 's ball ") == "a dog's ball"


def test_a_picture_without_words_has_none() -> None:
    assert normalise_caption(" . !") == ""


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("a man on the left", "a man on the right"),
        ("from left to right", "from right to left"),
        ("the left-hand side", "the right-hand side"),
        ("a bright light over a man who stands upright", "a bright light over a man who stands upright"),
    ],
)
def test_left_is_right_in_a_mirror_as_a_word(caption: str, expected: str) -> None:
    assert mirror_caption(caption) == expected


@given(st.lists(st.sampled_from(["left", "right", "left-hand", "bright", "a", "dog"])).map(" ".join))
def test_twice_mirrored_is_not_mirrored(caption: str) -> None:
    assert mirror_caption(mirror_caption(caption)) == caption


def test_a_vocabulary_has_the_words_that_are_frequent_enough() -> None:
    words = learn_vocabulary([normalise_caption(caption) for caption in CAPTIONS], VocabularyConfig(threshold=2))
    assert words.kind == "word"
    assert words.decode(words.encode("the dog and the man")) == "the dog the man"


def test_no_frequent_word_is_a_mistake_that_names_the_key() -> None:
    with pytest.raises(UserError, match=r"occurs 9 times: lower vocabulary\.threshold"):
        learn_vocabulary([normalise_caption(caption) for caption in CAPTIONS], VocabularyConfig(threshold=9))


def test_content_words_are_said_once() -> None:
    captions = ["a dog on the beach", "a man 's dog on the beach"]
    words = learn_vocabulary(captions, VocabularyConfig(threshold=1))
    assert {*words.tokens(unique_words(words))} == {"dog", "beach", "man"}
    pieces = learn_vocabulary(captions * 20, VocabularyConfig("bpe", size=40))
    assert unique_words(pieces) == []
