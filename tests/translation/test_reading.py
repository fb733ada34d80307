"""translation.reading: what a model reads of a sentence, and what is kept to be put into the translation."""

from __future__ import annotations

import pytest

from s2s.text.casing import Case
from s2s.text.subwords import train_subwords
from s2s.text.tokens import PLACEHOLDERS, UNK, UNKNOWN_CHARACTER
from s2s.text.vocabulary import CharacterVocabulary, Vocabulary, WordVocabulary, load_vocabulary
from translation.piece import Piece
from translation.reading import Reader, rare_characters, word_pattern

LINE = "ein mann in paris, 3 frauen (2) a man and a dog in the park's-."
CHARACTERS = CharacterVocabulary.from_lines([LINE])
PLACED = load_vocabulary("character", CHARACTERS.to_bytes(), placeholders=3)
WORDS = WordVocabulary(["a", "man", "in", "."])


def read(text: str, vocabulary: Vocabulary = PLACED, rare: str = "") -> Piece:
    return Reader(vocabulary, "en", rare).read(text)


def shown(piece: Piece) -> str:
    """What is read, with digits for placeholders."""
    return "".join(piece.tokens).translate({ord(c): str(i) for i, c in enumerate(PLACEHOLDERS, 1)})


@pytest.mark.parametrize(
    ("text", "translatable"),
    [
        ("北京", False),
        ("北京, (🐕)", False),
        ("3", False),
        (", ()", False),
        ("user@example.com!", False),
        ("{name} 5 €", False),
        ("北京 a", True),
        ("a", True),
    ],
)
def test_a_text_without_a_letter_that_is_read_is_not_translatable(text: str, translatable: bool) -> None:
    assert read(text).translatable == translatable


@pytest.mark.parametrize(
    ("text", "expected", "copies"),
    [
        ("a man", "a man", []),
        ("Nguyễn's in the park.", "1 in the park.", ["Nguyễn's"]),
        ("a 5 in 2026-11-29", "a 1 in 2", ["5", "2026-11-29"]),
        ("mann {name}{0} in %s.", "mann 1 in 2.", ["{name}{0}", "%s"]),
        ("5 in x in 6 in 7 a 8", "1 in 2 in 3 in _ a _", ["5", "x", "6", "7", "8"]),
        ("in नमस्ते a สวัสดี", "in 1 a 2", ["नमस्ते", "สวัสดี"]),
        ("in 北京 and 東 京", "in 1 and 2 3", ["北京", "東", "京"]),
        ("a man & a $ in", "a man 1 a 2 in", ["&", "$"]),
    ],
)
def test_what_is_copied_is_read_as_a_placeholder_or_as_unknown_when_there_are_no_more(
    text: str, expected: str, copies: list[str]
) -> None:
    piece = read(text)
    assert shown(piece) == expected.replace("_", UNKNOWN_CHARACTER)
    assert list(piece.copies.values()) == copies
    assert piece.text == text


def test_a_vocabulary_without_placeholders_reads_unknown_words() -> None:
    for vocabulary in (CHARACTERS, train_subwords([LINE] * 3, 34)):
        piece = read("a 5 in Łódź", vocabulary)
        assert "".join(piece.tokens) == f"a {UNKNOWN_CHARACTER} in {UNKNOWN_CHARACTER}"
        assert list(piece.copies.values()) == ["5", "Łódź"]
        assert [piece.ids[position] for position in piece.copies] == [UNK, UNK]


@pytest.mark.parametrize(
    ("text", "expected", "marks"),
    [
        ("a man 😀 in paris", "a man in paris", [("😀", 5, False, False)]),
        ("‘a man.’", "a man.", [("‘", 0, False, True), ("’", 6, True, False)]),
        ("[a man] in paris", "a man in paris", [("[", 0, False, True), ("]", 5, True, False)]),
        ("<b>a</b> man", "a man", [("<b>", 0, False, True), ("</b>", 1, True, False)]),
        ("a man 😀☃ ☃.", "a man.", [("😀☃", 5, False, False), ("☃", 5, False, False)]),
        ("a/man", "aman", [("/", 1, True, True)]),
        ("a man ☃", "a man", [("☃", 5, False, False)]),
    ],
)
def test_marks_are_left_out_with_their_places(
    text: str, expected: str, marks: list[tuple[str, int, bool, bool]]
) -> None:
    piece = read(text)
    assert shown(piece) == expected
    assert [(mark.text, mark.position, mark.left, mark.right) for mark in piece.marks] == marks


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a m\u00adan i\u200bn \u200fparis", "a man in paris"),
        ("a man\u2019s park", "a man's park"),
        ("a \uff4d\uff41\uff4e", "a man"),
        ("a park\u2011man", "a park-man"),
        ("a\u3000man\u00a0 in", "a man in"),
        ("a man &apos;s dog", "a man's dog"),
        ("a man 's dog .", "a man's dog."),
        ("a man; a dog", "a man, a dog"),
    ],
)
def test_other_forms_of_known_characters_are_read_as_these(text: str, expected: str) -> None:
    piece = read(text)
    assert shown(piece) == expected
    assert not piece.copies
    assert not piece.marks


