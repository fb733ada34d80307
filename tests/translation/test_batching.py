"""translation.batching: every source is in one batch, and no batch is too large."""

from __future__ import annotations

import random

import pytest

from translation.batching import length_batches

LENGTHS = [random.Random(i).randint(1, 30) for i in range(3000)]


@pytest.mark.parametrize(("tokens", "sentences"), [(1, 9), (20, 9), (200, 9), (200, 1), (10**9, 5000)])
def test_batches_keep_to_the_budget(tokens: int, sentences: int) -> None:
    batches = length_batches(LENGTHS, tokens=tokens, sentences=sentences)
    assert sorted(i for batch in batches for i in batch) == list(range(3000))
    for batch in batches:
        assert len(batch) <= sentences
        assert len(batch) == 1 or len(batch) * (max(LENGTHS[i] for i in batch) + 1) <= tokens


def test_batches_are_full_and_the_longest_sources_come_first() -> None:
    assert length_batches([3, 1, 2, 9, 1], tokens=8, sentences=9) == [[3], [2, 0], [1, 4]]
    assert length_batches([1] * 5, tokens=99, sentences=2) == [[4], [2, 3], [0, 1]]
    assert length_batches([], tokens=1, sentences=1) == []
