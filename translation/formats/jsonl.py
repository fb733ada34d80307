r"""JSONL: one JSON object per line, of which the strings in chosen fields are translated.

Everything else stays byte for byte: spaces, the order of keys, how other strings and numbers are written. Line breaks
inside a string (`\n`) stay, and each of its lines is translated by itself. `a.b` is the field with this name, or the
field `b` of the field `a`; where an object has both, both are translated.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import partial

from s2s.errors import UserError, check, first_few, warn
from translation.formats.document import FormatOptions
from translation.formats.text_file import Part, TextDocument, read_text_file

_SPACE = re.compile(r"[ \t\r\n]*")
_LINE_BREAK = re.compile(r"(?:(?<!\\)(?:\\\\)*)(\\[nr]|\\u000[aAdD])")
_ESCAPE = re.compile(r"\\u(?!00[0-7])[0-9a-fA-F]{4}")
_scan = json.decoder.scanstring  # type: ignore[attr-defined]  # (text, behind the quotation mark) to string and end
_VALUES = json.JSONDecoder(parse_int=str)  # numbers are not used, and may have any number of digits
_KINDS = {"{": "an object", "[": "a list", "t": "a truth value", "f": "a truth value"}  # by their first characters

Path = tuple[str, ...]  # the names of a field of a field


def read(content: bytes, options: FormatOptions) -> TextDocument:
    """Read JSONL; see `translation.formats.document`."""
    file = read_text_file(content, options)
    check(options.fields, "no field to translate is named")
    reader = _Reader(file.text, options)
    parts = list(reader.parts())
    missing = [field for field in options.fields if reader.found.isdisjoint(_paths(field))]
    check(
        not missing or not reader.objects,
        f"no line has the field {first_few(missing)}; the first line has: {first_few(reader.first)}",
    )
    for field in options.fields:
        _complain_of_other_values(field, reader, options.name)
    return TextDocument(file, parts)


def _complain_of_other_values(field: str, reader: _Reader, name: str) -> None:
    """Raise an error if a field never has text, and warn if it has something else on some lines."""
    others = dict[int, str]()
    for path in _paths(field):
        others |= reader.others.get(path, {})
    if others:
        number = min(others)
        advice = "name a field of it" if others[number] == "an object" else "name another field"
        has_text = not reader.with_text.isdisjoint(_paths(field))
        check(has_text, f"line {number}: the field {field} has {others[number]}, not text; {advice}")
        lines = first_few(sorted(others))
        warn(f"{name}: values of the field {field} that are no text stay as they are: line {lines}")


class _Reader:
    """Finds the strings that are translated.

    Attributes:
        found: the wanted fields that were seen
        with_text: those of them that had a string, or a list with strings or nothing
        others: what else each of them had, except null: the first kind on each line
        objects: how many lines have an object
        first: the names of the fields of the first
    """

    def __init__(self, text: str, options: FormatOptions) -> None:
        self.found, self.objects, self.first = set[Path](), 0, list[str]()
        self.with_text, self.others = set[Path](), dict[Path, dict[int, str]]()
        self._text, self._replace = text, options.encoding_errors == "replace"
        self._wanted = {path for field in options.fields for path in _paths(field)}
        self._above = {path[:length] for path in self._wanted for length in range(len(path))}
        ascii_only = text.isascii() and bool(_ESCAPE.search(text))
        self._render = partial(_escaped, ascii_only=ascii_only)

    def parts(self) -> Iterator[Part]:
        start = 0
        for number, line in enumerate(self._text.split("\n"), start=1):
            if line.strip():
                self._check(line, number)
                yield from self._value(_skip(self._text, start), (), number)
            start += len(line) + 1

    def _check(self, line: str, number: int) -> None:
        """Check that a line is a JSON object."""
        try:
            found = json.loads(line.strip(), parse_int=str)
        except RecursionError:
            raise UserError(f"line {number}: is nested too deeply") from None
        except ValueError as error:
            reason = getattr(error, "msg", str(error))
            column = getattr(error, "pos", 0) + 1
            raise UserError(
                f"line {number}, column {column}: not JSON ({reason}); each line must be one JSON object"
            ) from error
        check(isinstance(found, dict), f"line {number}: is no JSON object; each line must be one, such as {{...}}")
        self.objects += 1
        if self.objects == 1:
            self.first = list(found)

    def _value(self, start: int, path: Path, number: int) -> Iterator[Part]:
        """The parts in the value that starts there; the line is known to be JSON."""
        text = self._text
        if path in self._wanted:
            self.found.add(path)
            if text[start] == "[":
                yield from self._strings(start, path, number)
            else:
                yield from self._text_of(start, path, number)
        if path in self._above and text[start] == "{":
            position = _skip(text, start + 1)
            while text[position] != "}":
                name, position = _scan(text, position + 1)
                position = _skip(text, _skip(text, position) + 1)
                yield from self._value(position, (*path, name), number)
                position = _skip(text, _end(text, position))
                position = _skip(text, position + 1) if text[position] == "," else position

    def _text_of(self, start: int, path: Path, number: int) -> Iterator[Part]:
        """The string that starts there; any other value is noted, except null and an object with a wanted field."""
        first = self._text[start]
        if first == '"':
            self.with_text.add(path)
            yield from self._string(start + 1, number)
        elif first != "n" and not (first == "{" and path in self._above):
            self.others.setdefault(path, {}).setdefault(number, _KINDS.get(first, "a number"))

    def _strings(self, start: int, path: Path, number: int) -> Iterator[Part]:
        """The strings of a list."""
        text, position = self._text, _skip(self._text, start + 1)
        if text[position] == "]":
            self.with_text.add(path)
        while text[position] != "]":
            yield from self._text_of(position, path, number)
            position = _skip(text, _end(text, position))
            position = _skip(text, position + 1) if text[position] == "," else position

    def _string(self, start: int, number: int) -> Iterator[Part]:
        """The lines of the string that starts behind its quotation mark."""
        end = _scan(self._text, start)[1] - 1
        for first, last in _lines(self._text, start, end):
            line = _scan(f'{self._text[first:last]}"', 0)[0]
            if any("\ud800" <= each <= "\udfff" for each in line):
                check(
                    self._replace,
                    f"line {number}: half of a surrogate pair in a string, which is no character; "
                    "correct it, or replace it with --encoding-errors replace",
                )
                line = line.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            if line.strip():
                yield Part(first, last, line, self._render)


def _paths(field: str) -> Iterator[Path]:
    """The paths that `a.b.c` may mean: each dot is a part of a name, or stands between two."""
    yield (field,)
    for dot in (i for i, character in enumerate(field) if character == "."):
        yield from ((field[:dot], *rest) for rest in _paths(field[dot + 1 :]))


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The offsets of the lines of a string, between its escaped line breaks."""
    for match in _LINE_BREAK.finditer(text, start, end):
        yield start, match.start(1)
        start = match.end()
    yield start, end


def _skip(text: str, position: int) -> int:
    """The position behind white space."""
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _end(text: str, start: int) -> int:
    """The position behind a value."""
    return _VALUES.raw_decode(text, start)[1]


def _escaped(translation: str, *, ascii_only: bool) -> str:
    return json.dumps(translation, ensure_ascii=ascii_only)[1:-1]
