"""Recipes: TOML files read into nested frozen dataclasses. All mistakes are reported together.

The dataclasses are the schema. A field is an int, float (an int is accepted), bool, str, Path, Literal, a list or tuple
of those, a nested dataclass (a TOML table), or any of these `| None`. TOML has no null, so the text "none" stands for
None. A Path stays as it is written, relative to the current directory. `option` adds limits and a help text.
A method `problems(self) -> Iterable[str]` reports values that do not go together:

    @dataclass(frozen=True)
    class Training:
        steps: int = option(1000, low=1, help="updates of the weights")
        warmup: int = option(100, low=0)

        def problems(self) -> Iterable[str]:
            if self.warmup > self.steps:
                yield f"warmup ({self.warmup}) is longer than steps ({self.steps})"

A section that comes in kinds is a union of dataclasses, each with a class variable `kind`:

    @dataclass(frozen=True)
    class Additive:
        kind: ClassVar[str] = "additive"
        dim: int = 256

    attention: Additive | Dot = Additive()

The key `kind` of the table chooses the class; without it the first class of the union is meant. A kind may also be
given by its name alone, `attention = "dot"`. A static method `upgraded(table)` of the first class may rewrite the table
of an earlier version before it is read.

Errors: everything here raises UserError for what a user wrote, and TypeError for a field type that is not listed above.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import re
import reprlib
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from s2s.errors import UserError
from s2s.files import check_readable

T = TypeVar("T")

_NONE = "none"
_BACKSLASHES = "in double quotes a backslash begins an escape such as \\n: use / in paths, or single quotes"
_SCALARS: dict[Any, tuple[tuple[type, ...], str]] = {
    bool: ((bool,), "true or false"),
    int: ((int,), "an integer"),
    float: ((int, float), "a number"),
    str: ((str,), "text"),
    Path: ((str,), "a path, as text"),
}


def option(
    default: Any = dataclasses.MISSING,
    *,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    below: float | None = None,
    help: str = "",
) -> Any:
    """A dataclass field with limits: low <= value <= high, above < value < below, for each number in it.

    Without a default the key is required. `help` becomes a comment in `to_toml`.
    """
    limits = {"at least": low, "at most": high, "above": above, "below": below}
    known = {name: limit for name, limit in limits.items() if limit is not None}
    return dataclasses.field(default=default, metadata={"limits": known, "help": help})


def load(
    path: Path,
    cls: type[T],
    overrides: Sequence[str] = (),
    complete: Callable[[dict[str, Any]], Iterable[str]] | None = None,
) -> T:
    """Read the recipe at `path` into `cls`, after the overrides of the command line: `section.key=value`.

    An override's value is TOML, or else plain text: `--set training.cell=gru` needs no quotes. `complete` may then fill
    in the table of the recipe, in place, and returns mistakes that it finds there.
    """
    table = _parse(path)
    reader = _Reader(cls)
    for override in overrides:
        reader.override(table, override)
    reader.mistakes += complete(table) if complete else []
    instance = reader.table(cls, table, "")
    reader.finish(f"{path} with --set" if overrides else str(path))
    return instance


def from_dict(cls: type[T], mapping: Mapping[str, Any], *, source: str = "configuration") -> T:
    """Read what `to_dict` gave, or any parsed TOML or JSON, into `cls`; `source` is what messages call it."""
    reader = _Reader(cls)
    instance = reader.table(cls, mapping, "")
    reader.finish(source)
    return instance


def to_dict(instance: Any) -> dict[str, Any]:
    """The dataclass as dictionaries, lists, text, numbers and None: ready for JSON, and for `from_dict`."""
    kind = _kind(type(instance))
    values = {field.name: _plain(getattr(instance, field.name)) for field in dataclasses.fields(instance)}
    return values if kind is None else {"kind": kind, **values}


def to_toml(instance: Any) -> str:
    """The dataclass as a recipe that `load` reads back equal, each key below its help text."""
    return "\n".join(_toml_table(instance, "")).lstrip() + "\n"


def differences(old: Any, new: Any) -> list[str]:
    """The dotted keys in which two dataclasses (or their dictionaries) differ, those of only one of them included."""
    before, after = _flat(old), _flat(new)
    missing = object()
    changed = [key for key in before | after if before.get(key, missing) != after.get(key, missing)]
    # Where one has a table and the other a value, the key of both stands for the keys inside the table.
    return [key for key in changed if not any(key.startswith(f"{other}.") for other in changed)]


def shown(instance: Any, key: str) -> str:
    """The value of a dotted key of a dataclass as a recipe writes it: of a section its kind, "none" if it is absent."""
    value: Any = to_dict(instance)
    for name in key.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return _toml(value.get("kind", {}) if isinstance(value, Mapping) else value)


class _Reader:
    """Reads tables into dataclasses and collects the mistakes; what it returns counts only if there are none."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self.mistakes: list[str] = []

    def finish(self, source: str) -> None:
        """Raise all the mistakes as one UserError."""
        if self.mistakes:
            count = f"{len(self.mistakes)} mistakes: " if len(self.mistakes) > 1 else ""
            raise UserError(f"{source}: {count}{'; '.join(self.mistakes)}")

    def override(self, table: dict[str, Any], text: str) -> None:
        """Put `key.sub=value` into the table, in place."""
        key, equals, value = (part.strip() for part in text.partition("="))
        *sections, last = key.split(".")
        if not equals or not all([*sections, last]):
            self.mistakes.append(f"--set {text!r}: expected key=value or section.key=value")
            return
        if text.encode(errors="ignore").decode() != text:
            self.mistakes.append(f"--set {text!r}: not UTF-8")
            return
        for section in sections:
            table = table.setdefault(section, {})
            if not isinstance(table, dict):
                self.mistakes.append(f"--set {text!r}: {section!r} is not a table")
                return
        table[last] = _override_value(value)

    def table(self, cls: Any, mapping: Mapping[str, Any], key: str) -> Any:
        """An instance of the dataclass `cls` from the table whose dotted key is `key` (empty for the recipe)."""
        before = len(self.mistakes)
        prefix = f"{key}." if key else ""
        hints, fields = get_type_hints(cls), {field.name: field for field in dataclasses.fields(cls)}
        if _kind(cls) is not None:
            mapping = {name: value for name, value in mapping.items() if name != "kind"}
        self.mistakes += [self._unknown(name, prefix, list(fields)) for name in mapping if name not in fields]
        values = {}
        for name, field in fields.items():
            if name in mapping:
                limits = field.metadata.get("limits", {})
                values[name] = self._value(hints[name], mapping[name], prefix + name, limits)
            elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
                values[name] = self._absent(hints[name], prefix + name)
        if len(self.mistakes) > before:
            return None
        instance = cls(**values)
        if hasattr(cls, "problems"):
            self.mistakes += [f"{key}: {problem}" if key else problem for problem in instance.problems()]
        return instance

    def _absent(self, hint: Any, key: str) -> Any:
        """A required section that is left out is an empty one, so that its own required keys are named."""
        if kinds := _kinds(hint):
            return self.table(kinds[0], {}, key)
        self.mistakes.append(f"missing key {key!r}")
        return None

    def _unknown(self, name: str, prefix: str, known: list[str]) -> str:
        elsewhere = (key for key in _dotted(self._root) if key.split(".")[-1] == name)
        nearest = next(iter([*difflib.get_close_matches(name, known, n=1), *elsewhere]), None)
        hint = f"did you mean {nearest!r}?" if nearest else f"known are {', '.join(known)}"
        return f"unknown key {prefix + name!r} ({hint})"

    def _value(self, hint: Any, raw: Any, key: str, limits: Mapping[str, float]) -> Any:
        origin, arguments = get_origin(hint), get_args(hint)
        if origin in (Union, UnionType) and NoneType in arguments:
            if raw is None or raw == _NONE:
                return None
            inner = Union[tuple(argument for argument in arguments if argument is not NoneType)]  # noqa: UP007
            return self._value(inner, raw, key, limits)
        if kinds := _kinds(hint):
            return self._section(kinds, raw, key)
        if origin is Literal:
            return self._choice(arguments, raw, key)
        if origin in (list, tuple):
            return self._sequence(origin, arguments, raw, key, limits)
        if hint not in _SCALARS:
            raise TypeError(f"{key}: a field cannot be of type {hint}")
        return self._scalar(hint, raw, key, limits)

    def _section(self, kinds: tuple[Any, ...], raw: Any, key: str) -> Any:
        """A nested dataclass: one of several kinds, or the only one."""
        classes = {kind: cls for cls in kinds if (kind := _kind(cls)) is not None}
        if isinstance(raw, str) and classes:
            return self.table(classes[raw], {}, key) if raw in classes else self._choice(tuple(classes), raw, key)
        if not isinstance(raw, Mapping):
            return self._wrong(key, "a table", raw)
        if not classes:
            return self.table(kinds[0], raw, key)
        table = kinds[0].upgraded(raw) if hasattr(kinds[0], "upgraded") else raw
        kind = table.get("kind", _kind(kinds[0]))
        if not isinstance(kind, str) or kind not in classes:
            return self._choice(tuple(classes), kind, f"{key}.kind")
        return self.table(classes[kind], table, key)

    def _choice(self, choices: tuple[Any, ...], raw: Any, key: str) -> Any:
        if any(type(raw) is type(choice) and raw == choice for choice in choices):
            return raw
        nearest = difflib.get_close_matches(str(raw), [str(choice) for choice in choices], n=1)
        hint = f" (did you mean {nearest[0]!r}?)" if nearest else ""
        return self._wrong(key, "one of " + ", ".join(_shown(choice) for choice in choices), raw, hint)

    def _sequence(self, kind: type, arguments: tuple[Any, ...], raw: Any, key: str, limits: Mapping[str, float]) -> Any:
        if not isinstance(raw, list | tuple):
            return self._wrong(key, "a list", raw)
        hints = arguments
        if kind is list or arguments[-1] is Ellipsis:
            hints = (arguments[0],) * len(raw)
        if len(hints) != len(raw):
            return self._wrong(key, f"a list of {len(hints)}", raw)
        return kind(self._value(hint, item, f"{key}[{i}]", limits) for i, (hint, item) in enumerate(zip(hints, raw)))

    def _scalar(self, hint: Any, raw: Any, key: str, limits: Mapping[str, float]) -> Any:
        accepted, expected = _SCALARS[hint]
        if not isinstance(raw, accepted) or (hint is not bool and isinstance(raw, bool)):
            return self._wrong(key, expected, raw)
        if hint is Path and (raw == "" or "\0" in str(raw)):
            return self._wrong(key, expected, raw)
        if hint is Path and re.match("[A-Za-z]:[\b\t\n\f\r]", raw):
            return self._wrong(key, expected, raw, f" ({_BACKSLASHES})")
        if hint is float and not abs(raw) <= sys.float_info.max:  # NaN, infinity, an integer too large for a float
            return self._wrong(key, "a finite number", raw)
        if hint in (int, float) and not _within(raw, limits):
            return self._wrong(key, " and ".join(f"{name} {limit}" for name, limit in limits.items()), raw)
        return hint(raw)

    def _wrong(self, key: str, expected: str, raw: Any, hint: str = "") -> None:
        self.mistakes.append(f"{key!r}: expected {expected}, got {_shown(raw)}{hint}")


