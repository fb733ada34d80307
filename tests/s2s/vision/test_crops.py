"""Views of a picture: crops that are the same every time, and mirrored ones."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from captioning.recipe import ImageConfig
from s2s.vision.crops import MIRRORED, WHOLE, Augmentation

CONTENT = "0" * 64
GOLDEN = (5, 4, 16, 32)  # left, top, height, width


@pytest.fixture
def image() -> Image.Image:
    """Whose red is the column and whose green is the row."""
    columns, rows = np.meshgrid(np.arange(40), np.arange(20))
    return Image.fromarray(np.stack([columns, rows, 0 * rows], axis=2).astype(np.uint8))


def test_the_whole_is_the_picture_itself(image: Image.Image) -> None:
    assert WHOLE.apply(image, CONTENT) is image


def test_left_is_right_in_a_mirror(image: Image.Image) -> None:
    assert np.array_equal(np.asarray(MIRRORED.apply(image, CONTENT)), np.asarray(image)[:, ::-1])


@pytest.mark.parametrize("crop", range(1, 30))
def test_a_crop_is_a_rectangle_of_at_least_three_quarters_a_side(crop: int, image: Image.Image) -> None:
    seen = np.asarray(Augmentation(crop).apply(image, CONTENT))
    height, width, _ = seen.shape
    assert 15 <= height <= 20
    assert 30 <= width <= 40
    top, left = seen[0, 0, 1], seen[0, 0, 0]
    assert np.array_equal(seen, np.asarray(image)[top : top + height, left : left + width])
    assert np.array_equal(seen, np.asarray(Augmentation(crop).apply(image.copy(), CONTENT)))
    assert np.array_equal(seen[:, ::-1], np.asarray(Augmentation(crop, mirrored=True).apply(image, CONTENT)))


def test_crops_differ_by_number_and_by_picture(image: Image.Image) -> None:
    sizes = [[Augmentation(crop).apply(image, each).size for crop in range(1, 30)] for each in (CONTENT, "other")]
    assert len(set(sizes[0])) > 15
    assert sizes[0] != sizes[1]


def test_a_recipe_says_what_is_seen() -> None:
    assert ImageConfig().views() == [MIRRORED, WHOLE]
    assert ImageConfig(mirror=False, crops=1).views() == [WHOLE, Augmentation(1)]
    assert ImageConfig(crops=3).views() == [
        MIRRORED,
        WHOLE,
        Augmentation(1),
        Augmentation(2, mirrored=True),
        Augmentation(3),
    ]


def test_a_crop_is_the_same_on_every_machine(image: Image.Image) -> None:
    """Or features in a cache would not be those of the crop that their name promises."""
    seen = np.asarray(Augmentation(1).apply(image, CONTENT))
    assert (*seen[0, 0, :2], *seen.shape[:2]) == GOLDEN
