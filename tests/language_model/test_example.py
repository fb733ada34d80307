"""The example of a prime is the most frequent line that the model knows whole."""

from __future__ import annotations

import pytest

from language_model.corpus import Text
from language_model.example import example_line
from language_model.prepare import learn_vocabulary
from language_model.recipe import VocabularyConfig

PLAY = "\n\nFirst Citizen:\nSpeak, speak.\n\nAll:\nSpeak, speak.\n\nAll:\nNo more!\n\nAll:\n"


@pytest.mark.parametrize("kind", ["character", "word", "bpe"])
def test_it_is_the_most_frequent_line(kind: str) -> None:
    text = Text.of(PLAY)
    vocabulary = learn_vocabulary(text, VocabularyConfig(kind, size=40))  # type: ignore[arg-type]
    assert example_line(text.encode(vocabulary), vocabulary) == "All:"


def test_long_lines_and_lines_with_unknown_parts_do_not_count() -> None:
    text = Text.of(f"{'a' * 61}\n" * 4 + "= <b> =\n" * 3 + " = a =\n" * 2 + "a" * 9)
    vocabulary = learn_vocabulary(text, VocabularyConfig(threshold=4))
    assert example_line(text.encode(vocabulary), vocabulary) == " = a ="


def test_there_may_be_none() -> None:
    text = Text.of("\n\n\n" + "a" * 61)
    vocabulary = learn_vocabulary(text, VocabularyConfig())
    assert example_line(text.encode(vocabulary), vocabulary) == ""
