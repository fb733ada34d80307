"""Odd pictures that a calibration sees: of every kind, the same every time, and unlike the photograph."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from captioning.spoiling import spoiled

KINDS = 11


def photograph(width: int = 96, height: int = 64) -> Image.Image:
    """Something with edges and colours, and no two rows or columns alike."""
    rows, columns = np.mgrid[:height, :width]
    return Image.fromarray(np.stack([3 * rows, 2 * columns, (rows // 8 + columns // 8) % 2 * 200], -1).astype(np.uint8))


@pytest.mark.parametrize("number", range(2 * KINDS))
def test_an_odd_picture_is_the_same_for_the_same_number_and_unlike_the_photograph(number: int) -> None:
    odd, described = spoiled(photograph(), number, 1)
    assert odd.mode == "RGB"
    assert odd.tobytes() == spoiled(photograph(), number, 1)[0].tobytes()
    assert odd.resize((96, 64)).tobytes() != photograph().tobytes()
    assert described == (number % KINDS < 7)  # a version of the photograph, or a drawing


def test_pictures_of_one_kind_differ() -> None:
    for kind in range(KINDS):
        if kind != 6:  # upside down is always the same
            pictures = {spoiled(photograph(), kind + KINDS * turn, 1)[0].tobytes() for turn in range(4)}
            assert len(pictures) > 1


@pytest.mark.parametrize("size", [(1, 1), (2, 300), (3000, 2000)])
def test_every_size_of_photograph_can_be_spoiled(size: tuple[int, int]) -> None:
    for number in range(KINDS):
        odd, _ = spoiled(photograph(*size), number, 2)
        assert max(odd.size) <= 640
