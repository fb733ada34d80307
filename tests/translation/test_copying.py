"""Characters that a vocabulary does not know survive a translation."""

from __future__ import annotations

import pytest
import torch

from s2s.decoding.search import Hypothesis
from s2s.text.subwords import train_subwords
from s2s.text.tokens import UNK, UNKNOWN_CHARACTER
from s2s.text.vocabulary import CharacterVocabulary, Vocabulary, WordVocabulary
from translation.copying import is_foreign, read, with_copies

SOURCE = WordVocabulary(["a", "man", "in", "."])
LINE = "ein mann in paris, 3 frauen (2) a man and a dog in the park."
CHARACTERS = CharacterVocabulary.from_lines([LINE])
TARGET = WordVocabulary(["ein", "mann", "in", "."])


def copied(
    source: Vocabulary, target: Vocabulary, text: str, tokens: list[int], looked: dict[int, dict[int, float]]
) -> str:
    """`looked` says at which step (END's is the last) a source position got how much attention; elsewhere none."""
    line = read(text, source.encode(text), source)
    attention = torch.zeros(len(tokens) + 1, len(line.ids) + 1)  # END is a step, and a position
    for step, weights in looked.items():
        for position, weight in weights.items():
            attention[step, position] = weight
    return with_copies(Hypothesis(tokens, -1.0, -1.0, attention, True), target, line, source)[0]


def test_an_unknown_token_becomes_the_source_word_it_looked_at() -> None:
    tokens = [*TARGET.encode("ein"), UNK, *TARGET.encode("in"), UNK]
    looked = {1: {1: 0.9, 4: 0.1}, 3: {3: 0.2, 1: 0.1, 2: 0.7}}
    assert copied(SOURCE, TARGET, "a hobbit in Mordor .", tokens, looked) == "ein hobbit in Mordor"


def test_without_an_unknown_word_in_the_source_a_known_one_is_copied() -> None:
    assert copied(SOURCE, TARGET, "a man .", [UNK], {0: {1: 0.6, 0: 0.4}}) == "man"


def test_one_word_is_not_copied_twice_while_another_is_left() -> None:
    assert copied(SOURCE, TARGET, "Ulm Bonn", [UNK, UNK, UNK], {i: {1: 1.0} for i in range(3)}) == "Bonn Ulm Bonn"


def test_an_unknown_word_that_the_decoder_left_out_stays_out() -> None:
    assert copied(SOURCE, TARGET, "a hobbit .", TARGET.encode("ein mann ."), {1: {1: 1.0}}) == "ein mann ."


def test_an_unknown_token_without_attention_reads_nothing() -> None:
    line = read("a hobbit", SOURCE.encode("a hobbit"), SOURCE)
    assert with_copies(Hypothesis([UNK], -1.0, -1.0, None, True), TARGET, line, SOURCE)[0] == ""


@pytest.mark.parametrize(
    ("text", "hypothesis", "expected"),
    [
        ("a man in 北京.", "ein mann in|.", "ein mann in 北京."),
        ("a man in 北京 .", "ein mann in |paris.", "ein mann in 北京 paris."),
        ("a man in 北京 .", "ein mann in| paris.", "ein mann in 北京 paris."),
        ("a man in 北京 .", "ein mann in pari|s.", "ein mann in 北京 paris."),  # never inside a word
        ("a man in paris. 🐕", "ein mann.|", "ein mann. 🐕"),
        ("🐕 a man", "|ein mann", "🐕 ein mann"),
        ("a man (北)", "ein mann (|2)", "ein mann (北 2)"),
        ("a ñman", "ein |mann", "ein ñman mann"),
        ("北 a 京", "ein | mann", "ein 北 京 mann"),
    ],
)
def test_a_character_never_seen_is_put_where_it_was_looked_at(text: str, hypothesis: str, expected: str) -> None:
    """The bar stands before the character at which the decoder looked at what it does not know, or before END."""
    step, written = hypothesis.index("|"), hypothesis.replace("|", "")
    ids = read(text, CHARACTERS.encode(text), CHARACTERS).ids
    looked = {step: {position: 1.0 for position, i in enumerate(ids) if i == UNK}}
    assert copied(CHARACTERS, CHARACTERS, text, CHARACTERS.encode(written), looked) == expected


