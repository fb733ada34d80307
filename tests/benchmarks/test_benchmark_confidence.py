"""The figures of confidence, and the pictures that are drawn for them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.benchmarks.odd_pictures import KINDS, Sheet, picture
from tests.benchmarks.ranking import area, spearman


def test_the_area_counts_pairs() -> None:
    assert area(np.array([0.9, 0.8]), np.array([0.1, 0.2, 0.3])) == 1
    assert area(np.array([0.5, 0.2]), np.array([0.5, 0.3])) == pytest.approx(0.375)


def test_the_correlation_is_that_of_ranks() -> None:
    values = np.array([3.0, 1.0, 2.0, 9.0])
    assert spearman(values, np.exp(values)) == pytest.approx(1)
    assert spearman(values, -values) == pytest.approx(-1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_drawing_is_the_same_every_time_and_not_flat(kind: Callable[[Sheet], None]) -> None:
    first = picture(kind, 1)
    assert first.tobytes() == picture(kind, 1).tobytes()
    assert len(set(first.resize((64, 64)).convert("L").tobytes())) > 3
