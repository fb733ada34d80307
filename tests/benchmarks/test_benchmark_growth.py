"""The names of growth, and its picture."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from tests.benchmarks.growth import Growth, picture_of


@pytest.mark.parametrize(
    ("power", "name"), [(0, "less than linear"), (0.95, "linear"), (1, "linear"), (2, "more than linear")]
)
def test_growth_is_named_by_its_exponent(power: float, name: str) -> None:
    growth = Growth("a step", "words", [(size, 0.3 * size**power) for size in (10, 20, 40)])
    assert growth.exponent == pytest.approx(power)
    assert growth.name == name


def test_each_size_has_a_panel(tmp_path: Path) -> None:
    growths = [Growth(what, size, [(1, 0.5), (2, 1.0)]) for size in ("words", "pairs") for what in ("one", "two")]
    picture_of(growths, tmp_path / "two.png")
    picture_of(growths[:2], tmp_path / "one.png")
    heights = [Image.open(tmp_path / f"{name}.png").height for name in ("one", "two")]
    assert heights[1] > 1.5 * heights[0]
