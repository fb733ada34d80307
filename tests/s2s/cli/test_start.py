"""A recipe's section is filled in from a model, key by key."""

from __future__ import annotations

from typing import Any

import pytest

from s2s.cli.start import fill_shape
from s2s.config import from_dict, to_dict
from s2s.models.configuration import DropoutRates, ParallelConfig
from s2s.nn.configuration import AdditiveConfig

SHAPE = ParallelConfig(dim=16, embedding_dim=8, attention=AdditiveConfig(4), dropout=DropoutRates(word=0.1))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"dim": 16, "attention": {"kind": "additive", "dim": 4}}),
        ({"dim": 3}, {"dim": 3, "embedding_dim": 8}),
        ("parallel", {"kind": "parallel", "dim": 16}),
        ({"attention": {"dim": 5}}, {"attention": {"kind": "additive", "dim": 5}}),
        ({"attention": "scaled_dot"}, {"attention": "scaled_dot", "dim": 16}),
        ({"kind": "parallel", "dropout": {"word": 0.5}}, {"dropout": {"word": 0.5}, "embedding_dim": 8}),
    ],
)
def test_what_is_left_out_is_filled_in(given: Any, expected: dict[str, Any]) -> None:
    table = {"decoder": given}
    fill_shape(table, "decoder", SHAPE)
    filled = table["decoder"]
    assert {name: filled[name] for name in expected} == expected
    assert "dropout" not in filled or "dropout" in expected


@pytest.mark.parametrize("given", ["input_feeding", {"kind": "input_feeding", "dim": 3}, 7])
def test_another_kind_or_a_mistake_stays(given: Any) -> None:
    table = {"decoder": given}
    fill_shape(table, "decoder", SHAPE)
    assert table["decoder"] == given


def test_an_absent_section_becomes_the_shape() -> None:
    table: dict[str, Any] = {}
    fill_shape(table, "decoder", SHAPE)
    assert to_dict(from_dict(ParallelConfig, table["decoder"])) == to_dict(ParallelConfig(dim=16, embedding_dim=8)) | {
        "attention": {"kind": "additive", "dim": 4}
    }