def test_what_the_decoder_copied_itself_is_not_put_in_again() -> None:
    tokens = [*CHARACTERS.encode("in "), UNK]
    looked = {3: {8: 0.6, 2: 0.4}, 4: {2: 1.0}}
    assert copied(CHARACTERS, CHARACTERS, "a 北 and 京", tokens, looked) == "in 京 北"


def test_a_run_of_unknown_characters_is_one_subword_and_is_copied_whole() -> None:
    subwords = train_subwords([LINE] * 2, 40)
    text, tokens = "a man in 北京!", subwords.encode("ein mann.")
    looked = {len(tokens) - 1: {subwords.encode(text).index(UNK): 1.0}}
    assert copied(subwords, subwords, text, tokens, looked) == "ein mann 北京!."


@pytest.mark.parametrize(
    ("text", "foreign"),
    [
        ("北京", True),
        ("北 京", True),
        ("北京, (🐕)", True),
        ("北京 3", False),
        ("北京 a", False),
        (", ()", False),
        ("a", False),
    ],
)
def test_a_line_is_foreign_if_no_letter_or_digit_of_it_is_known(text: str, foreign: bool) -> None:
    assert is_foreign(read(text, CHARACTERS.encode(text), CHARACTERS), CHARACTERS) == foreign


@pytest.mark.parametrize(
    ("line", "text", "unknown"),
    [
        ("a man", "a man", []),
        ("Nguyễn's in the park.", "_ in the park.", ["Nguyễn's"]),
        ("in 北京, a ★★ man", "in _, a _ man", ["北京", "★★"]),
        ("a man🐕 (女)", "a man_ (_)", ["🐕", "女"]),
        ("ñ🐕 a 🐕ñ", "_ a _", ["ñ🐕", "🐕ñ"]),
        ("a\u3000man\tin\rparis", "a man in paris", []),
        ("a ▁ ▅ ⁇", "a _ _ _", ["▁", "▅", "⁇"]),
    ],
)
@pytest.mark.parametrize("kind", ["character", "bpe", "unigram"])
def test_a_word_with_a_character_never_seen_is_read_as_one_unknown(
    line: str, text: str, unknown: list[str], kind: str
) -> None:
    vocabulary = CHARACTERS if kind == "character" else train_subwords([LINE] * 2, 30, kind=kind)
    source = read(line, vocabulary.encode(line), vocabulary)
    assert source.text == text.replace("_", UNKNOWN_CHARACTER)
    assert source.unknown == unknown or (not unknown and not source.unknown)
    assert source.ids == vocabulary.encode(source.text)
    assert source.ids.count(UNK) == len(unknown)


def test_of_a_word_vocabulary_the_words_are_read_as_they_are() -> None:
    source = read("a Nguyễn in 北京.", SOURCE.encode("a Nguyễn in 北京."), SOURCE)
    assert (source.text, source.unknown) == ("a Nguyễn in 北京.", ["Nguyễn", "北京."])


def test_an_unknown_token_too_many_reads_nothing() -> None:
    tokens = [*CHARACTERS.encode("ein "), UNK, *CHARACTERS.encode(" "), UNK, *CHARACTERS.encode(" mann")]
    assert copied(CHARACTERS, CHARACTERS, "a 🐕 man", tokens, {4: {2: 1.0}, 6: {2: 1.0}}) == "ein 🐕 mann"
    assert copied(CHARACTERS, CHARACTERS, "a man", [UNK], {0: {2: 1.0}}) == ""


def test_a_long_line_of_unknown_characters_is_read_in_linear_time() -> None:
    """In quadratic time this would take minutes."""
    line = "🐕" * 300_000
    assert read(line, CHARACTERS.encode(line), CHARACTERS).unknown == [line]


def test_the_label_of_a_token_that_was_copied_is_what_was_copied() -> None:
    line = read("a hobbit", SOURCE.encode("a hobbit"), SOURCE)
    attention = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    ein = TARGET.encode("ein")
    text, labels = with_copies(Hypothesis([*ein, UNK], -1.0, -1.0, attention, True), TARGET, line, SOURCE)
    assert (text, labels) == ("ein hobbit", ["ein", "hobbit", "</s>"])