def _kind(cls: Any) -> str | None:
    """The name of a kind: the class variable `kind` of a dataclass, where that is no field."""
    kind = getattr(cls, "kind", None)
    return kind if isinstance(kind, str) and all(field.name != "kind" for field in dataclasses.fields(cls)) else None


def _kinds(hint: Any) -> tuple[Any, ...]:
    """The dataclasses of a union, or a single one; nothing for any other type."""
    kinds = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return kinds if all(map(dataclasses.is_dataclass, kinds)) else ()


def _within(number: float, limits: Mapping[str, float]) -> bool:
    holds = {
        "at least": lambda limit: number >= limit,
        "at most": lambda limit: number <= limit,
        "above": lambda limit: number > limit,
        "below": lambda limit: number < limit,
    }
    return all(holds[name](limit) for name, limit in limits.items())


def _shown(raw: Any) -> str:
    """A value as its writer would write it, shortened."""
    if isinstance(raw, bool):
        return "true" if raw else "false"
    return "a table" if isinstance(raw, Mapping) else reprlib.repr(raw)


def _parse(path: Path) -> dict[str, Any]:
    check_readable(path)
    data = path.read_bytes()
    try:
        return tomllib.loads(data.decode().removeprefix("\ufeff"))
    except UnicodeDecodeError as error:
        line, found = data.count(b"\n", 0, error.start) + 1, data[error.start : error.end].hex(" ").upper()
        raise UserError(f"{path}: line {line}, byte {error.start}: not UTF-8: {found}; save it as UTF-8") from error
    except (ValueError, RecursionError) as error:  # TOMLDecodeError, a number of thousands of digits, endless brackets
        advice = f"; {_BACKSLASHES}" if re.search(r"\\|[Bb]ackslash|escape|hex value", str(error)) else ""
        raise UserError(f"{path}: not valid TOML: {error}{advice}") from error


