"""Spoiling: photographs turned into odd pictures, so that a calibration of confidence has seen bad captions.

A model captions its validation photographs as well as it can. What it does with other pictures can be measured on
these: some are versions of a photograph, whose references are still known (tiles in another order, upside down, a small
part of it, blurred, noisy, few colours, outlines); the others have nothing to do with it (flat colours, noise, shapes,
letters, windows on a screen).
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps

_SIDE = 512  # pixels, of a picture that is drawn, and at most of a version of a photograph
_WHITE, _BLACK = (255, 255, 255), (25, 25, 30)
_Box: TypeAlias = tuple[int, int, int, int]


def spoiled(photograph: Image.Image, number: int, seed: int) -> tuple[Image.Image, bool]:
    """An odd picture, the same for the same number and seed; the number chooses its kind.

    Args:
        photograph: RGB; it may be made smaller
        number: of the photograph among those that are spoiled
        seed: of the random numbers

    Returns:
        the picture, and whether it is a version of the photograph, which its references may still describe.
    """
    generator = random.Random(f"{seed} {number}")
    photograph.thumbnail((_SIDE, _SIDE))
    kind = number % (len(_VERSIONS) + len(_DRAWINGS))
    if kind < len(_VERSIONS):
        return _VERSIONS[kind](photograph, generator), True
    return _DRAWINGS[kind - len(_VERSIONS)](generator), False


def _scrambled(image: Image.Image, generator: random.Random) -> Image.Image:
    """Square tiles in another order."""
    side = generator.choice((3, 4, 6))
    width, height = max(1, image.width // side), max(1, image.height // side)
    image = image.resize((side * width, side * height))
    corners = [(x * width, y * height) for x in range(side) for y in range(side)]
    scrambled = Image.new("RGB", image.size)
    for (x, y), corner in zip(corners, generator.sample(corners, len(corners))):
        scrambled.paste(image.crop((x, y, x + width, y + height)), corner)
    return scrambled


def _blurred(image: Image.Image, generator: random.Random) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(min(image.size) * generator.uniform(0.03, 0.12)))


def _noisy(image: Image.Image, generator: random.Random) -> Image.Image:
    values = np.random.default_rng(generator.randrange(1 << 30)).integers(0, 256, (*image.size[::-1], 3), np.uint8)
    return Image.blend(image, Image.fromarray(values), generator.uniform(0.6, 1.0))


def _outlined(image: Image.Image, generator: random.Random) -> Image.Image:
    """Lines where brightness changes: light on dark, dark on light, or dark on light without greys."""
    grey, way = image.convert("L"), generator.randrange(3)
    if way == 0:
        return ImageOps.autocontrast(grey.filter(ImageFilter.FIND_EDGES)).convert("RGB")
    if way == 1:
        return grey.filter(ImageFilter.CONTOUR).convert("RGB")
    edges = ImageOps.autocontrast(grey.filter(ImageFilter.GaussianBlur(1.5)).filter(ImageFilter.FIND_EDGES))
    return edges.point([255 if value < 75 else 0 for value in range(256)]).convert("RGB")


def _few_colours(image: Image.Image, generator: random.Random) -> Image.Image:
    way = generator.randrange(3)
    if way == 0:
        return ImageOps.posterize(image.filter(ImageFilter.MedianFilter(7)), 1)
    if way == 1:
        return image.quantize(generator.choice((2, 3, 4))).convert("RGB")
    return ImageOps.solarize(ImageOps.invert(image), generator.randrange(60, 200))


def _part(image: Image.Image, generator: random.Random) -> Image.Image:
    """A small part, enlarged."""
    share = generator.uniform(0.15, 0.3)
    width, height = max(1, round(share * image.width)), max(1, round(share * image.height))
    left, top = generator.randrange(image.width - width + 1), generator.randrange(image.height - height + 1)
    return image.crop((left, top, left + width, top + height)).resize(image.size, Image.Resampling.BICUBIC)


def _upside_down(image: Image.Image, generator: random.Random) -> Image.Image:
    return image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)


def _flat(generator: random.Random) -> Image.Image:
    """One colour, or one that becomes another."""
    first, second = (Image.new("RGB", (_SIDE, _SIDE), _colour(generator)) for _ in range(2))
    if generator.random() < 0.5:
        return first
    across = Image.linear_gradient("L").rotate(generator.choice((0, 90, 180, 270))).resize(first.size)
    return Image.composite(first, second, across)


def _shapes(generator: random.Random) -> Image.Image:
    image = Image.new("RGB", (_SIDE, _SIDE), _WHITE if generator.random() < 0.6 else _colour(generator))
    draw = ImageDraw.Draw(image)
    for _ in range(generator.randint(1, 25)):
        box, line, width = _box(generator), _colour(generator), generator.randint(1, 8)
        fill, kind = generator.choice((None, _colour(generator))), generator.randrange(4)
        if kind == 0:
            draw.rectangle(box, fill, line, width)
        elif kind == 1:
            draw.ellipse(box, fill, line, width)
        elif kind == 2:
            draw.line(generator.choice((box, (box[0], box[3], box[2], box[1]))), line, width)
        else:
            draw.polygon([_box(generator)[:2] for _ in range(generator.randint(3, 6))], fill, line)
    return image


def _letters(generator: random.Random) -> Image.Image:
    """A page of words, dark on light or light on dark."""
    paper = generator.choice((_WHITE, (250, 245, 230), _BLACK))
    image = Image.new("RGB", (_SIDE, _SIDE), paper)
    size, y = generator.randint(10, 40), float(generator.randint(0, 60))
    while y < _SIDE:
        _write(image, (generator.randint(5, 60), y), generator.randint(10, 60), size, paper == _BLACK, generator)
        y += size * generator.uniform(1.2, 2)
    return image


def _windows(generator: random.Random) -> Image.Image:
    """Windows with a title bar and lines of words, on a screen of one colour."""
    image = Image.new("RGB", (640, 480), _colour(generator))
    draw = ImageDraw.Draw(image)
    for _ in range(generator.randint(1, 4)):
        x, y, width, height = (generator.randrange(*span) for span in ((0, 300), (0, 200), (200, 400), (120, 300)))
        dark = generator.random() < 0.3
        draw.rectangle((x, y, x + width, y + height), _BLACK if dark else _WHITE, (100, 100, 100))
        draw.rectangle((x, y, x + width, y + 24), _colour(generator))
        for line in range(height // 30 - 1):
            _write(image, (x + 12, y + 34 + 30 * line), generator.randint(3, width // 10), 13, dark, generator)
    return image


def _write(
    image: Image.Image, at: tuple[float, float], letters: int, size: int, light: bool, generator: random.Random
) -> None:
    """Write a line of made-up words."""
    text = "".join(generator.choice(string.ascii_lowercase + "     ") for _ in range(letters))
    ImageDraw.Draw(image).text(at, text, (220, 220, 220) if light else (30, 30, 30), ImageFont.load_default(size))


def _box(generator: random.Random) -> _Box:
    """Left, top, right, bottom."""
    (left, right), (top, bottom) = (sorted(generator.sample(range(_SIDE), 2)) for _ in range(2))
    return left, top, right, bottom


def _colour(generator: random.Random) -> tuple[int, int, int]:
    return generator.randrange(256), generator.randrange(256), generator.randrange(256)


_VERSIONS: tuple[Callable[[Image.Image, random.Random], Image.Image], ...] = (
    _scrambled,
    _blurred,
    _noisy,
    _outlined,
    _few_colours,
    _part,
    _upside_down,
)
_DRAWINGS: tuple[Callable[[random.Random], Image.Image], ...] = (_flat, _shapes, _letters, _windows)
