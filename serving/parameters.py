"""The parameters of requests: dataclasses, which requests are read into and the API's description is made from.

A parameter is a field with a description. Its type is str, int, bool, `str | list[str]` for one text or several, or
`dict[str, str] | None` for a JSON object of strings, which a form has as a text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, field, fields
from typing import Any, TypeVar, get_type_hints

from serving.errors import RequestError

T = TypeVar("T")

_TRUE, _FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off", "")


def parameter(help: str, default: Any = MISSING, *, choices: tuple[str, ...] = (), example: Any = None) -> Any:
    """A field of a dataclass of parameters.

    Args:
        help: the description, without a full stop
        default: of an optional parameter
        choices: the values of a string; empty for any
        example: for the API's description
    """
    return field(default=default, metadata={"help": help, "choices": choices, "example": example})


def read(cls: type[T], values: Mapping[str, Any]) -> T:
    """Read the parameters of a request; unknown ones are ignored, as LibreTranslate does.

    Args:
        cls: a dataclass of parameters
        values: strings from a form or a query, or JSON values

    Raises:
        RequestError: 400 for a parameter that is missing or wrong.
    """
    hints = get_type_hints(cls)
    return cls(**{each.name: _value(each, hints[each.name], values.get(each.name)) for each in fields(cls)})  # type: ignore[arg-type]


def _value(described: Field, hint: Any, raw: Any) -> Any:
    """The value of a parameter that has the type `hint`."""
    name, choices = described.name, described.metadata["choices"]
    if raw is None or raw in ("", []):
        if described.default is MISSING:
            raise RequestError(400, f"Invalid request: missing {name} parameter")
        return described.default
    if hint is bool:
        return _boolean(name, raw)
    if hint is int:
        return _integer(name, raw)
    if hint is str:
        if not isinstance(raw, str):
            raise RequestError(400, f"Invalid request: {name} parameter is not a string")
        if choices and raw not in choices:
            raise RequestError(400, f"{shortened(raw)} {name} is not supported; choose {' or '.join(choices)}")
        return _characters(name, raw)
    if hint == dict[str, str] | None:
        return _pairs(name, raw)
    if isinstance(raw, str):
        return _characters(name, raw)
    if not isinstance(raw, list) or not all(isinstance(text, str) for text in raw):
        raise RequestError(400, f"Invalid request: {name} parameter is not a string or a list of strings")
    return [_characters(name, text) for text in raw]


def _boolean(name: str, raw: Any) -> bool:
    text = str(raw).lower()
    if isinstance(raw, bool | str) and text in (*_TRUE, *_FALSE):
        return text in _TRUE
    raise RequestError(400, f"Invalid request: {name} parameter is not true or false")


def _pairs(name: str, raw: Any) -> dict[str, str]:
    """A JSON object of strings, or its text."""
    try:
        pairs = json.loads(raw) if isinstance(raw, str) else raw
    except (ValueError, RecursionError):
        pairs = None
    if not isinstance(pairs, dict) or not all(isinstance(value, str) for value in pairs.values()):
        raise RequestError(400, f"Invalid request: {name} parameter is not a JSON object of strings")
    return {_characters(name, key): _characters(name, value) for key, value in pairs.items()}


def _integer(name: str, raw: Any) -> int:
    """A number from 0; negative ones count as 0, as in LibreTranslate."""
    if isinstance(raw, int | str) and not isinstance(raw, bool):
        text = str(raw).strip()
        if len(text) <= 9 and text.removeprefix("-").isdecimal():
            return max(0, int(text))
    raise RequestError(400, f"Invalid request: {name} parameter is not a number")


def _characters(name: str, text: str) -> str:
    """The text, if it consists of characters. JSON can hold halves of them, and form data can hold NUL."""
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise RequestError(400, f"Invalid request: {name} parameter has a lone surrogate, which is no character")
    if "\0" in text:
        raise RequestError(400, f"Invalid request: {name} parameter has a NUL character; remove it")
    return text


def shortened(text: str) -> str:
    """What a message quotes of a value."""
    return text if len(text) <= 20 else text[:20] + "…"
