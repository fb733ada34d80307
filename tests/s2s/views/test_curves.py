"""Learning curves: round ticks, names that do not cover each other, and each run in its colour."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2s.views.curves import COLOURS, Curve, Panel, curves_picture, nice_ticks, spread


@given(low=st.floats(-1e6, 1e6), width=st.floats(1e-6, 1e6))
def test_ticks_are_few_even_and_around_the_values(low: float, width: float) -> None:
    ticks = nice_ticks(low, low + width)
    assert 2 <= len(ticks) <= 8
    step = (ticks[-1] - ticks[0]) / (len(ticks) - 1)
    assert ticks[0] <= low + 1e-6 * step + 1e-9
    assert ticks[-1] >= low + width - 1e-6 * step - 1e-9
    assert [b - a for a, b in pairwise(ticks)] == pytest.approx([step] * (len(ticks) - 1), abs=1e-9)


def test_equal_values_have_ticks_around_them() -> None:
    assert nice_ticks(0, 0)[0] < 0 < nice_ticks(0, 0)[-1]
    assert nice_ticks(5, 5)[0] < 5 < nice_ticks(5, 5)[-1]


def test_names_are_moved_apart_and_stay_inside() -> None:
    assert spread([10, 50], 20, 0, 100) == [10, 50]
    assert spread([10, 12, 50], 20, 0, 100) == [10, 30, 50]
    assert spread([95, 96, 97], 20, 0, 100) == [60, 80, 100]


def test_every_run_is_drawn_in_its_colour() -> None:
    curves = [Curve("loss", run, [(0, run), (10, run + 1.0)]) for run in range(3)]
    panels = [Panel("loss", curves), Panel("BLEU", [Curve("BLEU", 0, [(10, 30.0)], marks=[(10, 31.0)])])]
    picture = curves_picture(panels, ["a", "b", "c"])
    colours = {colour for _, colour in picture.getcolors(1 << 24) or []}
    assert set(COLOURS[:3]) <= colours
    assert not set(COLOURS[3:]) & colours
    assert curves_picture(panels[:1], ["a"]).height < picture.height
