"""Documents of office programs: ZIP archives with parts in XML, whose paragraphs are translated one by one.

A paragraph without a new translation keeps its bytes. In another one the properties, the pictures, fields and notes
keep theirs, and the elements that format its words are written around the words of the translation.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from translation.formats.archive import Archive
from translation.formats.inline import Atom, InlineMark, Stretch, Text
from translation.formats.xml_spans import Edits


@dataclass(frozen=True)
class Wrapper:
    """An element around words: a run, a link. Two with equal keys format in the same way."""

    open: bytes = field(compare=False)
    close: bytes = field(compare=False)
    key: object


Wrappers = tuple[Wrapper, ...]
WriteText = Callable[[str, Wrappers, bool], bytes]  # a text, what is around it, and whether it follows a space


@dataclass(frozen=True)
class KeptXml:
    """Bytes of a member that are kept, inside some wrappers."""

    wrappers: Wrappers
    start: int
    end: int


@dataclass(frozen=True)
class Flow:
    """What stands in a paragraph.

    Attributes:
        start, end: of the bytes that are replaced
        parts: what is translated, and tabs and line breaks between
    """

    start: int
    end: int
    parts: Sequence[Stretch | KeptXml]


@dataclass(frozen=True)
class Member:
    """A member of the archive with its flows, in the order of their starts."""

    name: str
    content: bytes
    flows: Sequence[Flow]


def flow(start: int, end: int, atoms: Iterable[Atom | KeptXml]) -> Flow:
    """The flow of atoms; the pieces among them separate what is translated."""
    parts, between = list[Stretch | KeptXml](), list[Atom]()
    for atom in atoms:
        if not isinstance(atom, KeptXml):
            between.append(atom)
            continue
        parts += [Stretch(between), atom]
        between = []
    return Flow(start, end, [*parts, Stretch(between)])


def mark(pieces: Sequence[KeptXml], pair: object = None) -> InlineMark:
    """What is kept at its place among the words."""
    return InlineMark(tuple(pieces), pair)


class OfficeDocument:
    """A document of an office program. See `translation.formats.document.Document`.

    Args:
        archive: all of it
        parts: what has text in it
        write_text: writes the words of a translation as XML
    """

    unit = "paragraph"

    def __init__(self, archive: Archive, parts: Sequence[Member], write_text: WriteText) -> None:
        self._archive, self._parts, self._write_text = archive, parts, write_text
        counts = [[bool(s.segment) for s in _stretches(each)] for part in parts for each in part.flows]
        numbers = accumulate(int(any(found)) for found in counts)
        self.segments = [s.segment for part in parts for each in part.flows for s in _stretches(each) if s.segment]
        self.places = [number for found, number in zip(counts, numbers) for _ in range(sum(found))]

    def write(self, translations: Sequence[str]) -> bytes:
        """See `Document.write`."""
        queue = iter(zip(self.segments, translations, strict=True))
        members: Mapping[str, bytes] = {
            part.name: content for part in self._parts if (content := self._written(part, queue)) != part.content
        }
        return self._archive.replaced(members)

    def _written(self, part: Member, queue: Iterator[tuple[str, str]]) -> bytes:
        edits = Edits(part.content)
        new = list[tuple[Flow, dict[int, str]]]()
        for each in part.flows:
            found = {id(s): next(queue) for s in _stretches(each) if s.segment}
            if any(segment != translation for segment, translation in found.values()):
                new.append((each, {key: translation for key, (_, translation) in found.items()}))
        for each, translations in sorted(new, key=lambda item: item[0].end):  # inner ones first
            edits.replace(each.start, each.end, self._rendered(each, translations, edits))
        return edits.render(0, len(part.content))

    def _rendered(self, each: Flow, translations: Mapping[int, str], edits: Edits) -> bytes:
        written, opened, after_space = list[bytes](), list[Wrapper](), True

        def write(wrappers: Wrappers, content: bytes) -> None:
            while opened and not (len(opened) <= len(wrappers) and all(map(operator.is_, opened, wrappers))):
                written.append(opened.pop().close)  # elements that look alike are not joined
            for wrapper in wrappers[len(opened) :]:
                written.append(wrapper.open)
                opened.append(wrapper)
            written.append(content)

        for item in self._items(each, translations):
            if isinstance(item, Text):
                write(item.style, self._write_text(item.text, item.style, after_space))
                after_space = item.text.endswith(" ")
            else:
                write(item.wrappers, edits.render(item.start, item.end))
                after_space = False
        write((), b"")
        return b"".join(written)

    @staticmethod
    def _items(each: Flow, translations: Mapping[int, str]) -> Iterator[Text | KeptXml]:
        """What is written, one after the other; neighbouring texts of one style are joined."""
        texts = list[str]()
        style = None
        for part in each.parts:
            atoms = part.restore(translations.get(id(part), "")) if isinstance(part, Stretch) and part.segment else None
            if atoms is None:
                atoms = part.atoms if isinstance(part, Stretch) else [mark([part])]
            for atom in atoms:
                if isinstance(atom, Text) and atom.style == style:
                    texts.append(atom.text)
                    continue
                if texts:
                    yield Text("".join(texts), style)
                    texts = []
                if isinstance(atom, Text):
                    texts, style = [atom.text], atom.style
                else:
                    style = None
                    yield from atom.content
        if texts:
            yield Text("".join(texts), style)


def _stretches(each: Flow) -> Iterator[Stretch]:
    return (part for part in each.parts if isinstance(part, Stretch))
