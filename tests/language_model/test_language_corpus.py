"""Text as tokens: nothing is lost between the characters of a file and the ids of a stream, nor at a cut."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from language_fixtures import LINES

from language_model.corpus import Text, decode, read_text, unknown_parts
from language_model.prepare import learn_vocabulary
from language_model.recipe import VocabularyConfig
from s2s.errors import UserError
from s2s.text.tokens import END, UNK

TEXT = "\n".join(LINES * 8) + "\n"
KINDS = ["character", "word", "bpe", "unigram"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_text_comes_back(kind: str) -> None:
    text = Text.of(TEXT)
    vocabulary = learn_vocabulary(text, VocabularyConfig(kind, size=33))  # type: ignore[arg-type]
    ids = text.encode(vocabulary)
    assert decode(vocabulary, ids.tolist()) == TEXT
    assert (ids == END).sum() == len(LINES * 8)
    assert UNK not in ids


def test_a_text_that_is_cut_has_no_line_end_there() -> None:
    text = Text.of("ab\ncd")
    vocabulary = learn_vocabulary(text, VocabularyConfig())
    assert (text.characters, text.words, text.line_ends) == (5, 3, 1)
    assert decode(vocabulary, text.encode(vocabulary).tolist()) == "ab\ncd"


@given(st.text("ab\n", min_size=1, max_size=40), st.floats(0.01, 0.99))
def test_a_split_loses_no_character(written: str, share: float) -> None:
    text = Text.of(written)
    first, last = text.split(share)
    assert text.characters == len(written)
    assert first.characters == int(len(written) * (1 - share))
    joined = "".join("\n".join(part.lines) + ("\n" if part.ended and part.lines else "") for part in (first, last))
    assert joined == written


def test_words_are_counted_with_line_ends() -> None:
    """As in WikiText-2, where blank lines count too."""
    assert Text.of(" a b  c \n\n d\n").words == 3 + 1 + 1 + 1 + 1


def test_files_are_read_one_after_the_other(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one\r\ntwo")
    (tmp_path / "b").write_text("three\n")
    assert read_text([tmp_path / "a", tmp_path / "b"]) == Text(["one", "two", "three"])


def test_an_empty_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(UserError, match="is empty; name a file of text"):
        read_text([tmp_path / "empty"])


@pytest.mark.parametrize(("kind", "unknown"), [("character", ["q", "€"]), ("word", ["q€", "€"]), ("bpe", ["q€", "€"])])
def test_unknown_parts_are_named_once(kind: str, unknown: list[str]) -> None:
    vocabulary = learn_vocabulary(Text.of(TEXT), VocabularyConfig(kind, size=33))  # type: ignore[arg-type]
    assert unknown_parts(vocabulary, Text.of("q€ a\n€ €\n")) == unknown