def _override_value(text: str) -> Any:
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return parsed["value"] if len(parsed) == 1 else text  # a line break in it could begin a second key


def _dotted(cls: Any, prefix: str = "") -> Iterator[str]:
    """All the keys of a dataclass and of those nested in it."""
    for name, hint in get_type_hints(cls).items():
        yield prefix + name
        for part in (hint, *get_args(hint)):
            if dataclasses.is_dataclass(part):
                yield from _dotted(part, f"{prefix}{name}.")


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return to_dict(value) if dataclasses.fields(value) else _kind(type(value)) or {}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def _toml_table(instance: Any, prefix: str) -> Iterator[str]:
    tables = []
    if (kind := _kind(type(instance))) is not None:
        yield f"kind = {_toml(kind)}"
    for field in dataclasses.fields(instance):
        value = getattr(instance, field.name)
        if dataclasses.is_dataclass(value) and dataclasses.fields(value):
            tables.append((prefix + field.name, value))
            continue
        if text := field.metadata.get("help"):
            yield f"# {text}"
        yield f"{field.name} = {_toml(_plain(value))}"
    for key, table in tables:
        yield f"\n[{key}]"
        yield from _toml_table(table, f"{key}.")


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {_toml(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, float):
        return repr(value)
    # JSON's true, false, integers and escapes are TOML's too, but for DEL, which JSON lets stand.
    return json.dumps(_NONE if value is None else value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """Dotted keys to values."""
    table = value if isinstance(value, Mapping) else to_dict(value)
    flat: dict[str, Any] = {}
    for name, item in table.items():
        flat |= _flat(item, f"{prefix}{name}.") if isinstance(item, Mapping) else {prefix + name: item}
    return flat