def test_a_rare_character_is_read_as_an_unknown_one() -> None:
    assert shown(read("a mann, a man", rare=",")) == "a mann a man"
    assert list(read("a mann", rare="m").copies.values()) == ["mann"]


def test_rare_characters_are_counted_and_signs_are_needed_more_often_than_letters() -> None:
    lines = ["a man's dog."] * 5_000 + ["ñ"] * 4 + ["ö", "$"] * 6
    assert rare_characters(lines, "amn'sdog.$ñöü1 北") == "$ñü"
    assert rare_characters(["a man's dog?"] * 3, "amn'sdog?") == ""


@pytest.mark.parametrize(
    ("text", "mark"),
    [("a man!", "!"), ("a man?!", "?!"), ("a man", ""), ("a man.", "."), ("a man. 😀", "."), ('"a man!"', "!")],
)
def test_the_final_mark(text: str, mark: str) -> None:
    assert read(text).final_mark == mark


def test_a_final_mark_that_is_not_known_is_read_as_a_full_stop() -> None:
    assert shown(read("a man?!")) == "a man."
    assert shown(read("a? man")) == "a man"


def test_capitals_are_read_in_the_form_that_the_vocabulary_knows() -> None:
    subwords = train_subwords(["A man plays the guitar in Paris on TV"] * 9, 60)
    upper = read("A MAN PLAYS THE GUITAR", subwords)
    assert ("".join(upper.tokens), upper.case) == ("A man plays the guitar", Case.UPPER)
    title = read("A Man Plays The Guitar In Paris", subwords)
    assert ("".join(title.tokens), title.case) == ("A man plays the guitar in Paris", Case.TITLE)
    mixed = read("A man plays the GUITAR on TV", subwords)
    assert ("".join(mixed.tokens), mixed.case) == ("A man plays the guitar on TV", Case.MIXED)
    assert {mixed.tokens[i] for i in mixed.capitals} == {" guitar"}


def test_of_a_word_vocabulary_unknown_words_are_copied_with_their_signs() -> None:
    piece = read("a Nguyễn in 北京.", WORDS)
    assert list(piece.copies.values()) == ["Nguyễn", "北京."]
    assert piece.ids == [WORDS.encode("a")[0], UNK, WORDS.encode("in")[0], UNK]


def test_an_address_of_known_letters_is_copied() -> None:
    (piece,) = Reader(PLACED, "en").read_all(["a man in www.paris.de"])
    assert list(piece.copies.values()) == ["www.paris.de"]


def test_ordinary_sentences_are_read_alike_one_by_one_and_together() -> None:
    reader = Reader(PLACED, "en")
    texts = ["a man in the park.", "a 5 dog", "", "ein mann"]
    assert reader.read_all(texts) == [reader.read(text) for text in texts]


def test_a_long_line_of_unknown_characters_is_read_in_linear_time() -> None:
    """In quadratic time this would take minutes."""
    line = "🐕" * 100_000
    assert [mark.text for mark in read(line).marks] == [line]
    assert list(read("北" * 100_000).copies.values()) == ["北" * 100_000]


def test_source_tokens_are_the_positions_of_the_encoder_with_copies_as_the_user_wrote_them() -> None:
    tokens = read("a 5 in Łódź").source_tokens
    assert tokens == ("a", " ", "5", " ", "i", "n", " ", "Łódź", "</s>")
    assert read("a Nguyễn", WORDS).source_tokens == ("a", "Nguyễn", "</s>")


def test_a_sign_belongs_to_its_word_only_if_tokens_are_words() -> None:
    text = "don't go, Łódź! "
    assert word_pattern(WORDS).findall(text) == ["don't", " ", "go,", " ", "Łódź!", " "]
    assert word_pattern(CHARACTERS).findall(text) == ["don't", " ", "go", ",", " ", "Łódź", "!", " "]
