"""Stretches of formatted text: one text with numbered tags, and its translation with the formatting put back.

    atoms          bold "A man", plain " is sleeping", a footnote, plain "."
    segment        <0>A man</0> is sleeping<1/>.
    translation    <0>Ein Mann</0> schläft<1/>.
    atoms          bold "Ein Mann", plain " schläft", a footnote, plain "."

The style that most characters have needs no tags. A word has one style. White space and marks around all words are not
part of the segment.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from translation.formats.tags import TAG

_WORD = re.compile(r"\w+")
_LINE_ENDS = str.maketrans(dict.fromkeys("\n\r\t\v\f\x1c\x1d\x1e\x85\u2028\u2029", " "))


@dataclass(frozen=True)
class Text:
    """Characters of one style; styles are only compared."""

    text: str
    style: Any = None


@dataclass(frozen=True, eq=False)
class InlineMark:
    """What stands between characters and is no text: a picture, a footnote, an end of a bookmark.

    Attributes:
        content: what its format needs to write it
        pair: the same for the two marks that open and close something; None for a mark that stands alone
    """

    content: Any
    pair: Hashable = None


Atom = Text | InlineMark


@dataclass(frozen=True, eq=False)
class _Word(InlineMark):
    """A word of several styles that is kept as it is."""

    parts: tuple[Text, ...] = ()


@dataclass(frozen=True)
class _Characters:
    """The characters of atoms, the style of each, and the marks with the number of characters before each."""

    text: str
    styles: list[Hashable]
    marks: list[tuple[int, InlineMark]]

    @classmethod
    def of(cls, atoms: Sequence[Atom]) -> _Characters:
        text, styles, marks = list[str](), list[Hashable](), list[tuple[int, InlineMark]]()
        for atom in atoms:
            if isinstance(atom, InlineMark):
                marks.append((len(text), atom))
                continue
            blank = not atom.text.strip()  # the style of a space between words is not seen
            styles += [styles[-1] if blank and styles else atom.style] * len(atom.text)
            text += atom.text
        return cls("".join(text), styles, marks)

    def without_parted_words(self) -> _Characters:
        """The same with one style for all letters of a word, and with no marks inside words.

        A word with a digit, such as H₂O and 5ᵗʰ, becomes a mark: its styles have a meaning.
        """
        text, styles, marks = list[str](), list[Hashable](), list[tuple[int, InlineMark]]()
        waiting = dict[int, list[InlineMark]]()
        for offset, mark in self.marks:
            waiting.setdefault(offset, []).append(mark)

        def take(start: int, stop: int) -> None:
            """Take over the marks at these offsets, at the end of what is there."""
            marks.extend((len(text), mark) for i in range(start, stop) for mark in waiting.pop(i, ()))

        def copy(start: int, stop: int) -> None:
            for i in range(start, stop):
                take(i, i + 1)
                text.append(self.text[i])
                styles.append(self.styles[i])

        end = 0
        for word in _WORD.finditer(self.text):
            start, stop = word.span()
            found = self.styles[start:stop]
            parted = len(set(found)) > 1
            if not parted and waiting.keys().isdisjoint(range(start + 1, stop)):
                continue
            copy(end, start)
            take(start, start + 1)
            if parted and not word[0].isalpha():
                parts = groupby(range(start, stop), key=self.styles.__getitem__)
                kept = tuple(Text("".join(self.text[i] for i in at), style) for style, at in parts)
                marks.append((len(text), _Word(None, parts=kept)))
            else:
                text += word[0]
                styles += [Counter(found).most_common(1)[0][0]] * len(found)
            take(start + 1, stop)
            end = stop
        copy(end, len(self.text))
        take(len(self.text), len(self.text) + 1)
        return _Characters("".join(text), styles, marks)


@dataclass
class Stretch:
    """A part of a paragraph that is translated as one text.

    Attributes:
        atoms: all of it
        segment: the text with tags, in NFC; empty if there is nothing to translate
    """

    atoms: Sequence[Atom]
    segment: str = field(init=False)

    def __post_init__(self) -> None:
        self.segment = ""
        characters = _Characters.of(self.atoms).without_parted_words()
        text = characters.text
        if any(map(str.isalpha, text)):
            start, end = len(text) - len(text.lstrip()), len(text.rstrip())
            self._base = Counter(characters.styles[start:end]).most_common(1)[0][0]
            self._head, self._tail = list(_atoms(characters, 0, start)), list(_atoms(characters, end, len(text)))
            self._styles = dict[str, Hashable]()  # by the numbers of tags
            self._marks = dict[str, InlineMark]()  # by tags
            tagged = "".join(self._tagged(characters, start, end))
            self.segment = unicodedata.normalize("NFC", tagged.translate(_LINE_ENDS))

    def _tagged(self, characters: _Characters, start: int, end: int) -> Iterator[str]:
        """The characters from `start` to `end` with the tags of styles, and of the marks between them."""
        text, styles = characters.text, characters.styles
        number = 1 + max((int(tag[2]) for tag in TAG.finditer(text)), default=-1)
        before = dict[int, list[str]]()  # tags that stand before a character
        runs = list[tuple[int, int]]()
        for style, group in groupby(range(start, end), key=styles.__getitem__):
            part = [i for i in group if not text[i].isspace()]
            if style != self._base and part:
                first, last = part[0], part[-1] + 1
                runs.append((first, last))
                self._styles[str(number)] = style
                before.setdefault(first, []).append(f"<{number}>")
                before.setdefault(last, []).append(f"</{number}>")
                number += 1
        marks = [(offset, mark) for offset, mark in characters.marks if start < offset < end]
        closed_by = _nested_pairs(marks, runs)
        closing = dict[int, int]()
        for i, (offset, mark) in enumerate(marks):
            if i in closing:
                tag = f"</{closing[i]}>"
            else:
                tag = f"<{number}>" if i in closed_by else f"<{number}/>"
                if i in closed_by:
                    closing[closed_by[i]] = number
                number += 1
            self._marks[tag] = mark
            at = before.setdefault(offset, [])
            opens = bool(at) and at[-1][1] != "/" and at[-1][1:-1] in self._styles
            at.insert(len(at) - opens, tag)  # a mark at the start of a style stands before its tag
        for i in range(start, end + 1):
            yield "".join(before.get(i, ()))
            if i < end:
                yield text[i]

    def restore(self, translation: str) -> list[Atom]:
        """The atoms with the words of a translation, which has the tags of the segment, properly nested."""
        if translation == self.segment:
            return list(self.atoms)
        atoms, opened, end = [*self._head], [self._base], 0
        text = translation.strip()
        for tag in TAG.finditer(text):
            mark, style = self._marks.get(tag[0]), tag[2] in self._styles and not tag[3]
            if not mark and not style:
                continue  # it was in the text
            if end < tag.start():
                atoms.append(Text(text[end : tag.start()], opened[-1]))
            end = tag.end()
            if mark:
                atoms.append(mark)
            elif tag[1]:
                opened.pop()
            else:
                opened.append(self._styles[tag[2]])
        if text[end:]:
            atoms.append(Text(text[end:], opened[-1]))
        _order_pairs(atoms, self.atoms)
        parts = (each.parts if isinstance(each, _Word) else (each,) for each in [*atoms, *self._tail])
        return [atom for part in parts for atom in part]


def _atoms(characters: _Characters, start: int, end: int) -> Iterator[Atom]:
    """The characters from `start` to `end`, and the marks between and around them."""
    for i in range(start, end + 1):
        yield from (mark for offset, mark in characters.marks if offset == i)
        if i < end:
            yield Text(characters.text[i], characters.styles[i])


def _nested_pairs(marks: Sequence[tuple[int, InlineMark]], runs: Sequence[tuple[int, int]]) -> dict[int, int]:
    """Which marks are closed by which: the indices of pairs that cross neither the runs nor each other."""
    found, opened = dict[int, int](), list[int]()
    for i, (offset, mark) in enumerate(marks):
        if mark.pair is None:
            continue
        begins = next((j for j in opened if marks[j][1].pair == mark.pair), None)
        if begins is None:
            opened.append(i)
            continue
        inside = [next((run for run in runs if run[0] < at < run[1]), None) for at in (marks[begins][0], offset)]
        if opened[-1] == begins and marks[begins][0] < offset and inside[0] == inside[1]:
            found[begins] = i
        opened.remove(begins)
    return found


def _order_pairs(atoms: list[Atom], before: Sequence[Atom]) -> None:
    """Exchange the marks of each pair whose order is not the one before."""
    order = {id(atom): i for i, atom in enumerate(before)}
    first = dict[Hashable, int]()
    for i, atom in enumerate(atoms):
        if isinstance(atom, InlineMark) and atom.pair is not None:
            j = first.setdefault(atom.pair, i)
            if order[id(atoms[j])] > order[id(atom)]:
                atoms[i], atoms[j] = atoms[j], atom
