"""BPE-dropout: samples that depend on their arguments alone, as often as the paper says."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vocabulary_fixtures import ALPHABET, BPE, LINES, UNIGRAM

from s2s.errors import UserError
from s2s.text.bpe_dropout import MergeDropout, encode_word


def sampled(seed: int, dropout: float = 0.5) -> list[list[int]]:
    return BPE.encode_sampled(LINES, dropout=dropout, seed=seed)


@given(seed=st.integers(-(2**70), 2**70) | st.just(2**32 - 1), other=st.integers(0, 2**64))
@settings(deadline=None, max_examples=20)
def test_a_sample_is_a_function_of_its_arguments(seed: int, other: int) -> None:
    first = sampled(seed)
    sampled(other)
    assert sampled(seed) == first


def test_samples_of_other_seeds_differ() -> None:
    samples = [tuple(map(tuple, sampled(seed))) for seed in range(20)]
    assert len(set(samples)) == 20


def test_a_sample_is_the_same_in_another_process() -> None:
    code = (
        "import sys; from s2s.text.vocabulary import load_vocabulary\n"
        "bpe = load_vocabulary('bpe', sys.stdin.buffer.read())\n"
        f"print(bpe.encode_sampled({LINES[:20]!r}, dropout=0.5, seed=3))"
    )
    other = subprocess.run([sys.executable, "-c", code], input=BPE.to_bytes(), capture_output=True, check=True)
    assert json.loads(other.stdout) == BPE.encode_sampled(LINES[:20], dropout=0.5, seed=3)


@given(text=st.text(ALPHABET), dropout=st.floats(0, 1), seed=st.integers(0, 9))
@settings(deadline=None)
def test_a_sample_is_another_spelling_of_the_text(text: str, dropout: float, seed: int) -> None:
    ids = BPE.encode_sampled(text, dropout=dropout, seed=seed)
    assert BPE.decode(ids) == text
    assert BPE.encode_sampled([text], dropout=dropout, seed=seed) == [ids]


def test_dropout_grows_from_nothing_to_single_characters() -> None:
    lengths = [sum(map(len, sampled(1, dropout))) for dropout in (0, 0.2, 0.6, 1)]
    assert lengths == sorted(set(lengths))
    assert sampled(1, 0) == BPE.encode_all(LINES)
    assert lengths[-1] == sum(len(line) + 1 for line in LINES)  # the dummy prefix


@given(text=st.text(ALPHABET + "漢▁") | st.text())
@settings(deadline=None)
def test_no_dropout_is_what_sentencepiece_does(text: str) -> None:
    assert BPE.encode_sampled(text, dropout=0, seed=1) == BPE.encode(text)


@pytest.mark.parametrize("dropout", [0.1, 0.5])
def test_at_each_step_a_merge_is_left_out_with_its_probability(dropout: float) -> None:
    """Two merges that do not touch: what is left out while the other merges has a second chance, as in the paper."""
    ids, chance, count = {"ab": 4, "cd": 5, "a": 6, "b": 7, "c": 8, "d": 9}, MergeDropout(dropout, seed=1), 20_000
    found = Counter(tuple(encode_word("abcd", ids, chance)[0]) for _ in range(count))
    kept = 1 - dropout
    expected = {
        (4, 5): kept * kept + dropout * kept * kept,
        (4, 8, 9): kept * dropout,
        (6, 7, 5): dropout * kept * dropout,
        (6, 7, 8, 9): dropout * dropout,
    }
    assert {ids: number / count for ids, number in found.items()} == pytest.approx(expected, abs=0.015)


def test_words_that_pass_whole_use_up_their_merges() -> None:
    chance, count = MergeDropout(0.1, seed=1), 20_000
    whole = [chance.passes(3) or not [chance.keeps() for _ in range(3)] for _ in range(count)]
    assert sum(whole) / count == pytest.approx(0.9**3, abs=0.015)


@pytest.mark.parametrize("dropout", [-0.1, 1.1, float("nan")])
def test_dropout_is_a_probability(dropout: float) -> None:
    with pytest.raises(UserError, match="from 0 to 1"):
        sampled(1, dropout)


def test_dropout_is_for_bpe_only() -> None:
    with pytest.raises(UserError, match="this one is unigram"):
        UNIGRAM.encode_sampled("the cat", dropout=0.1, seed=1)
