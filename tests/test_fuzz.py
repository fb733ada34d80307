"""A hundred wrong inputs of each kind; tests/benchmarks/soak_trust.py tries as many as one likes."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from fuzz_kinds import KINDS, LIGHT_KINDS
from fuzz_world import World, build, in_this_process, light

INPUTS = 100

# pytest takes away the filter that s2s/vision/images.py sets; test_images.py holds that a terminal sees no warning
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL.TiffImagePlugin")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("S2S_CACHE", str(tmp_path_factory.mktemp("cache")))
        return build(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def light_world(world: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    return light(world, tmp_path_factory.mktemp("light"))


@pytest.mark.parametrize("kind", LIGHT_KINDS)
def test_nor_with_the_light_engine(kind: str, light_world: World, tmp_path: Path) -> None:
    test_nothing_wrong_is_lost_silent_or_a_crash(kind, light_world, tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_wrong_is_lost_silent_or_a_crash(kind: str, world: World, tmp_path: Path) -> None:
    attempt, together = KINDS[kind]
    for number in range(INPUTS // together):
        draw = Random(f"1 {kind} {number}")
        assert [f"input {number}: {fault}" for fault in attempt(world, draw, in_this_process, tmp_path)] == []
