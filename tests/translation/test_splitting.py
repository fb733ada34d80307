"""Long lines: cut where a reader would pause, into pieces that fit, and in linear time."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from s2s.text.subwords import SubwordVocabulary, train_subwords
from s2s.text.vocabulary import CharacterVocabulary, Vocabulary, WordVocabulary
from translation.splitting import split

LINES = ["a man in a hat sleeps , and two dogs play . it snows !", "She said: “Stop!” -- (no); 3.5 % of 7 …"]
WORDS = WordVocabulary.from_lines(LINES)
CHARACTERS = CharacterVocabulary.from_lines(LINES)


@pytest.fixture(scope="module")
def subwords() -> SubwordVocabulary:
    return train_subwords(LINES, 60)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("One dog runs. Two run! Do three? Yes.", ["One dog runs.", "Two run!", "Do three?", "Yes."]),
        ('"Stop!" he said. (It snows.) So be it.', ['"Stop!" he said.', "(It snows.)", "So be it."]),
        ("It has approx. five rooms. It is big.", ["It has approx. five rooms.", "It is big."]),
        ("J. R. Smith sleeps. I do not.", ["J. R. Smith sleeps.", "I do not."]),
        ("Three is 3.5 at www.example.org now. So is 4.", ["Three is 3.5 at www.example.org now.", "So is 4."]),
        ("A dog runs . Two run ?! Yes .", ["A dog runs .", "Two run ?!", "Yes ."]),
        ("一个男人在睡觉。两只狗在玩。", ["一个男人在睡觉。", "两只狗在玩。"]),
    ],
)
def test_a_line_becomes_its_sentences(text: str, pieces: list[str]) -> None:
    assert split(text, CHARACTERS, 40 if " " in text else 10) == pieces


def test_a_long_sentence_is_cut_at_clause_marks_into_few_parts_of_like_lengths() -> None:
    text = "One, two; three: four, five – six, seven, eight"
    assert split(text, WORDS, 5) == ["One, two; three: four,", "five – six, seven, eight"]
    assert split(text, WORDS, 3) == ["One, two; three:", "four, five –", "six, seven, eight"]


def test_a_sentence_without_marks_is_cut_between_words() -> None:
    assert split("1 2 3 4 5 6 7 8 9 10", WORDS, 8) == ["1 2 3 4 5", "6 7 8 9 10"]


def test_only_what_is_too_long_is_cut_further() -> None:
    text = "One, two. Three four five, six seven eight. Nine."
    assert split(text, WORDS, 4) == ["One, two.", "Three four five,", "six seven eight.", "Nine."]


def test_a_word_that_is_too_long_is_cut_between_its_tokens() -> None:
    assert split("so " + "x" * 10 + " it", CHARACTERS, 5) == ["so", "xxxxx", "xxxxx", "it"]


@settings(deadline=None, max_examples=200)
@example("3 3 3\u2028。3", 3, "word")
@given(
    st.text(st.sampled_from("aSno d.!,;:–\"'”)  \t\u2028。，…3\U0001f600"), min_size=1, max_size=200),
    st.integers(3, 30),
    st.sampled_from(["word", "character", "bpe"]),
)
def test_nothing_is_lost_and_every_piece_fits(subwords: SubwordVocabulary, text: str, limit: int, kind: str) -> None:
    vocabularies: dict[str, Vocabulary] = {"word": WORDS, "character": CHARACTERS, "bpe": subwords}
    vocabulary = vocabularies[kind]
    pieces = split(text.strip(), vocabulary, limit)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(piece == piece.strip() != "" for piece in pieces)
    spare = {"word": 1, "character": 0, "bpe": 3}[kind]  # what was a part of a word now is one
    assert max(map(len, vocabulary.encode_all(pieces)), default=0) <= limit + spare


@pytest.mark.parametrize("unit", ["a", ".", ". ", "\"'", ", ", "no ", "a. ", "(( ", "。", "\u2028"])
def test_a_line_of_any_content_is_cut_in_linear_time(subwords: SubwordVocabulary, unit: str) -> None:
    """In quadratic time this would take minutes."""
    text = f"a{unit * (100_000 // len(unit))}b"
    assert "".join("".join(split(text, subwords, 40)).split()) == "".join(text.split())
