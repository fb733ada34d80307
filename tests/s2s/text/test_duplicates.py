"""Equal pairs are found by their hashes, the first of them being the one that is new."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from s2s.text.duplicates import SeenHashes, hashes_of_pairs


@given(st.lists(st.lists(st.integers(0, 12), max_size=9), max_size=9))
def test_the_first_of_equal_hashes_is_new_in_whatever_parts_they_come(parts: list[list[int]]) -> None:
    seen, known = SeenHashes(), set[int]()
    for part in parts:
        new = seen.add(np.array(part, dtype=np.uint64))
        expected = []
        for value in part:
            expected.append(value not in known)
            known.add(value)
        assert new.tolist() == expected


def test_many_parts_are_kept_in_few_arrays() -> None:
    seen, random = SeenHashes(), np.random.default_rng(1)
    for _ in range(200):
        assert seen.add(random.integers(0, 2**63, 50).astype(np.uint64)).all()
    assert len(seen._runs) < 10
    assert sum(map(len, seen._runs)) == 10_000


def test_pairs_have_the_same_hash_only_if_both_sides_are_the_same() -> None:
    pairs = [("a b", "c"), ("a", "b c"), ("c", "a b"), ("a b", "c"), ("", "a bc"), ("é", "c")]
    hashes = hashes_of_pairs(pairs)
    assert hashes.dtype == np.dtype("uint64")
    assert len(set(hashes.tolist())) == 5
    assert hashes[0] == hashes[3] == hashes_of_pairs(pairs[:1])[0]
