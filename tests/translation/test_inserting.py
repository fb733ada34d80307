"""translation.inserting: unknown words that the decoder left out are put into the text."""

from __future__ import annotations

import numpy as np
import pytest
from translation_fixtures import table

from s2s.text.subwords import train_subwords
from s2s.text.tokens import UNK
from s2s.text.vocabulary import CharacterVocabulary, Vocabulary
from translation import inserting
from translation.copying import copy_words
from translation.inserting import insert_missing_words
from translation.unknown_words import with_unknown_words

LINE = "ein mann in paris, 3 frauen (2) a man and a dog in the park."
CHARACTERS = CharacterVocabulary.from_lines([LINE])


def inserted(vocabulary: Vocabulary, source: str, tokens: list[int], attended: dict[int, dict[int, float]]) -> str:
    """The text of a hypothesis; `attended` is the attention of steps to positions of the source, 0 elsewhere."""
    piece = with_unknown_words(source, vocabulary.encode(source), vocabulary)
    attention = np.zeros((len(tokens) + 1, len(piece.ids) + 1), np.float32)  # with END on both sides
    for step, weights in attended.items():
        for position, weight in weights.items():
            attention[step, position] = weight
    copies = copy_words(tokens, attention, piece, known_words=False)
    return insert_missing_words(tokens, attention, copies, piece, vocabulary)


@pytest.mark.parametrize(("source", "hypothesis", "text"), table(inserting.__doc__))
def test_the_examples_of_the_docstring(source: str, hypothesis: str, text: str) -> None:
    step, tokens = hypothesis.index("|"), CHARACTERS.encode(hypothesis.replace("|", ""))
    ids = with_unknown_words(source, CHARACTERS.encode(source), CHARACTERS).ids
    attended = {step: {position: 1.0 for position, i in enumerate(ids) if i == UNK}}
    assert inserted(CHARACTERS, source, tokens, attended) == text


def test_a_word_that_was_copied_is_not_inserted_again() -> None:
    tokens = [*CHARACTERS.encode("in "), UNK]
    attended = {3: {8: 0.6, 2: 0.4}, 4: {2: 1.0}}
    assert inserted(CHARACTERS, "a 北 and 京", tokens, attended) == "in 京 北"


def test_a_run_of_unknown_characters_is_one_subword_and_is_inserted_as_a_whole() -> None:
    subwords = train_subwords([LINE] * 2, 40)
    source, tokens = "a man in 北京!", subwords.encode("ein mann.")
    attended = {len(tokens) - 1: {subwords.encode(source).index(UNK): 1.0}}
    assert inserted(subwords, source, tokens, attended) == "ein mann 北京!."
