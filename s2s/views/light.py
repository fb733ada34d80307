"""From the weights on the cells of a grid to light on the photograph below them."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from s2s.views.attention_view import Grid

if TYPE_CHECKING:
    pass

Heat = NDArray[np.float32]

_NIGHT, _DARKNESS = (12, 12, 20), 0.8  # colour and opacity of what is laid over all that was not looked at
_GLOW, _WARMTH = (255, 140, 30), 0.25  # and over the peak: light alone would not show on what is black
_FLAT = 4.0  # a peak of fewer times the mean weight is not made to look like more


def heat(weights: tuple[float, ...], grid: Grid, width: int, height: int) -> Heat:
    """The weights as smooth light on a photograph of `width` x `height` pixels: (height, width), 1 at the peak.

    Quadratic B-splines over the cells: no ripple, nothing below zero. Where the weights are nearly alike, so is the
    light, and less than 1: noise is not blown up to a peak.
    """
    cells = np.asarray(weights, np.float32).reshape(grid.rows, grid.columns)
    left, top, right, bottom = box(grid)
    smooth = _splines(height, top, bottom, grid.rows) @ cells @ _splines(width, left, right, grid.columns).T
    flat = _FLAT * cells.sum() / cells.size
    return (smooth / max(float(smooth.max()), flat, 1e-12)).astype(np.float32)


def box(grid: Grid) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of the grid as shares of the photograph."""
    if grid.photograph is None:
        return 0.0, 0.0, 1.0, 1.0
    left, top, right, bottom = grid.photograph.box
    width, height = grid.photograph.width, grid.photograph.height
    return left / width, top / height, right / width, bottom / height


def peak(weights: tuple[float, ...], grid: Grid) -> tuple[float, float]:
    """Where the heaviest cell has its middle, as shares of the photograph's width and height."""
    row, column = divmod(max(range(len(weights)), key=weights.__getitem__), grid.columns)
    left, top, right, bottom = box(grid)
    x = left + (column + 0.5) / grid.columns * (right - left)
    y = top + (row + 0.5) / grid.rows * (bottom - top)
    return min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)


def veil(light: Heat) -> Image.Image:
    """Night over the photograph that gives way, where there is light, to a warm glow: RGBA."""
    dark, warm = _DARKNESS * (1 - light), _WARMTH * light
    opacity = dark + warm
    share = (warm / opacity)[..., None]
    colour = (1 - share) * np.array(_NIGHT, np.float32) + share * np.array(_GLOW, np.float32)
    rgba = np.concatenate([colour, 255 * opacity[..., None]], axis=2)  # (height, width, 4)
    return Image.fromarray(rgba.round().astype(np.uint8))


def lit(photograph: Image.Image, light: Heat) -> Image.Image:
    """The photograph under its veil; `light` has its size."""
    image = photograph.convert("RGBA")
    image.alpha_composite(veil(light))
    return image.convert("RGB")


def fitted(image: Image.Image, side: int) -> Image.Image:
    """The image with no side longer than `side` pixels, never enlarged."""
    scale = min(1.0, side / max(image.size))
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image if size == image.size else image.resize(size, Image.Resampling.LANCZOS)


def encoded(image: Image.Image, quality: int = 82) -> bytes:
    """The image as WebP."""
    data = BytesIO()
    image.save(data, "WEBP", quality=quality, method=2)  # 2: twice as fast as the default, 1 % larger
    return data.getvalue()


def _splines(pixels: int, low: float, high: float, cells: int) -> Heat:
    """(pixels, cells): how much of each cell's value a pixel gets, where cells fill low to high, pixels 0 to 1."""
    middles = (np.arange(pixels) + 0.5) / pixels
    places = (middles - low) / (high - low) * cells - 0.5  # in cells, 0 at the middle of the first one
    places = places.clip(0, cells - 1)  # no more light at the photograph's edge than in the middle of the last cell
    distance = np.abs(places[:, None] - np.arange(-1, cells + 1))  # one more at either edge, which repeats it
    values = np.where(distance < 0.5, 0.75 - distance**2, np.maximum(1.5 - distance, 0) ** 2 / 2)
    values[:, 1] += values[:, 0]
    values[:, -2] += values[:, -1]
    return values[:, 1:-1].astype(np.float32)
