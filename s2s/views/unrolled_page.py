"""A web page that steps through a sentence in a recurrent model: one file, which needs no other file and no network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from s2s.views.unrolled import Unrolled
from s2s.views.web_page import fill_template, json_for_script

_TEMPLATE = Path(__file__).parent / "data" / "unrolled.html"
_DIGITS = 4  # behind the point


def unrolled_page(unrolled: Unrolled, title: str, notes: Sequence[str] = ()) -> str:
    """The HTML of a page; `notes` are sentences for its foot."""
    return fill_template(_TEMPLATE, title, data=json_for_script({**_rounded(asdict(unrolled)), "notes": list(notes)}))


def _rounded(data: dict[str, object]) -> dict[str, object]:
    return {name: _round(value) for name, value in data.items()}


def _round(value: object) -> object:
    if isinstance(value, float):
        return round(value, _DIGITS)
    if isinstance(value, dict):
        return _rounded(value)
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_round(each) for each in value]
    return value
