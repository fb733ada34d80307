"""translation.copying: unknown tokens become words of the source."""

from __future__ import annotations

import numpy as np
import pytest
from translation_fixtures import table

from s2s.text.tokens import UNK
from s2s.text.vocabulary import CharacterVocabulary, WordVocabulary
from translation import copying
from translation.copying import Copies, copy_words
from translation.unknown_words import with_unknown_words

SOURCE = WordVocabulary(["a", "man", "in", "."])
TARGET = WordVocabulary(["ein", "mann", "in", "."])


@pytest.mark.parametrize(("source", "hypothesis", "attended", "text"), table(copying.__doc__))
def test_the_examples_of_the_docstring(source: str, hypothesis: str, attended: str, text: str) -> None:
    tokens = TARGET.encode(hypothesis)  # which reads `<unk>` as a word that it does not know
    piece = with_unknown_words(source, SOURCE.encode(source), SOURCE)
    positions = [] if attended == "-" else [source.split().index(word) for word in attended.split()]
    attention = np.zeros((len(tokens) + 1, len(piece.ids) + 1), np.float32)
    attention[[step for step, token in enumerate(tokens) if token == UNK], positions] = 1
    assert TARGET.decode(tokens, copy_words(tokens, attention, piece, known_words=True).words) == text


def test_the_unknown_word_with_the_most_attention_is_copied_though_a_known_one_has_more() -> None:
    piece = with_unknown_words("a Hobbit in Mordor", SOURCE.encode("a Hobbit in Mordor"), SOURCE)
    attention = np.array([[0.9, 0.0, 0.0, 0.1, 0.0]], np.float32)
    assert copy_words([UNK], attention, piece, known_words=True) == Copies(["Mordor"], {1: "Hobbit"})


def test_if_tokens_are_smaller_than_words_no_known_one_is_copied() -> None:
    characters = CharacterVocabulary(["a", " "])
    piece = with_unknown_words("a 北 a 京", characters.encode("a 北 a 京"), characters)
    attention = np.zeros((3, 8), np.float32)
    attention[:, 0] = 1
    attention[0, 6] = 0.5
    assert copy_words([UNK], attention, piece, known_words=False) == Copies(["京"], {2: "北"})
    assert copy_words([UNK] * 3, attention, piece, known_words=False) == Copies(["京", "北", ""], {})
