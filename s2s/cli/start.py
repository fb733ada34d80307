"""What a recipe with `start` takes from the model that its training starts from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from s2s.config import to_dict


def fill_shape(table: dict[str, Any], section: str, shape: Any) -> None:
    """Fill in what a section of a recipe leaves out: the shape of the model, but not its dropout.

    Keys that the recipe has stay, so that a contradiction is found later. A section of another kind stays as it is.

    Args:
        table: the whole recipe as read from TOML; changed in place.
        section: such as `encoder`.
        shape: the configuration of that part of the model, a dataclass.
    """
    given = table.get(section, {})
    upgraded = getattr(type(shape), "upgraded", dict)
    if isinstance(given, Mapping):
        given = upgraded(given)
    table[section] = _filled(given, to_dict(shape))


def _filled(given: Any, known: Any) -> Any:
    if isinstance(given, str) and isinstance(known, Mapping) and given == known.get("kind"):
        given = {"kind": given}
    if not isinstance(given, Mapping) or not isinstance(known, Mapping):
        return given
    if given.get("kind", known.get("kind")) != known.get("kind"):
        return given
    shape = {name: value for name, value in known.items() if "dropout" not in name}
    left_out = {name: value for name, value in shape.items() if name not in given}
    return {name: _filled(value, shape.get(name)) for name, value in given.items()} | left_out
