"""Characters that a vocabulary does not know survive a translation."""

from __future__ import annotations

import pytest
import torch

from s2s.search import Hypothesis
from s2s.vocabulary import UNK, CharacterVocabulary, Vocabulary, WordVocabulary, train_subwords
from translation.copying import is_foreign, with_copies

SOURCE = WordVocabulary(["a", "man", "in", "."])
LINE = "ein mann in paris, 3 frauen (2) a man and a dog in the park."
CHARACTERS = CharacterVocabulary.from_lines([LINE])
TARGET = WordVocabulary(["ein", "mann", "in", "."])


def copied(
    source: Vocabulary, target: Vocabulary, text: str, tokens: list[int], looked: dict[int, dict[int, float]]
) -> str:
    """`looked` says at which step (END's is the last) a source position got how much attention; elsewhere none."""
    ids = source.encode(text)
    attention = torch.zeros(len(tokens) + 1, len(ids) + 1)  # END is a step, and a position
    for step, weights in looked.items():
        for position, weight in weights.items():
            attention[step, position] = weight
    return with_copies(Hypothesis(tokens, -1.0, -1.0, attention, True), target, text, ids, source)


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
    ids = SOURCE.encode("a hobbit")
    assert with_copies(Hypothesis([UNK], -1.0, -1.0, None, True), TARGET, "a hobbit", ids, SOURCE) == ""


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
        ("a ñman", "ein |mann", "ein ñmann"),
        ("北 a 京", "ein | mann", "ein 北 京 mann"),
    ],
)
def test_a_character_never_seen_is_put_where_it_was_looked_at(text: str, hypothesis: str, expected: str) -> None:
    """The bar stands before the character at which the decoder looked at what it does not know, or before END."""
    step, written = hypothesis.index("|"), hypothesis.replace("|", "")
    ids = CHARACTERS.encode(text)
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
    assert is_foreign(text, CHARACTERS.encode(text), CHARACTERS) == foreign
