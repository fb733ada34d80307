"""A grid and the weights on it as a picture: a lit photograph, or plain cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from PIL import Image, ImageDraw

from s2s.views.attention_view import Grid
from s2s.views.drawing import PAPER, RING, draw_weight
from s2s.views.light import heat_map, peak_position, with_light

Photographs = Mapping[str, Image.Image]  # upright, by the path that `Photograph` names

_RING_FROM = 0.05  # the share of a photograph from which its heaviest cell has a ring


class SegmentPicture(Protocol):
    """Draws one grid again and again, once for each token."""

    size: tuple[int, int]

    def draw(self, weights: Sequence[float] | None) -> Image.Image:
        """The grid under the weights of a token, or without any; the picture has `size`."""
        ...


def segment_picture(grid: Grid, photographs: Photographs, size: tuple[int, int]) -> SegmentPicture:
    """What draws a grid within `size` pixels."""
    photograph = photograph_of(grid, photographs)
    return CellsPicture(grid, size) if photograph is None else PhotographPicture(grid, photograph, size)


def photograph_of(grid: Grid, photographs: Photographs) -> Image.Image | None:
    """The photograph below a grid, if there is one and it is at hand."""
    return photographs.get(grid.photograph.path) if grid.photograph else None


class PhotographPicture:
    """A photograph with light where the weights are, and a ring around the middle of the heaviest cell."""

    def __init__(self, grid: Grid, photograph: Image.Image, size: tuple[int, int]) -> None:
        self.size = _fit(photograph.width, photograph.height, size)
        self._grid, self._photograph = grid, photograph.resize(self.size, Image.Resampling.LANCZOS)

    def draw(self, weights: Sequence[float] | None) -> Image.Image:
        """See `SegmentPicture`."""
        if weights is None:
            return self._photograph
        picture = with_light(self._photograph, heat_map(weights, self._grid, *self.size))
        if sum(weights) >= _RING_FROM:
            _draw_ring(picture, *peak_position(weights, self._grid))
        return picture


class CellsPicture:
    """The cells of a grid, the darker the more weight they have."""

    def __init__(self, grid: Grid, size: tuple[int, int]) -> None:
        self._grid, self.size = grid, _fit(grid.columns, grid.rows, size)

    def draw(self, weights: Sequence[float] | None) -> Image.Image:
        """See `SegmentPicture`."""
        picture = Image.new("RGB", self.size, PAPER)
        draw = ImageDraw.Draw(picture)
        width, height = self.size[0] / self._grid.columns, self.size[1] / self._grid.rows
        gap = 1 if min(width, height) > 4 else 0
        letters = round(height * 2 / 5) if width > 24 else 0
        for i in range(self._grid.positions):
            row, column = divmod(i, self._grid.columns)
            left, top = round(column * width), round(row * height)
            right, bottom = round((column + 1) * width) - 1 - gap, round((row + 1) * height) - 1 - gap
            if left <= right and top <= bottom:  # there may be more cells than pixels
                draw_weight(draw, (left, top, right, bottom), weights[i] if weights else 0.0, letters)
        return picture


def _fit(width: int, height: int, most: tuple[int, int]) -> tuple[int, int]:
    """The largest size of these proportions within `most`."""
    scale = min(most[0] / width, most[1] / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _draw_ring(picture: Image.Image, x: float, y: float) -> None:
    """Mark a place, given as shares of the picture's width and height."""
    place, radius = (x * picture.width, y * picture.height), max(picture.size) / 36
    stroke = 3 if radius > 5 else 1
    draw = ImageDraw.Draw(picture)
    draw.circle(place, radius + 1, outline=(0, 0, 0), width=stroke + 2)
    draw.circle(place, radius, outline=RING, width=stroke)
