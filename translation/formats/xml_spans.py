"""XML as a tree whose elements know where they stand in the bytes, so that all that is not replaced stays as it is."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, field
from xml.parsers import expat

from s2s.errors import UserError, check

_OPEN_TAG = re.compile(rb"<[^>\"']*(?:\"[^\"]*\"[^>\"']*|'[^']*'[^>\"']*)*>")
_INVALID = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DEEPEST = 300


@dataclass(slots=True, eq=False)
class Element:
    """An element of XML.

    Attributes:
        name: `namespace}local`, or the local name alone without a namespace
        attributes: by their names, in the same form
        start, inner_start, inner_end, end: where its opening tag, its content and its closing tag begin, and its end
        children: elements and texts, in order
    """

    name: str
    attributes: dict[str, str]
    start: int
    inner_start: int
    inner_end: int = 0
    end: int = 0
    children: list[Element | str] = field(default_factory=list)

    @property
    def namespace(self) -> str:
        """The namespace, or nothing."""
        return self.name.rpartition("}")[0]

    @property
    def local(self) -> str:
        """The name without its namespace."""
        return self.name.rpartition("}")[2]

    @property
    def elements(self) -> list[Element]:
        """The children that are elements."""
        return [child for child in self.children if isinstance(child, Element)]


def parse(content: bytes) -> Element:
    """The root element of a document in UTF-8.

    A document type is refused: none of the formats has one, and its entities could grow without limit.

    Raises:
        UserError: it is not well-formed, or not in UTF-8. It begins with the line.
    """
    root = Element("", {}, 0, 0)
    opened = [root]
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True

    def place() -> str:
        return f"line {parser.CurrentLineNumber}"

    def declaration(_version: str, encoding: str | None, _standalone: int) -> None:
        known = encoding is None or encoding.lower() in ("utf-8", "us-ascii")
        check(known, f"{place()}: XML in {encoding}, which is not read here; save the document in a newer program")

    def doctype(*_: object) -> None:
        raise UserError(f"{place()}: XML with a document type (<!DOCTYPE ...>), which is not read; save the file again")

    def start(name: str, attributes: dict[str, str]) -> None:
        check(len(opened) < _DEEPEST, f"{place()}: XML nested deeper than {_DEEPEST} elements; simplify the document")
        begin = parser.CurrentByteIndex
        tag = _OPEN_TAG.match(content, begin)
        inner = tag.end() if tag else begin
        element = Element(name, attributes, begin, inner)
        opened[-1].children.append(element)
        opened.append(element)

    def end(_name: str) -> None:
        element = opened.pop()
        if content[element.inner_start - 2 : element.inner_start] == b"/>":
            element.inner_end = element.end = element.inner_start
        else:
            element.inner_end = parser.CurrentByteIndex
            element.end = content.index(b">", element.inner_end) + 1

    parser.XmlDeclHandler, parser.StartDoctypeDeclHandler = declaration, doctype
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = lambda text: opened[-1].children.append(text)
    newer = "save the document in a newer program"
    try:
        check(content[:2] not in (b"\xff\xfe", b"\xfe\xff"), f"line 1: XML in UTF-16; {newer}")
        parser.Parse(content, True)
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code)
        broken = f"line {error.lineno}: XML that is not well-formed ({reason}); save the document again"
        raise UserError(broken) from error
    return root.elements[0]


def escape(text: str) -> bytes:
    """The text as XML, without characters that XML cannot have."""
    text = _INVALID.sub("", text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.encode()


class Edits:
    """Bytes with parts that are replaced. A part that lies in another is replaced before that one."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._starts, self._ends, self._new = list[int](), list[int](), list[bytes]()

    def replace(self, start: int, end: int, new: bytes) -> None:
        """Replace the bytes [start, end), which end behind all that were replaced before."""
        first = bisect_left(self._starts, start)
        del self._starts[first:], self._ends[first:], self._new[first:]
        self._starts.append(start)
        self._ends.append(end)
        self._new.append(new)

    def render(self, start: int, end: int) -> bytes:
        """The bytes [start, end) as they are now; no replaced part lies across these ends."""
        written, at = list[bytes](), start
        for i in range(bisect_left(self._starts, start), bisect_left(self._starts, end)):
            written += [self._content[at : self._starts[i]], self._new[i]]
            at = self._ends[i]
        written.append(self._content[at:end])
        return b"".join(written)
