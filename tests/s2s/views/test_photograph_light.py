"""Light on photographs: it lies where the weights are, and is as strong as they are."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from s2s.views.attention_view import Grid, Photograph
from s2s.views.light import heat_map, peak_position, shrink, webp, with_light

PADDED = Grid("photograph", 4, 4, Photograph("wide.jpg", 200, 100, (0.0, 0.0, 200.0, 200.0)))


def on_one_cell(grid: Grid, row: int, column: int) -> tuple[float, ...]:
    weights = [0.0] * grid.positions
    weights[row * grid.columns + column] = 1.0
    return tuple(weights)


@pytest.mark.parametrize(("row", "column"), [(0, 0), (1, 2), (2, 1), (1, 0)])
def test_light_falls_where_the_cell_lies_on_the_photograph(row: int, column: int) -> None:
    """A stretched photograph is covered by the grid whole."""
    grid = Grid("photograph", 3, 4, Photograph("x.jpg", 800, 300, (0, 0, 800, 300)))
    light = heat_map(on_one_cell(grid, row, column), grid, 80, 30)
    assert light.shape == (30, 80)
    x, y = peak_position(on_one_cell(grid, row, column), grid)
    assert (x, y) == ((column + 0.5) / 4, (row + 0.5) / 3)
    assert light.max() == 1
    assert light[int(y * 30), int(x * 80)] > 0.95
    inside = light > 0.4
    rows, columns = np.nonzero(inside)
    assert rows.min() >= (row - 0.3) * 10
    assert rows.max() <= (row + 1.3) * 10
    assert columns.min() >= (column - 0.3) * 20
    assert columns.max() <= (column + 1.3) * 20


def test_a_padded_photograph_has_its_part_of_the_grid() -> None:
    """The photograph is twice as wide as high: it fills the upper half of the square grid."""
    light = heat_map(on_one_cell(PADDED, 1, 3), PADDED, 40, 20)
    assert peak_position(on_one_cell(PADDED, 1, 3), PADDED) == (0.875, 0.75)
    assert light[15, 35] > 0.97
    assert light[4:, :20].max() == 0
    assert heat_map(on_one_cell(PADDED, 3, 0), PADDED, 40, 20).max() == 0  # in the padding, out of the photograph


def test_weights_that_are_alike_are_not_made_to_look_like_a_peak() -> None:
    grid = Grid("photograph", 7, 7)
    light = heat_map((1 / 49,) * 49, grid, 50, 50)
    assert light == pytest.approx(np.full((50, 50), 0.25), abs=1e-5)
    assert heat_map((0.0,) * 49, grid, 5, 5).max() == 0


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=12, max_size=12), st.integers(1, 40), st.integers(1, 40))
def test_light_is_a_share(weights: list[float], width: int, height: int) -> None:
    light = heat_map(tuple(weights), Grid("photograph", 3, 4), width, height)
    assert light.shape == (height, width)
    assert light.min() >= 0
    assert light.max() <= 1 + 1e-5


def test_the_heaviest_cell_is_bright() -> None:
    photograph = Image.new("RGB", (40, 20), (120, 120, 120))
    image = np.asarray(with_light(photograph, heat_map(on_one_cell(PADDED, 1, 3), PADDED, 40, 20))).sum(2)
    assert image[15, 35] > 3 * image[2, 2]


def test_light_is_as_strong_as_the_share_of_the_photograph() -> None:
    """The rest of the weight may be on another segment."""
    grid = Grid("photograph", 3, 4)
    peaks = [heat_map((share, *[0.0] * 11), grid, 20, 20).max() for share in (1.0, 0.5, 0.1, 0.0)]
    assert peaks == pytest.approx([1, 0.5**0.7, 0.1**0.7, 0], abs=1e-6)


def test_images_are_shrunk_and_never_enlarged() -> None:
    image = Image.new("RGB", (400, 100))
    assert shrink(image, 200).size == (200, 50)
    assert shrink(image, 1000) is image
    assert shrink(Image.new("RGB", (1000, 1)), 10).size == (10, 1)
    assert Image.open(BytesIO(webp(image))).size == (400, 100)
