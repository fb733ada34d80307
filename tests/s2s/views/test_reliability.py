"""The reliability picture: points on the diagonal where confidences are calibrated."""

from __future__ import annotations

import numpy as np
import pytest

from s2s.views.reliability import reliability_picture


def centre_of_the_point(confidence: float, share: float) -> tuple[float, float]:
    """Where a picture with one point differs, in the square, from one without: x and y in pixels."""
    drawn, empty = (np.asarray(reliability_picture(bins, "", "", 1.0)) for bins in ([(10, confidence, share)], []))
    rows, columns = np.nonzero((drawn != empty).any(2)[:630])  # below lies the number of outputs
    return float(columns.min() + columns.max()) / 2, float(rows.min() + rows.max()) / 2


def test_calibrated_points_lie_on_the_diagonal() -> None:
    """A point moves up as far as it moves to the right."""
    x, y = centre_of_the_point(0.2, 0.2)
    further_right, higher = centre_of_the_point(0.6, 0.6)
    assert further_right - x == pytest.approx(y - higher, abs=2)
    assert further_right - x > 100


def test_nothing_to_draw_is_an_empty_picture_with_axes() -> None:
    assert reliability_picture([], "a long title " * 50, "note", 0.5).size == reliability_picture([], "", "", 0.5).size


def test_spoiled_inputs_are_rings() -> None:
    """A ring has less colour than a point."""
    rows = [(5, 0.4, 0.4)]
    pictures = [
        reliability_picture(rows, "", "", 0.5),
        reliability_picture([], "", "", 0.5, rows),
        reliability_picture([], "", "", 0.5),
    ]
    point, ring, nothing = ((np.asarray(each)[:630] == (196, 72, 8)).all(2).sum() for each in pictures)
    assert point > ring > nothing
