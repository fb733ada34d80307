"""translation.unknown_words: what a vocabulary does not know becomes one unknown token per word."""

from __future__ import annotations

import pytest

from s2s.text.subwords import train_subwords
from s2s.text.tokens import UNK, UNKNOWN_CHARACTER
from s2s.text.vocabulary import CharacterVocabulary, Vocabulary, WordVocabulary
from translation.unknown_words import Piece, with_unknown_words, word_pattern

LINE = "ein mann in paris, 3 frauen (2) a man and a dog in the park."
CHARACTERS = CharacterVocabulary.from_lines([LINE])
WORDS = WordVocabulary(["a", "man", "in", "."])


def piece_of(text: str, vocabulary: Vocabulary) -> Piece:
    return with_unknown_words(text, vocabulary.encode(text), vocabulary)


@pytest.mark.parametrize(
    ("text", "translatable"),
    [
        ("北京", False),
        ("北 京", False),
        ("北京, (🐕)", False),
        ("北京 3", True),
        ("北京 a", True),
        (", ()", True),
        ("a", True),
    ],
)
def test_a_line_is_translatable_unless_it_has_unknown_words_and_no_known_letter_or_digit(
    text: str, translatable: bool
) -> None:
    assert piece_of(text, CHARACTERS).translatable == translatable


@pytest.mark.parametrize(
    ("line", "text", "unknown"),
    [
        ("a man", "a man", []),
        ("Nguyễn's in the park.", "_ in the park.", ["Nguyễn's"]),
        ("in 北京, a ★★ man", "in _, a _ man", ["北京", "★★"]),
        ("a man🐕 (女)", "a man_ (_)", ["🐕", "女"]),
        ("ñ🐕 a 🐕ñ", "_ a _", ["ñ🐕", "🐕ñ"]),
        ("a\u3000man\tin\rparis\nin", "a man in paris in", []),
        ("a ▁ ▅ ⁇", "a _ _ _", ["▁", "▅", "⁇"]),
    ],
)
@pytest.mark.parametrize("kind", ["character", "bpe", "unigram"])
def test_a_word_with_a_character_never_seen_is_read_as_one_unknown(
    line: str, text: str, unknown: list[str], kind: str
) -> None:
    vocabulary = CHARACTERS if kind == "character" else train_subwords([LINE] * 2, 30, kind=kind)
    piece = piece_of(line, vocabulary)
    read = text.replace("_", UNKNOWN_CHARACTER)
    assert piece.text == line
    assert "".join(piece.tokens) == read
    assert piece.ids == vocabulary.encode(read)
    assert list(piece.unknown_words) == unknown
    assert piece.ids.count(UNK) == len(unknown)


def test_of_a_word_vocabulary_the_words_are_read_as_they_are() -> None:
    piece = piece_of("a Nguyễn in 北京.", WORDS)
    assert piece.tokens == ["a", "Nguyễn", "in", "北京."]
    assert piece.unknown_words == ["Nguyễn", "北京."]


def test_a_long_line_of_unknown_characters_is_read_in_linear_time() -> None:
    """In quadratic time this would take minutes."""
    line = "🐕" * 300_000
    assert piece_of(line, CHARACTERS).unknown_words == [line]


def test_source_tokens_are_the_positions_of_the_encoder_with_words_as_the_user_wrote_them() -> None:
    line = "A man in Łódź sleeps"
    tokens = piece_of(line, train_subwords(["A man in a red hat sleeps", "Two dogs play"], 50)).source_tokens
    assert "".join(tokens[:-1]) == line
    assert "Łódź" in tokens  # one unknown word
    assert tokens[-1] == "</s>"
    assert piece_of(line, WordVocabulary(["A", "man"])).source_tokens == ("A", "man", "in", "Łódź", "sleeps", "</s>")
    assert piece_of("ab", CharacterVocabulary(["a"])).source_tokens == ("ab", "</s>")


def test_a_sign_belongs_to_its_word_only_if_tokens_are_words() -> None:
    text = "don't go, Łódź!  "
    assert word_pattern(WORDS).findall(text) == ["don't", " ", "go,", " ", "Łódź!", " ", " "]
    assert word_pattern(CHARACTERS).findall(text) == ["don't", " ", "go", ",", " ", "Łódź", "!", " ", " "]
