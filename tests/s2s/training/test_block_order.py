"""The order of blocks: every pair as often as its weight says, from the seed and the epoch alone."""

from __future__ import annotations

from collections import Counter

import pytest

from s2s.training.block_order import BlockOrder, BlockSequence

SHARDS = [[10, 3], [], [7]]  # pairs 0 to 12 and 13 to 19


def read(blocks: BlockSequence) -> list[int]:
    total = int(blocks.ends[-1])
    return [pair for first, end in blocks.ranges(0, total) for pair in range(first, end)]


def test_an_epoch_reads_every_pair_once_in_an_order_of_its_own() -> None:
    order = BlockOrder(SHARDS, [1, 1, 1], block=2)
    epochs = [read(order.epoch(epoch)) for epoch in range(4)]
    assert all(sorted(epoch) == list(range(20)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4
    assert epochs == [read(BlockOrder(SHARDS, [1, 1, 1], block=2).epoch(epoch)) for epoch in range(4)]
    assert read(BlockOrder(SHARDS, [1, 1, 1], seed=2, block=2).epoch(0)) != epochs[0]
    assert order.pairs == 20


def test_no_block_is_of_two_shards() -> None:
    blocks = BlockOrder(SHARDS, [1, 1, 1], block=4).epoch(0)
    assert sorted(blocks.ranges(0, 20)) == [(0, 4), (4, 8), (8, 10), (10, 13), (13, 17), (17, 20)]


def test_any_part_of_an_epoch_is_read_by_itself() -> None:
    blocks = BlockOrder(SHARDS, [1, 1, 1], block=4).epoch(3)
    everything = read(blocks)
    for start in range(20):
        assert blocks.pair(start) == everything[start]
        for stop in range(start + 1, 21):
            found = [pair for first, end in blocks.ranges(start, stop) for pair in range(first, end)]
            assert found == everything[start:stop]


@pytest.mark.parametrize("block", [1, 3, 50])
def test_weights_say_how_often_a_corpus_is_read(block: int) -> None:
    order = BlockOrder(SHARDS, [0.25, 1, 2], block=block)
    epochs = [Counter(read(order.epoch(epoch))) for epoch in range(13)]
    assert all(epoch[pair] == 2 for epoch in epochs for pair in range(13, 20))
    assert all(sum(epoch[pair] for pair in range(13)) == 3 for epoch in epochs)
    assert all(sum(epoch[pair] for epoch in epochs) == 3 for pair in range(13))  # 39 readings of 13 pairs


def test_a_temperature_favours_small_corpora() -> None:
    order = BlockOrder([[90], [10]], [1, 1], temperature=2)
    found = Counter(pair < 90 for pair in read(order.epoch(0)))
    assert found == {True: 75, False: 25}
