"""Words of a line: told apart as treebanks do, and the same again for what is told apart already."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2s.text.word_marks import tokenised, words_of


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("I don't think it's O'Brien's.", "I do n't think it 's O'Brien 's ."),
        ("Can’t we (all) go?!", "Ca n't we ( all ) go ? !"),
        ("U.S. sales: 1,000.50 -- well-made...", "U.S. sales : 1,000.50 -- well-made ..."),
        ("Mr. Smith's -lrb- 1930s -rrb-", "Mr. Smith 's -lrb- 1930s -rrb-"),
    ],
)
def test_words_as_treebanks_have_them(line: str, words: str) -> None:
    assert tokenised(line) == words.split()
    assert tokenised(words) == words.split()
    assert words_of(line, tokenise=False) == line.split()


@given(st.text())
def test_no_character_is_lost(line: str) -> None:
    letters = "".join(line.split()).translate(str.maketrans("’ʼ‘", "'''"))
    assert "".join(tokenised(line)) == letters


def test_what_is_not_seen_is_not_read() -> None:
    assert words_of("go\u200bod\ufeff \u200b", tokenise=True) == words_of("good", tokenise=False)


def test_marks_that_combine_stay_with_their_letters() -> None:
    assert tokenised("हिन्दी, x\u0301y 日本語。") == ["हिन्दी", ",", "x\u0301y", "日本語", "。"]
