"""Finding equal texts by 64-bit hashes, without holding the texts: 8 bytes for each.

Two different texts have the same hash with a chance of n^2 / 2^65 among n texts: 1 in 100,000 for 20 million, 3 % for a
billion.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np


def hashes_of_pairs(pairs: Iterable[tuple[str, str]]) -> np.ndarray:
    """Return the hash of each pair of lines: (pairs,) uint64. A line holds no line end, which therefore parts them."""
    digests = (blake2b(f"{first}\n{second}".encode(), digest_size=8).digest() for first, second in pairs)
    return np.frombuffer(b"".join(digests), dtype="<u8")


class SeenHashes:
    """The set of the hashes so far, in sorted arrays, each more than twice as long as the next."""

    def __init__(self) -> None:
        self._runs: list[np.ndarray] = []

    def add(self, hashes: np.ndarray) -> np.ndarray:
        """Add hashes; return which of them are new: (hashes,) bool, True for the first of several equal ones."""
        unique, first = np.unique(hashes, return_index=True)
        known = np.zeros(len(unique), dtype=bool)
        for run in self._runs:
            known |= run[np.minimum(np.searchsorted(run, unique), len(run) - 1)] == unique
        new = np.zeros(len(hashes), dtype=bool)
        new[first[~known]] = True
        self._keep(unique[~known])
        return new

    def _keep(self, run: np.ndarray) -> None:
        if len(run):
            self._runs.append(run)
        while len(self._runs) > 1 and len(self._runs[-2]) <= 2 * len(self._runs[-1]):
            merged = np.concatenate([self._runs.pop(), self._runs.pop()])
            merged.sort(kind="stable")  # merges two sorted arrays in linear time
            self._runs.append(merged)
