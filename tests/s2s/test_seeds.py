"""Seeds: streams differ from place to place, and each is the same whenever it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from itertools import product
from random import Random

import numpy as np
import pytest

from s2s import seeds

SEEDS = (0, 1, 2, 41, 2**32 - 1)  # the recipe allows 0 to 2**32 - 1
TIMES = (0, 1, 2, 999)
FUNCTIONS: dict[Callable[..., Hashable], int] = {  # each with its number of places beside the seed
    seeds.of_weights: 0,
    seeds.of_step: 1,
    seeds.of_streams: 1,
    seeds.of_picture_order: 1,
    seeds.of_views: 2,
    seeds.of_held_out: 0,
    lambda seed, epoch: tuple(seeds.of_batches(seed, epoch)): 1,
    lambda seed, epoch: seeds.of_text(seed, epoch)[0]: 1,
    lambda seed, epoch: seeds.of_text(seed, epoch)[1]: 1,
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_place_has_a_seed_of_its_own_that_repeats(function: Callable[..., Hashable]) -> None:
    places = list(product(SEEDS, *[TIMES] * FUNCTIONS[function]))
    found = [function(*place) for place in places]
    assert found == [function(*place) for place in places]
    assert len(set(found)) == len(places)


def test_both_sides_of_a_text_have_seeds_of_their_own() -> None:
    found = [side for seed, epoch in product(SEEDS, TIMES) for side in seeds.of_text(seed, epoch)]
    assert len(set(found)) == 2 * len(SEEDS) * len(TIMES)


def test_crops_differ_by_their_number_and_by_the_picture() -> None:
    found = [seeds.of_crop(number, content) for number in (1, 2, 11) for content in ("1abc", "abc", "1 abc")]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_streams_of_neighbouring_places_differ(seed: int) -> None:
    def drawn(seed: int | str) -> list[float]:
        random = Random(seed)
        return [random.random() for _ in range(4)]

    groups = {
        "views": [seeds.of_views(seed, epoch, position) for epoch in (0, 1) for position in (0, 1)],
        "text": [side for epoch in (0, 1) for side in seeds.of_text(seed, epoch)],
        "crops": [seeds.of_crop(number, content) for number in (1, 2) for content in ("abc", "abd")],
    }
    for group in groups.values():
        streams = [drawn(each) for each in group]
        assert streams == [drawn(each) for each in group]
        assert len({tuple(stream) for stream in streams}) == len(streams)


def test_numpy_takes_the_seed_of_the_batches() -> None:
    orders = [
        np.random.Generator(np.random.PCG64(seeds.of_batches(seed, epoch))).permutation(50).tolist()
        for seed, epoch in ((1, 0), (1, 1), (2, 0), (0, 1))
    ]
    assert len({tuple(order) for order in orders}) == 4


def test_torch_takes_the_largest_seed_of_a_step() -> None:
    import torch

    generator = torch.Generator()
    generator.manual_seed(seeds.of_step(2**32 - 1, 10**9))
    first = torch.rand(3, generator=generator)
    assert not torch.equal(first, torch.rand(3, generator=generator.manual_seed(seeds.of_step(2**32 - 1, 10**9 - 1))))
