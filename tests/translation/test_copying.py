"""translation.copying: unknown tokens and placeholders become texts of the source."""

from __future__ import annotations

import numpy as np
import pytest
from translation_fixtures import table

from s2s.text.tokens import UNK
from s2s.text.vocabulary import CharacterVocabulary, WordVocabulary, load_vocabulary
from translation import copying
from translation.copying import Copies, copy_words
from translation.reading import Reader

SOURCE = WordVocabulary(["a", "man", "in", "."])
TARGET = WordVocabulary(["ein", "mann", "in", "."])


@pytest.mark.parametrize(("source", "hypothesis", "attended", "text"), table(copying.__doc__))
def test_the_examples_of_the_docstring(source: str, hypothesis: str, attended: str, text: str) -> None:
    tokens = TARGET.encode(hypothesis)  # which reads `<unk>` as a word that it does not know
    piece = Reader(SOURCE).read(source)
    positions = [] if attended == "-" else [source.split().index(word) for word in attended.split()]
    attention = np.zeros((len(tokens) + 1, len(piece.ids) + 1), np.float32)
    attention[[step for step, token in enumerate(tokens) if token == UNK], positions] = 1
    copies = copy_words(tokens, attention, piece, TARGET, SOURCE)
    assert TARGET.decode(tokens, [copies.texts[step] for step in sorted(copies.texts)]) == text


def test_the_unknown_word_with_the_most_attention_is_copied_though_a_known_one_has_more() -> None:
    piece = Reader(SOURCE).read("a Hobbit in Mordor")
    attention = np.array([[0.9, 0.0, 0.0, 0.1, 0.0]], np.float32)
    assert copy_words([UNK], attention, piece, TARGET, SOURCE) == Copies({0: "Mordor"}, {}, {1: "Hobbit"})


def test_if_tokens_are_smaller_than_words_no_known_one_is_copied() -> None:
    characters = CharacterVocabulary(["a", " "])
    piece = Reader(characters).read("a 北 a 京")
    attention = np.zeros((3, 8), np.float32)
    attention[:, 0] = 1
    attention[0, 6] = 0.5
    copy = copy_words([UNK], attention, piece, characters, characters)
    assert copy == Copies({0: "京"}, {}, {2: "北"})
    assert copy_words([UNK] * 3, attention, piece, characters, characters).texts == {0: "京", 1: "北", 2: ""}


def test_a_placeholder_becomes_the_text_that_it_was_read_for() -> None:
    source, target = (load_vocabulary("character", CharacterVocabulary("a mn").to_bytes(), 3) for _ in range(2))
    piece = Reader(source).read("a 5 man x@y.de a")
    first = target.first_placeholder
    assert list(piece.copies.values()) == ["5", "x@y.de"]
    tokens = [first + 1, *target.encode(" "), first, first + 2]
    copies = copy_words(tokens, None, piece, target, source)
    assert copies.texts == {0: "x@y.de", 2: "5", 3: ""}
    assert set(copies.steps) == set(piece.copies)
    assert not copies.missing
