"""Where a decoder looked, as data: one attention.json for sentences and for photographs, written as a stream.

The file is an object with `format`, `version` and `items`, each item an `AttentionView` on a line of its own. Its
weights belong to the positions of all its segments, one segment after the other, a grid's cells in reading order.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import accumulate, pairwise
from math import isfinite, log2
from pathlib import Path
from statistics import fmean
from typing import Any

from torch import Tensor

from s2s.errors import UserError, check
from s2s.files import atomic_file, check_readable

FORMAT, VERSION = "s2s-attention", 1
_UNITS = 10_000  # weights are kept to 1 / _UNITS
_TOLERANCE = 0.01  # by which the weights of a token may exceed 1
_REMEDY = "write it anew with --attention"


@dataclass(frozen=True)
class Words:
    """A sentence that was read: its tokens; one that begins with a space begins a word where any of them does."""

    name: str
    tokens: tuple[str, ...]

    @property
    def positions(self) -> int:
        """How many weights are the segment's."""
        return len(self.tokens)


@dataclass(frozen=True)
class Photograph:
    """Which photograph a grid lies on.

    Attributes:
        path: of its file
        width, height: in pixels, upright
        box: left, top, right and bottom of the grid, in these pixels; where the photograph was padded to the shape of
            the grid, that is beyond its edges
    """

    path: str
    width: int
    height: int
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class Grid:
    """A picture that was seen: the cells of a feature map."""

    name: str
    rows: int
    columns: int
    photograph: Photograph | None = None

    @property
    def positions(self) -> int:
        """How many weights are the segment's."""
        return self.rows * self.columns


@dataclass(frozen=True)
class AttentionView:
    """A sentence that was written, and where each of its tokens looked.

    Attributes:
        name: what it is the sentence of: a line, a picture
        segments: what was looked at
        tokens: as written, special ones included
        weights: (tokens, positions); None where the sentence was made without looking, or in several pieces
        text: the sentence
        score: its length-normalised log-probability
    """

    name: str
    segments: tuple[Words | Grid, ...]
    tokens: tuple[str, ...]
    weights: tuple[tuple[float, ...], ...] | None
    text: str
    score: float


def rounded(weights: Tensor | Sequence[Sequence[float]]) -> tuple[tuple[float, ...], ...]:
    """(tokens, positions) weights to four decimals, none off by more than 0.0001, each row's sum by half of that.

    Running sums are rounded, not weights: a thousand cells of 0.00004 are not nothing.
    """
    rows = weights.tolist() if isinstance(weights, Tensor) else weights
    sums = ([0, *(round(total * _UNITS) for total in accumulate(row))] for row in rows)
    return tuple(tuple((after - before) / _UNITS for before, after in pairwise(row)) for row in sums)


def entropy(weights: Sequence[float]) -> float:
    """In bits: 0 where one position has all the weight, log2(positions) where all have the same."""
    total = sum(weights)
    return -sum(weight / total * log2(weight / total) for weight in weights if weight > 0) if total else 0.0


@dataclass(frozen=True)
class Spread:
    """How widely words looked, and how differently: means over words.

    Attributes:
        entropy: in bits, see `entropy`
        highest: what that would be if all positions had the same weight
        variation: share of a word's weight that is elsewhere at the next word: 0 where they look alike, 1 where no
            position has weight at both
    """

    entropy: float
    highest: float
    variation: float

    def __str__(self) -> str:
        width = f"{self.entropy:.2f} of at most {self.highest:.2f} bits"
        return f"attention of a word: {width}, {self.variation:.0%} of it elsewhere at the next word"


def spread(attentions: Iterable[Tensor]) -> Spread:
    """Of the words of sentences, each (words, positions); a position on which no word has any weight is padding."""
    entropies, highest, variations = list[float](), list[float](), list[float]()
    for weights in attentions:
        entropies += map(entropy, weights.tolist())
        highest += [log2(max(1, int(weights.any(0).sum())))] * len(weights)
        variations += (weights.diff(dim=0).abs().sum(1) / 2).tolist()
    return Spread(*(fmean(found or [0.0]) for found in (entropies, highest, variations)))


@contextmanager
def written(path: Path) -> Iterator[Callable[[AttentionView], None]]:
    """Yield a function that writes one view; the file appears at `path`, whole, when the block ends well."""
    with atomic_file(path) as aside, aside.open("w", **text_file()) as file:
        file.write(f'{{"format": "{FORMAT}", "version": {VERSION}, "items": [')
        comma = ""

        def write(view: AttentionView) -> None:
            nonlocal comma
            item = vars(view) | {"segments": [asdict(segment) for segment in view.segments]}
            file.write(f"{comma}\n{json.dumps(item, ensure_ascii=False, allow_nan=False)}")
            comma = ","

        yield write
        file.write("\n]}\n")


def text_file() -> dict[str, Any]:
    r"""How files of attention are opened: bytes of a file's name that are not UTF-8 become `\udc..`, JSON's own way."""
    return {"encoding": "utf-8", "errors": "backslashreplace", "newline": "\n"}


def read(path: Path) -> list[AttentionView]:
    """The views in a file; a UserError says what is wrong with it, and in which item."""
    check_readable(path)
    try:
        data = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: is not JSON ({error}); {_REMEDY}") from error
    found = isinstance(data, dict) and data.get("format") == FORMAT
    check(found, f"{path}: is no file of attention: its format is not {FORMAT}; {_REMEDY}")
    version = data.get("version", 0)
    check(isinstance(version, int) and version >= 1, f"{path}: has no version; {_REMEDY}")
    check(version <= VERSION, f"{path}: is of version {version}, this release reads up to {VERSION}; update it")
    check(isinstance(data.get("items"), list), f"{path}: has no list of items; {_REMEDY}")
    views = []
    for number, item in enumerate(data["items"], 1):
        try:
            views.append(_view(item))
        except (_MalformedError, OverflowError) as error:  # a whole number may be too large for a float
            raise UserError(f"{path}: item {number}: {error}; {_REMEDY}") from error
    return views


class _MalformedError(Exception):
    """What is wrong with an item."""


def _view(item: Any) -> AttentionView:
    segments = tuple(map(_segment, _field(item, "segments", list)))
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


def _segment(data: Any) -> Words | Grid:
    name = _field(data, "name", str)
    if "tokens" in data:
        return Words(name, _strings(data, "tokens"))
    shape = _size(data, "rows"), _size(data, "columns")
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
