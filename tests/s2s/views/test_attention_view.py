"""Attention views: rounded weights, entropy, and the weights of each segment."""

from __future__ import annotations

import subprocess
import sys
from math import log2
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from s2s.views.attention_view import AttentionView, Grid, Words, entropy, round_weights

ROOT = Path(__file__).resolve().parents[3]


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=900).filter(lambda row: sum(row) > 0))
def test_rounding_keeps_the_sum_and_every_weight(row: list[float]) -> None:
    weights = [weight / sum(row) for weight in row]
    [found] = round_weights([weights])
    assert sum(found) == pytest.approx(1, abs=1e-4)
    assert all(after >= 0 and abs(after - before) < 1.01e-4 for after, before in zip(found, weights, strict=True))


def test_a_thousand_faint_cells_are_not_nothing() -> None:
    [found] = round_weights(torch.full((1, 30_000), 1 / 30_000))
    assert sum(found) == pytest.approx(1, abs=1e-2)


def test_entropy_is_of_one_position_to_all_of_them() -> None:
    assert entropy([0, 1, 0]) == 0
    assert entropy([0.25] * 4) == 2
    assert entropy([0.1, 0.1]) == pytest.approx(1)  # of shares
    assert entropy([1 / 49] * 49) == pytest.approx(log2(49))
    assert entropy([]) == 0


def test_weights_of_torch_numpy_and_lists_are_rounded_alike() -> None:
    weights = torch.rand(3, 7).softmax(1)
    expected = round_weights(weights.tolist())
    assert round_weights(weights) == round_weights(weights.numpy()) == expected
    assert isinstance(expected[0][0], float)
    assert round_weights(np.zeros((0, 3))) == ()
    assert round_weights(np.zeros((2, 0))) == ((), ())


def test_each_segment_has_its_own_weights() -> None:
    segments = (Words("a", ("x", "y")), Words("empty", ()), Grid("b", 1, 2), Words("c", ("z",)))
    rows = ((0.1, 0.2, 0.3, 0.4, 0.0), (0.0, 0.0, 0.0, 0.5, 0.5))
    view = AttentionView("n", segments, ("t", "u"), rows, "tu", 0.0)
    assert view.segment_weights() == [
        ((0.1, 0.2), (0.0, 0.0)),
        ((), ()),
        ((0.3, 0.4), (0.0, 0.5)),
        ((0.0,), (0.5,)),
    ]
    assert AttentionView("n", segments, ("t",), None, "t", 0.0).segment_weights() == [()] * 4
    assert AttentionView("n", (), ("t",), ((),), "t", 0.0).segment_weights() == []


def test_no_view_imports_torch() -> None:
    """The engine without torch draws them too."""
    modules = sorted(path.stem for path in (ROOT / "s2s" / "views").glob("*.py"))
    program = f"import sys; {'; '.join(f'import s2s.views.{name}' for name in modules)}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
