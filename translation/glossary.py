"""Glossaries: how terms of the source have to be translated, and terms that stay as they are.

A glossary file has an entry a line, SOURCE TAB TARGET; a file of terms to keep has a term a line. Blank lines and lines
that begin with `#` are left out, and either file may be compressed with gzip.

    dog<TAB>Vierbeiner
    dogs<TAB>Vierbeiner
    steering wheel<TAB>Lenkrad

A term is one word or several, and matches whole words as they are written: an inflection is an entry of its own. Of
several that match, the longest does. A part of a word with a hyphen is no whole word; what stands before an apostrophe
is one, as in "dog's". Letters match exactly, except that a term may have a capital at the start of a sentence, and
that any letters match in a line in capitals or in a title. With `ignore_case`, they match everywhere.

How a term is honoured depends on who can write its target (measured in docs/toolbox.md):

    the model        the line is translated as usual. If its translation lacks the target, the line is translated again,
                     and search writes the target as a part of the sentence (s2s/decoding/terms.py).
    the model        the term is read as a placeholder, and the target is put in its place: so are terms to keep, and
    cannot           targets with characters that the vocabulary lacks, or with brackets or quotation marks.

A placeholder is exact as well, and faster, but the model does not know what will stand in its place. With the bundled
English-German model, 60 % of the articles before nouns of a glossary then have the right gender, and 94 % where search
writes the nouns; BLEU is 38.5 and 37.6. And what the model translates as the glossary wants in any case gets worse if
it is hidden from it (tests/benchmarks/glossary.py, 400 sentences).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from s2s.errors import UserError, check, counted
from s2s.text.languages import IDEOGRAPHS
from s2s.text.lines import read_lines

_LETTER = rf"(?![{IDEOGRAPHS}])\w"
_UNIT = (
    rf"(?s)[{IDEOGRAPHS}]|{_LETTER}(?:(?:{_LETTER})|[-‐‑](?={_LETTER}))*+|\s+|."  # compiled where a glossary is used
)


@dataclass(frozen=True)
class Entry:
    """An entry of a glossary.

    Attributes:
        source: the term
        target: what it becomes; None if it stays as it is
        place: where the entry stands, for messages, such as "terms.tsv: line 3"; empty if it is not from a file
    """

    source: str
    target: str | None
    place: str = ""


@dataclass(frozen=True)
class Match:
    """A term in a text, at the offsets [start, end)."""

    start: int
    end: int
    entry: Entry

    def written(self, text: str) -> str:
        """What it becomes, of the text in which it was found."""
        return text[self.start : self.end] if self.entry.target is None else self.entry.target


class Glossary:
    """Finds terms in texts.

        Glossary.of({"dog": "Vierbeiner", "steering wheel": "Lenkrad"}, keep=["Jack Russell"])

    Args:
        entries: in any order
        ignore_case: whether letters match whatever their case

    Attributes:
        entries: each once
        repeated: pairs of entries that say the same, of which the second is left out

    Raises:
        UserError: an entry is blank, or two contradict each other.
    """

    def __init__(self, entries: Iterable[Entry], *, ignore_case: bool = False) -> None:
        self.ignore_case, self.entries, self.repeated = ignore_case, list[Entry](), list[tuple[Entry, Entry]]()
        self._by_units: dict[tuple[str, ...], list[tuple[list[str], Entry]]] = {}
        self._longest: dict[str, int] = {}  # units of the longest term that begins with a unit
        for entry in entries:
            self._add(entry)

    @classmethod
    def of(cls, terms: Mapping[str, str], keep: Iterable[str] = (), *, ignore_case: bool = False) -> Self:
        """A glossary of targets by their sources, and of terms that stay as they are; for the errors see the class."""
        translated = (Entry(source, target, "the glossary") for source, target in terms.items())
        return cls([*translated, *(Entry(term, None, "the terms to keep") for term in keep)], ignore_case=ignore_case)

    @classmethod
    def read(cls, terms: Path | str | None, keep: Path | str | None = None, *, ignore_case: bool = False) -> Self:
        """Read a file of entries, a file of terms to keep, or both.

        Raises:
            UserError: a file cannot be read, a line is no entry, or two entries contradict each other.
        """
        translated = _read_terms(Path(terms)) if terms else ()
        return cls([*translated, *(_read_keep(Path(keep)) if keep else ())], ignore_case=ignore_case)

    def _add(self, entry: Entry) -> None:
        check(entry.source.strip(), f"{entry.place}: {_NO_SOURCE}")
        check(entry.target is None or entry.target.strip(), f"{entry.place}: {entry.source!r}: {_NO_TARGET}")
        entry = replace(
            entry, source=_normal(entry.source.strip()), target=entry.target and _normal(entry.target.strip())
        )
        units = _units(entry.source)
        key = tuple(map(str.casefold, units))
        alike = self._by_units.setdefault(key, [])
        other = next((one for known, one in alike if self.ignore_case or known == units), None)
        if other:
            check(other.target == entry.target, _contradiction(other, entry))
            self.repeated.append((other, entry))
            return
        alike.append((units, entry))
        self.entries.append(entry)
        self._longest[key[0]] = max(self._longest.get(key[0], 0), len(key))

    def find(self, text: str, *, any_case: bool = False) -> list[Match]:
        """The terms in a sentence, from left to right; they do not overlap.

        Args:
            text: the sentence
            any_case: whether it is in capitals or a title, so that letters match whatever their case
        """
        found = list(re.finditer(_UNIT, text))
        if not any(unit[0].casefold() in self._longest for unit in found):
            return []
        units = [" " if unit[0].isspace() else unit[0] for unit in found]
        folded = [unit.casefold() for unit in units]
        first = next((i for i, unit in enumerate(units) if unit[0].isalnum()), len(units))
        matches, place = list[Match](), 0
        while place < len(units):
            longest = min(self._longest.get(folded[place], 0), len(units) - place)
            for length in range(longest, 0, -1):
                here = slice(place, place + length)
                if entry := self._entry(units[here], folded[here], any_case=any_case, starts=place == first):
                    matches.append(Match(found[place].start(), found[place + length - 1].end(), entry))
                    place += length - 1
                    break
            place += 1
        return matches

    def _entry(self, units: Sequence[str], folded: Sequence[str], *, any_case: bool, starts: bool) -> Entry | None:
        """The entry of a term that is written so; one with the same letters goes first."""
        alike = self._by_units.get(tuple(folded), [])
        exact = next((entry for known, entry in alike if known == units), None)
        if exact or not alike:
            return exact
        if self.ignore_case or any_case:
            return alike[0][1]
        capital = (entry for (one, *rest), entry in alike if [one[:1].upper() + one[1:], *rest] == units)
        return next(capital, None) if starts else None


def _normal(text: str) -> str:
    """In NFC, as the lines are that are translated."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _units(term: str) -> list[str]:
    """The words, signs and single spaces of a term."""
    return [" " if unit.isspace() else unit for unit in re.findall(_UNIT, term)]


