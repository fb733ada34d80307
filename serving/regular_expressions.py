r"""Python's regular expressions in the syntax of JavaScript, so that no pattern is written twice.

A pattern is read by the parser of Python's `re`, and each of its nodes is written for a `RegExp` with the flag `u`.
(Of the newer flag `v`, V8 gets nested classes in repetitions wrong.) What JavaScript lacks is put in other words:

    X*+, (?>X)    (?=(X*))\1: a lookahead keeps what it has found, and the reference reads it
    (?i:x)        [xX]
    \w, \d, \s    classes of Unicode, with the characters that Python counts among them
    [^\W\d]       (?![\d])[\w]
    \b, $, \Z     by what stands before and behind
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from s2s.errors import UserError

_WORD = r"\p{L}\p{N}_"
_SPACE = r"\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_CATEGORIES = {
    "CATEGORY_WORD": _WORD,
    "CATEGORY_DIGIT": r"\p{Nd}",
    "CATEGORY_SPACE": _SPACE,
}
_PLACES = {
    "AT_BEGINNING": "^",
    "AT_BEGINNING_STRING": "^",
    "AT_END": r"(?=\n?$)",
    "AT_END_STRING": "$",
    "AT_BOUNDARY": f"(?:(?<=[{_WORD}])(?![{_WORD}])|(?<![{_WORD}])(?=[{_WORD}]))",
}
_NO_LIMIT = 1 << 16  # repetitions: patterns of this project have none between this number and infinity


@dataclass(frozen=True)
class JavaScriptPattern:
    """A pattern for JavaScript.

    Attributes:
        source: for `new RegExp(source, "u")`
        groups: the number that each capturing group of the Python pattern has there, by its number
        names: the number there of each group that has a name
    """

    source: str
    groups: Mapping[int, int]
    names: Mapping[str, int]


def javascript_pattern(pattern: re.Pattern[str]) -> JavaScriptPattern:
    """Write a pattern for JavaScript.

    Raises:
        UserError: the pattern uses what this module does not know, such as a flag other than IGNORECASE.
    """
    if pattern.flags & ~(re.UNICODE | re.IGNORECASE):
        raise UserError(
            f"{pattern.pattern!r}: only the flag IGNORECASE can be written for JavaScript; leave out others"
        )
    parser = importlib.import_module("re._parser")  # the parser that `re` uses; not public, but as old as `re` itself
    writer = _Writer(pattern)
    source = writer.sequence(parser.parse(pattern.pattern, pattern.flags), bool(pattern.flags & re.IGNORECASE))
    names = {name: writer.groups[number] for name, number in pattern.groupindex.items()}
    return JavaScriptPattern(source, writer.groups, names)


class _Writer:
    """Writes the nodes of a parsed pattern, and counts the capturing groups."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self.pattern, self.groups, self._count = pattern, dict[int, int](), 0

    def sequence(self, nodes: Iterable[tuple[Any, Any]], any_case: bool) -> str:
        return "".join(self._node(str(kind), value, any_case) for kind, value in nodes)

    def _node(self, kind: str, value: Any, any_case: bool) -> str:
        match kind:
            case "LITERAL":
                return _literal(value, any_case)
            case "NOT_LITERAL":
                return f"[^{_literal(value, any_case)}]"
            case "ANY":
                return r"[^\n]"
            case "IN":
                return _character_class(value, any_case)
            case "BRANCH":
                return f"(?:{'|'.join(self.sequence(branch, any_case) for branch in value[1])})"
            case "SUBPATTERN":
                number, added, removed, nodes = value
                any_case = (any_case or bool(added & re.IGNORECASE)) and not removed & re.IGNORECASE
                return f"({self._open(number)}{self.sequence(nodes, any_case)})"
            case "MAX_REPEAT":
                return self._repeated(value, any_case)
            case "MIN_REPEAT":
                return self._repeated(value, any_case) + "?"
            case "POSSESSIVE_REPEAT":
                return self._kept(lambda: self._repeated(value, any_case))
            case "ATOMIC_GROUP":
                return self._kept(lambda: self.sequence(value, any_case))
            case "ASSERT" | "ASSERT_NOT":
                direction, nodes = value
                sign = ("<" if direction < 0 else "") + ("=" if kind == "ASSERT" else "!")
                return f"(?{sign}{self.sequence(nodes, any_case)})"
            case "AT" if str(value) in _PLACES:
                return _PLACES[str(value)]
        raise UserError(f"{self.pattern.pattern!r}: {kind} {value} cannot be written for JavaScript yet; add it here")

    def _open(self, number: int | None) -> str:
        """What opens a group: `?:`, or nothing if it captures, as group `number` of the Python pattern."""
        if number is None:
            return "?:"
        self._count += 1
        self.groups[number] = self._count
        return ""

    def _repeated(self, value: tuple[int, int, Any], any_case: bool) -> str:
        least, most, nodes = value
        times = f"{{{least},{'' if most > _NO_LIMIT else most}}}"
        short = {"{0,}": "*", "{1,}": "+", "{0,1}": "?"}.get(times, times)
        return f"(?:{self.sequence(nodes, any_case)}){short}"

    def _kept(self, write: Callable[[], str]) -> str:
        """What `write` writes, without a way back into it; its group is counted before those inside it."""
        self._count += 1
        number = self._count
        return rf"(?=({write()}))(?:\{number})"


def _literal(code: int, any_case: bool) -> str:
    characters = _characters(code, any_case)
    return f"[{characters}]" if len(characters) == 2 else characters


def _characters(code: int, any_case: bool) -> str:
    """A character, and its other case if both are meant."""
    character = chr(code)
    if any_case and character.isascii() and character.isalpha():
        return character.lower() + character.upper()
    return character if character.isascii() and character.isalnum() else rf"\u{{{code:x}}}"


def _character_class(items: Iterable[tuple[Any, Any]], any_case: bool) -> str:
    """A class of characters. JavaScript has no class inside a class, so what is not in a category is written beside."""
    parts, outside = list[str](), list[str]()
    negated = False
    for kind, value in items:
        match str(kind):
            case "NEGATE":
                negated = True
            case "LITERAL":
                parts.append(_characters(value, any_case))
            case "RANGE":
                parts.append("-".join(_characters(end, any_case=False) for end in value))
                if any_case and chr(value[0]).isalpha() and value[1] < 128:
                    parts.append("-".join(chr(end).swapcase() for end in value))
            case "CATEGORY" if str(value) in _CATEGORIES:
                parts.append(_CATEGORIES[str(value)])
            case "CATEGORY":
                outside.append(_CATEGORIES[str(value).replace("_NOT_", "_")])
    listed = "".join(parts)
    if not outside:
        return f"[{'^' if negated else ''}{listed}]"
    if negated:  # [^\W\d]: in the category, and not one of the others
        others = f"(?![{listed}])" if listed else ""
        return f"(?:{others}{''.join(f'(?=[{each}])' for each in outside[1:])}[{outside[0]}])"
    return f"(?:{'|'.join([*(f'[^{each}]' for each in outside), *([f'[{listed}]'] if listed else [])])})"
