"""translation.writing: hypotheses become sentences."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from s2s.decoding.results import Sentence
from s2s.decoding.search import Hypothesis
from s2s.text.tokens import PLACEHOLDERS, UNK
from s2s.text.vocabulary import CharacterVocabulary, Vocabulary, WordVocabulary, load_vocabulary
from translation.cutting import cut
from translation.reading import Reader
from translation.writing import Writer

SOURCE = WordVocabulary(["a", "man", "in", "."])
TARGET = WordVocabulary(["ein", "mann", "in", "."])
CHARACTERS = CharacterVocabulary.from_lines(["ein mann in paris (2) a man and a dog"])


def written(
    source: str, tokens: list[int], attention: NDArray[np.float32] | None, vocabulary: Vocabulary, target: Vocabulary
) -> Sentence:
    piece = Reader(vocabulary).read(source)
    writer = Writer(vocabulary, target, n_best=1, spaces=True)
    return writer.write_hypothesis(Hypothesis(tokens, -1.0, -1.0, attention, True), piece)


def test_the_label_of_a_token_that_was_copied_is_the_word() -> None:
    sentence = written("a hobbit", [*TARGET.encode("ein"), UNK], np.eye(3, dtype=np.float32), SOURCE, TARGET)
    assert (sentence.text, sentence.tokens) == ("ein hobbit", ("ein", "hobbit", "</s>"))


def test_an_unknown_word_that_the_decoder_left_out_stays_out_if_tokens_are_words() -> None:
    attention = np.zeros((4, 4), np.float32)
    attention[:, 1] = 1
    assert written("a hobbit .", TARGET.encode("ein mann ."), attention, SOURCE, TARGET).text == "ein mann ."
    attention = np.zeros((5, 4), np.float32)
    attention[0, 2] = 1
    assert written("a 北", CHARACTERS.encode("ein "), attention, CHARACTERS, CHARACTERS).text == "北 ein"


def test_an_unknown_token_without_attention_is_the_first_unknown_word() -> None:
    assert written("a hobbit", [UNK], None, SOURCE, TARGET) == Sentence("hobbit", -1.0, ("hobbit", "</s>"))


@pytest.mark.parametrize(
    ("source", "hypothesis", "text"),
    [("a 北 man", "ein _ _ mann", "ein 北 mann"), ("a man", "_", "a man"), ("a man", "in", "in")],
)
def test_an_unknown_token_too_many_is_dropped_with_its_space(source: str, hypothesis: str, text: str) -> None:
    tokens = CHARACTERS.encode(hypothesis)  # which knows no underscore
    assert UNK in tokens or "_" not in hypothesis
    attention = np.zeros((len(tokens) + 1, len(source) + 1), np.float32)
    attention[:, 2] = 1
    sentence = written(source, tokens, attention, CHARACTERS, CHARACTERS)
    assert sentence.text == text
    assert sentence.tokens.count("<unk>") == max(0, hypothesis.count("_") - source.count("北"))


def test_attention_has_a_row_per_token_and_a_column_per_source_token() -> None:
    padded = np.random.default_rng(1).random((3, 9), dtype=np.float32)
    sentence = written("a man", TARGET.encode("ein mann"), padded, SOURCE, TARGET)
    assert sentence.attention is not None
    assert sentence.attention.shape == (3, 3)
    assert (sentence.attention == padded[:, :3]).all()


def test_each_piece_without_hypotheses_is_copied() -> None:
    [line] = cut([" 北(\r🐕 "], Reader(CHARACTERS), 99)
    translation = Writer(CHARACTERS, CHARACTERS, n_best=2, spaces=True).write(line, [[], []])
    assert [sentence.text for sentence in translation.n_best] == [" 北( 🐕 "]
    assert translation.source_tokens == ("北", "</s>", "</s>")


@pytest.mark.parametrize(
    ("source", "hypothesis", "text"),
    [
        ("a man!", "ein mann.", "ein mann!"),
        ("a man?", "ein mann", "ein mann?"),
        ("a man", "ein mann.", "ein mann"),
        ("a man...", "ein mann.", "ein mann..."),
        ("(a man!)", "ein mann.", "(ein mann!)"),
    ],
)
def test_the_final_mark_is_that_of_the_source(source: str, hypothesis: str, text: str) -> None:
    characters = CharacterVocabulary.from_lines(["ein mann. a man"])
    piece = Reader(characters).read(source)
    attention = np.eye(len(hypothesis) + 1, len(piece.ids) + 1, dtype=np.float32)
    assert written(source, characters.encode(hypothesis), attention, characters, characters).text == text


def test_a_copied_text_can_be_rewritten() -> None:
    vocabulary = load_vocabulary("character", CHARACTERS.to_bytes(), placeholders=2)
    piece = Reader(vocabulary).read("a 1,5 man")
    tokens = vocabulary.encode(f"ein {PLACEHOLDERS[0]} mann")
    writer = Writer(vocabulary, vocabulary, 1, spaces=True, rewrite_copy=lambda text: text.replace(",", "."))
    assert writer.write_hypothesis(Hypothesis(tokens, -1.0, -1.0, None, True), piece).text == "ein 1.5 mann"


def test_a_forgotten_copy_stands_before_the_full_stop() -> None:
    vocabulary = load_vocabulary("character", CharacterVocabulary.from_lines(["ein mann. a man"]).to_bytes(), 2)
    writer, placeholder = Writer(vocabulary, vocabulary, 1, spaces=True), PLACEHOLDERS[0]
    tokens = vocabulary.encode(f"ein mann.{placeholder}.")
    for source, text in (("a man 5.", "ein mann 5."), ("a man. 5.", "ein mann.5.")):
        piece = Reader(vocabulary).read(source)
        assert writer.write_hypothesis(Hypothesis(tokens, -1.0, -1.0, None, True), piece).text == text
