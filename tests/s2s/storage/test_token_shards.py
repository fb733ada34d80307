"""Token shards: what is written is read back, any part by itself; damage is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from s2s.errors import UserError
from s2s.storage.token_shards import (
    HASHES,
    LINES,
    PARTS,
    Sequences,
    Shard,
    fitting,
    token_type,
    write_part,
    write_sequences,
)

SOURCES = [[5, 6], [7], [8, 9, 10], []]
TARGETS = [[1], [2, 3, 4], [], [11]]


@pytest.fixture
def shard(tmp_path: Path) -> Shard:
    checksums = write_sequences(tmp_path, "0", Sequences.of(SOURCES, TARGETS, np.uint16))
    checksums[LINES] = write_part(tmp_path, "0", LINES, np.array([1, 3, 4, 9], dtype=np.uint32))
    checksums[HASHES] = write_part(tmp_path, "0", HASHES, np.arange(4, dtype=np.uint64))
    return Shard(tmp_path, "0", 4, checksums)


def pairs(sequences: Sequences) -> list[tuple[list[int], list[int]]]:
    return [sequences.pair(row) for row in range(len(sequences))]


def test_any_range_is_read_by_itself(shard: Shard) -> None:
    shard.verify()
    everything = list(zip(SOURCES, TARGETS))
    ranges = [(first, end) for first in range(5) for end in range(first, 5)]
    assert [pairs(part) for part in shard.read(ranges)] == [everything[first:end] for first, end in ranges]
    joined = Sequences.joined(shard.read([(2, 4), (0, 1)]))
    assert pairs(joined) == [*everything[2:], everything[0]]
    assert joined.lengths.tolist() == [[3, 0], [0, 1], [2, 1]]


def test_the_files_are_those_that_the_documents_describe(shard: Shard) -> None:
    tokens, offsets = (np.load(shard.folder / f"0.{part}.npy", mmap_mode="r") for part in ("tokens", "offsets"))
    assert [tokens[offsets[2 * i] : offsets[2 * i + 1]].tolist() for i in range(4)] == SOURCES
    assert [tokens[offsets[2 * i + 1] : offsets[2 * i + 2]].tolist() for i in range(4)] == TARGETS
    assert (tokens.dtype, offsets.dtype) == (np.uint16, np.uint32)


@pytest.mark.parametrize("part", PARTS)
def test_damage_is_named(shard: Shard, part: str) -> None:
    path = shard.path(part)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(UserError, match=rf"0\.{part}\.npy: is damaged, truncated or edited"):
        shard.verify()
    path.write_bytes(data[:-3])
    with pytest.raises(UserError, match=rf"0\.{part}\.npy: is damaged or truncated"):
        shard.open(part)
    path.unlink()
    with pytest.raises(UserError, match=rf"0\.{part}\.npy: is missing"):
        shard.verify()


def test_numbers_have_a_type_that_holds_them() -> None:
    assert (token_type(2**16), token_type(2**16 + 1)) == (np.uint16, np.uint32)
    assert (fitting(2**32 - 1), fitting(2**32)) == (np.uint32, np.uint64)
