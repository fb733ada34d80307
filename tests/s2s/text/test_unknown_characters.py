"""Unknown characters are counted, and the first line of them is named."""

from __future__ import annotations

from s2s.text.subwords import train_subwords
from s2s.text.unknown_characters import unknown_characters
from s2s.text.vocabulary import CharacterVocabulary

VOCABULARY = train_subwords(["a man sleeps", "two men sleep"] * 5, 24)


def test_known_text_gives_nothing() -> None:
    assert unknown_characters(VOCABULARY, ["sleep two", "", " "]) is None
    assert unknown_characters(VOCABULARY, []) is None


def test_unknown_characters_are_counted_and_the_most_frequent_shown_first() -> None:
    found = unknown_characters(VOCABULARY, ["a man", "b c b", "cb", ""], [3, 7, 9, 10])
    assert found is not None
    assert found.counts == [("b", 3), ("c", 2)]
    assert str(found) == "the vocabulary lacks 2 characters, in 2 of 4 lines, the first is line 7: 'b' 3, 'c' 2"
    many = str(unknown_characters(CharacterVocabulary("ab"), ["b", "0123456789x"]))
    assert many.startswith("the vocabulary lacks 11 characters, in 1 of 2 lines, the first is line 2: '0' 1, '1' 1, ")
    assert many.endswith(" '9' 1, ...")


def test_one_character_is_told_in_the_singular_and_an_invisible_one_by_its_code() -> None:
    told = str(unknown_characters(VOCABULARY, ["two\u200b"]))
    assert told == "the vocabulary lacks 1 character, in 1 of 1 lines, the first is line 1: '\\u200b' 1"
