"""A mixture reads each corpus as often as its weight says, and every example of it equally often."""

from __future__ import annotations

from collections import Counter

import pytest

from s2s.errors import UserError
from s2s.training.mixing import Mixture


def test_without_weights_an_epoch_is_every_example_once() -> None:
    assert Mixture([3, 2], [1.0, 1.0], seed=5).epoch(7) == [0, 1, 2, 3, 4]


def test_a_weight_is_how_often_an_epoch_reads_an_example() -> None:
    mixture = Mixture([100, 10, 30], [0.25, 2.0, 1.5], seed=1)
    counts = Counter(mixture.epoch(0))
    assert mixture.counts == [25, 20, 45]
    assert [sum(counts[i] for i in part) for part in (range(100), range(100, 110), range(110, 140))] == [25, 20, 45]
    assert {counts[i] for i in range(100, 110)} == {2}
    assert {counts[i] for i in range(110, 140)} == {1, 2}


def test_parts_of_a_corpus_follow_each_other_so_that_all_of_it_is_read() -> None:
    mixture = Mixture([100], [0.3], seed=1)
    read = Counter(example for epoch in range(10) for example in mixture.epoch(epoch))
    assert set(read.values()) == {3}
    assert len(read) == 100
    assert mixture.epoch(4) == Mixture([100], [0.3], seed=1).epoch(4)  # whatever was read before
    assert mixture.epoch(4) != Mixture([100], [0.3], seed=2).epoch(4)


def test_a_temperature_favours_small_corpora_and_keeps_the_size_of_an_epoch() -> None:
    assert Mixture([900, 100], [1.0, 1.0], temperature=1.0).counts == [900, 100]
    assert Mixture([900, 100], [1.0, 1.0], temperature=2.0).counts == [750, 250]
    assert Mixture([900, 100], [1.0, 3.0], temperature=2.0).counts == [600, 600]


def test_an_empty_corpus_gives_nothing() -> None:
    assert Mixture([0, 2], [5.0, 1.0]).epoch(0) == [0, 1]


def test_a_temperature_below_one_is_refused() -> None:
    with pytest.raises(UserError, match=r"the temperature of a mixture is 0\.5: choose 1 or more"):
        Mixture([1], [1.0], temperature=0.5)