_NO_SOURCE = "the source is blank; write one, or leave the entry out"
_NO_TARGET = "the target is blank; write one, or put the term into the file of --keep if it is to stay as it is"


def _read_terms(path: Path) -> Iterator[Entry]:
    """The entries of a glossary file; a UserError tells all lines that are none."""
    problems, entries = list[tuple[int, str]](), list[Entry]()
    for number, line in _entry_lines(path):
        columns = [column.strip() for column in line.split("\t")]
        if len(columns) != 2:
            what = "no tab" if len(columns) == 1 else f"{len(columns) - 1} tabs"
            problems.append((number, f"{what}; an entry is SOURCE, a tab, and TARGET"))
        elif not columns[0]:
            problems.append((number, _NO_SOURCE))
        elif not columns[1]:
            problems.append((number, _NO_TARGET))
        else:
            entries.append(Entry(columns[0], columns[1], f"{path}: line {number}"))
    if problems:
        (number, problem), *others = problems
        lines = ", ".join(str(number) for number, _ in others[:3]) + (", ..." if len(others) > 3 else "")
        more = f" ({counted(len(others), 'more line is', 'more lines are')} wrong: {lines})" if others else ""
        raise UserError(f"{path}: line {number}: {problem}{more}")
    yield from entries


def _read_keep(path: Path) -> Iterator[Entry]:
    """The terms of a file of terms to keep."""
    for number, line in _entry_lines(path):
        check("\t" not in line, f"{path}: line {number}: a tab; a line of --keep is one term, and none is translated")
        yield Entry(line.strip(), None, f"{path}: line {number}")


def _entry_lines(path: Path) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(read_lines(path), start=1):
        if line.strip() and not line.startswith("#"):
            yield number, line


def _contradiction(one: Entry, other: Entry) -> str:
    becomes = ["stays as it is" if each.target is None else f"becomes {each.target!r}" for each in (one, other)]
    where = [f"{each.source!r} in {each.place}" for each in (one, other)]
    return f"{other.place}: {other.source!r} {becomes[1]}, but {where[0]} {becomes[0]}; remove one of them"
