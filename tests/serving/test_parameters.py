from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from serving.errors import RequestError
from serving.parameters import parameter, read


@dataclass(frozen=True)
class Example:
    """One parameter of each type."""

    q: str | list[str] = parameter("text")
    kind: str = parameter("kind", "a", choices=("a", "b"))
    count: int = parameter("count", 0)
    flag: bool = parameter("flag", False)


def test_strings_of_a_form_and_values_of_json_are_the_same() -> None:
    assert read(Example, {"q": "x", "count": "3", "flag": "true"}) == Example("x", "a", 3, True)
    assert read(Example, {"q": "x", "count": 3, "flag": True, "other": 1}) == Example("x", "a", 3, True)
    assert read(Example, {"q": ["x", ""], "kind": "b", "count": -1, "flag": "0"}) == Example(["x", ""], "b", 0, False)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"q": None},
        {"q": {}},
        {"q": "x", "kind": "c"},
        {"q": "x", "kind": 1},
        {"q": "x", "count": 1.5},
        {"q": "x", "count": True},
        {"q": "x", "count": "9" * 5000},
        {"q": "x", "flag": 2},
    ],
)
def test_wrong_values_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(RequestError) as refused:
        read(Example, values)
    assert refused.value.status == 400
