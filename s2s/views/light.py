"""Attention on the cells of a grid, drawn as light on a photograph."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from s2s.views.attention_view import Grid

HeatMap = NDArray[np.float32]

_SHADE, _DARKNESS = (12, 12, 20), 0.8  # colour and opacity of the shade over what has no weight
_GLOW, _WARMTH = (255, 140, 30), 0.25  # colour and opacity of the glow at the peak: light alone is invisible on black
_SIZES = ((1, 82), (1, 70), (0.8, 70), (0.6, 65), (0.45, 55), (0.3, 50), (0.15, 40))  # shares of a side, and qualities
_FLAT = 4.0  # a peak of fewer times the mean weight is drawn fainter than full light


def strength(weight: float) -> float:
    """How strongly a weight is drawn, from 0 to 1. Small weights are raised, or 0.1 would be invisible."""
    return min(1.0, weight) ** 0.7


def heat_map(weights: Sequence[float], grid: Grid, width: int, height: int) -> HeatMap:
    """The weights of the cells as smooth light on a photograph of `width` x `height` pixels.

    Quadratic B-splines over the cells: smooth, without ripples, never negative. The light of nearly equal weights is
    even and faint, so that noise does not look like a peak. The light of a grid that shares the attention with other
    segments is as strong as its share.

    Returns:
        (height, width), from 0 to 1
    """
    cells = np.asarray(weights, np.float32).reshape(grid.rows, grid.columns)
    left, top, right, bottom = grid_box(grid)
    smooth = _splines(height, top, bottom, grid.rows) @ cells @ _splines(width, left, right, grid.columns).T
    share = float(cells.sum())
    brightest = max(float(smooth.max()), _FLAT * share / cells.size, 1e-12)
    return (smooth * (strength(share) / brightest)).astype(np.float32)


def grid_box(grid: Grid) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of the grid as shares of the photograph's width and height."""
    if grid.photograph is None:
        return 0.0, 0.0, 1.0, 1.0
    left, top, right, bottom = grid.photograph.box
    width, height = grid.photograph.width, grid.photograph.height
    return left / width, top / height, right / width, bottom / height


def peak_position(weights: Sequence[float], grid: Grid) -> tuple[float, float]:
    """The middle of the heaviest cell, as shares of the photograph's width and height."""
    row, column = divmod(max(range(len(weights)), key=weights.__getitem__), grid.columns)
    left, top, right, bottom = grid_box(grid)
    x = left + (column + 0.5) / grid.columns * (right - left)
    y = top + (row + 0.5) / grid.rows * (bottom - top)
    return min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)


def light_overlay(heat: HeatMap) -> Image.Image:
    """An RGBA image to lay over a photograph: dark where there is no light, a warm glow where there is."""
    dark, warm = _DARKNESS * (1 - heat), _WARMTH * heat
    opacity = dark + warm
    share = (warm / opacity)[..., None]
    colour = (1 - share) * np.array(_SHADE, np.float32) + share * np.array(_GLOW, np.float32)
    rgba = np.concatenate([colour, 255 * opacity[..., None]], axis=2)  # (height, width, 4)
    return Image.fromarray(rgba.round().astype(np.uint8))


def with_light(photograph: Image.Image, heat: HeatMap) -> Image.Image:
    """The photograph under its light overlay; `heat` has its size."""
    image = photograph.convert("RGBA")
    image.alpha_composite(light_overlay(heat))
    return image.convert("RGB")


def shrink(image: Image.Image, side: int) -> Image.Image:
    """The image with no side longer than `side` pixels. An image that is smaller is returned as it is."""
    scale = min(1.0, side / max(image.size))
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image if size == image.size else image.resize(size, Image.Resampling.LANCZOS)


def webp_within(image: Image.Image, side: int, most: int) -> tuple[bytes, tuple[int, int]]:
    """The image as the content of a WebP file of at most so many bytes, and its width and height.

    Args:
        image: of any size
        side: pixels of the longer side, at most. It becomes smaller, and the quality lower, until the file is small
            enough; the smallest one that is tried is returned whatever its size.
        most: bytes
    """
    data, size = b"", (1, 1)
    for scale, quality in _SIZES:
        small = shrink(image, max(1, round(side * scale)))
        data, size = webp(small, quality), small.size
        if len(data) <= most:
            break
    return data, size


def webp(image: Image.Image, quality: int = 82) -> bytes:
    """The image as the content of a WebP file."""
    data = BytesIO()
    image.save(data, "WEBP", quality=quality, method=2)  # 2: twice as fast as the default, 1 % larger
    return data.getvalue()


def _splines(pixels: int, low: float, high: float, cells: int) -> HeatMap:
    """(pixels, cells): the share of each cell's value in each pixel, if cells fill low to high and pixels 0 to 1."""
    middles = (np.arange(pixels) + 0.5) / pixels
    places = (middles - low) / (high - low) * cells - 0.5  # in cells, 0 at the middle of the first one
    places = places.clip(0, cells - 1)  # the photograph's edge is as bright as the middle of the last cell
    distance = np.abs(places[:, None] - np.arange(-1, cells + 1))  # one cell more at each edge, which repeats it
    values = np.where(distance < 0.5, 0.75 - distance**2, np.maximum(1.5 - distance, 0) ** 2 / 2)
    values[:, 1] += values[:, 0]
    values[:, -2] += values[:, -1]
    return values[:, 1:-1].astype(np.float32)
