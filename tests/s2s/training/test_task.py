"""Which of two validations is the better one."""

from __future__ import annotations

from math import nan

import pytest

from s2s.training.task import Validation


@pytest.mark.parametrize(
    ("value", "best", "higher", "lower"),
    [
        (1.0, None, True, True),
        (2.0, 1.0, True, False),
        (1.0, 2.0, False, True),
        (1.0, 1.0, False, False),
        (1.0, nan, True, True),  # a first figure that is no number must not stay the best for ever
        (nan, 1.0, False, False),
    ],
)
def test_a_figure_beats_another(value: float, best: float | None, higher: bool, lower: bool) -> None:
    assert Validation({"figure": value}, "figure", higher_is_better=True).beats(best) == higher
    assert Validation({"figure": value}, "figure", higher_is_better=False).beats(best) == lower
