"""attention.json: attention views in a file, written one by one.

The file is a JSON object with `format`, `version` and `items`; each item is an `AttentionView` on a line of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import Any

from s2s.errors import UserError, check
from s2s.files import atomic_file, check_readable
from s2s.growing_file import GrowingFile
from s2s.views.attention_view import AttentionView, Grid, Photograph, Segment, Words

FORMAT, VERSION = "s2s-attention", 1
_HEAD = f'{{"format": "{FORMAT}", "version": {VERSION}, "items": ['
_TOLERANCE = 0.01  # by which the weights of a token may exceed 1
_LONGEST_SIDE = 1000  # cells; a page or picture of more would take all memory
_REMEDY = "write it again with --attention"


@contextmanager
def attention_writer(path: Path) -> Iterator[Callable[[AttentionView], None]]:
    r"""Yield a function that writes one view. The file appears at `path`, complete, when the block ends well.

    Bytes of a file's name that are not UTF-8 are written as `\udc..`, which JSON reads as the same lone surrogate.
    """
    with atomic_file(path) as aside, aside.open("w", encoding="utf-8", newline="\n") as file:
        file.write(_HEAD)
        comma = ""

        def write(view: AttentionView) -> None:
            nonlocal comma
            file.write(f"{comma}{encode_view(view).decode()}")
            comma = ","

        yield write
        file.write("\n]}\n")


def growing_attention(path: Path, kept: Iterable[bytes] = ()) -> GrowingFile:
    """Such a file that is whole after each view, of `encode_view`; `kept` are items of `read_items`."""
    return GrowingFile(path, _HEAD.encode(), kept, b"\n]}\n", b",")


def encode_view(view: AttentionView) -> bytes:
    """A view as an item of the file, on a line of its own."""
    item = vars(view) | {"segments": [asdict(segment) for segment in view.segments]}
    return f"\n{json.dumps(item, ensure_ascii=False, allow_nan=False)}".encode("utf-8", "backslashreplace")


def read_items(path: Path) -> Iterator[bytes]:
    """Yield the items of a file of `growing_attention`, one by one, as they stand there; none of any other file."""
    with path.open("rb") as file:
        if file.readline() == _HEAD.encode() + b"\n":
            yield from (b"\n" + line.rstrip(b",\n") for line in file if line.startswith(b"{"))


def read_attention_file(path: Path) -> list[AttentionView]:
    """Read all views of a file.

    Raises UserError if the file is missing or is not such a file; the message names the item that is malformed.
    """
    check_readable(path)
    try:
        data = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: is not JSON ({error}); {_REMEDY}") from error
    known = isinstance(data, dict) and data.get("format") == FORMAT
    check(known, f"{path}: is not an attention file: its format is not {FORMAT}; {_REMEDY}")
    version = data.get("version", 0)
    check(isinstance(version, int) and version >= 1, f"{path}: has no version; {_REMEDY}")
    check(
        version <= VERSION,
        f"{path}: has version {version}, but this release reads versions up to {VERSION}; update this toolkit",
    )
    check(isinstance(data.get("items"), list), f"{path}: has no list of items; {_REMEDY}")
    views = []
    for number, item in enumerate(data["items"], 1):
        try:
            views.append(_parse_view(item))
        except (_MalformedError, OverflowError) as error:  # a whole number may be too large for a float
            raise UserError(f"{path}: item {number}: {error}; {_REMEDY}") from error
    return views


class _MalformedError(Exception):
    """Says what is wrong with an item."""


def _parse_view(item: Any) -> AttentionView:
    segments = tuple(map(_parse_segment, _field(item, "segments", list)))
    tokens = _strings(item, "tokens")
    weights = item.get("weights")
    if weights is not None:
        weights = tuple(tuple(_numbers(row, "weights")) for row in _field(item, "weights", list))
        positions = sum(segment.positions for segment in segments)
        if len(weights) != len(tokens) or any(len(row) != positions for row in weights):
            raise _MalformedError(f"weights are not {len(tokens)} tokens x {positions} positions")
        if any(min(row, default=0) < 0 or sum(row) > 1 + _TOLERANCE for row in weights):
            raise _MalformedError("weights of a token are negative, or more than 1 together")
    [score] = _numbers([item.get("score")], "score")
    return AttentionView(_field(item, "name", str), segments, tokens, weights, _field(item, "text", str), score)


def _parse_segment(data: Any) -> Segment:
    name = _field(data, "name", str)
    if "tokens" in data:
        return Words(name, _strings(data, "tokens"))
    shape = _size(data, "rows"), _size(data, "columns")
    if max(shape) > _LONGEST_SIDE:
        raise _MalformedError(f"a grid of {shape[0]} x {shape[1]} cells is too large")
    photograph = data.get("photograph")
    if photograph is None:
        return Grid(name, *shape)
    left, top, right, bottom = _numbers(_field(photograph, "box", list), "box", count=4)
    if not (left < right and top < bottom):
        raise _MalformedError("box is not left, top, right, bottom")
    size = _size(photograph, "width"), _size(photograph, "height")
    return Grid(name, *shape, Photograph(_field(photograph, "path", str), *size, (left, top, right, bottom)))


def _field(data: Any, name: str, kind: type) -> Any:
    value = data.get(name) if isinstance(data, dict) else None
    if not isinstance(value, kind) or isinstance(value, bool):
        names = {str: "a string", list: "a list", int: "a whole number"}
        raise _MalformedError(f"{name} is missing or not {names[kind]}")
    return value


def _size(data: Any, name: str) -> int:
    value = _field(data, name, int)
    if value < 1:
        raise _MalformedError(f"{name} is {value}, not 1 or more")
    return value


def _strings(data: Any, name: str) -> tuple[str, ...]:
    values = _field(data, name, list)
    if not all(isinstance(value, str) for value in values):
        raise _MalformedError(f"{name} are not all strings")
    return tuple(values)


def _numbers(values: Any, name: str, count: int | None = None) -> list[float]:
    if not isinstance(values, list) or len(values) != (count or len(values)):
        raise _MalformedError(f"{name}: a list of numbers is missing")
    if not all(isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) for value in values):
        raise _MalformedError(f"{name}: not all are finite numbers")
    return [float(value) for value in values]
