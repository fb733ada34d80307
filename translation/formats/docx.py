"""DOCX: the text of paragraphs in the body, tables, text boxes, headers, footers, footnotes and endnotes.

Fields, pictures, formulas, comments and deleted text are not touched. The words that a link or a table of contents
shows are text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from s2s.errors import check
from translation.formats.archive import Archive
from translation.formats.document import Document, FormatOptions
from translation.formats.inline import Atom, Text
from translation.formats.office import Flow, KeptXml, Member, OfficeDocument, Wrapper, Wrappers, flow, mark
from translation.formats.xml_spans import Element, escape

_WORD = {
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "http://purl.oclc.org/ooxml/wordprocessingml/main",
}
_PARTS = re.compile(
    r"application/vnd\.(?:openxmlformats-officedocument\.wordprocessingml|ms-word)\."
    r"(?:(?:document|template)(?:\.macroEnabled)?\.main|header|footer|footnotes|endnotes)\+xml"
)
_AROUND = {"hyperlink", "ins", "moveTo", "smartTag", "customXml", "dir", "bdo"}  # what words may stand in
_FIRST = {"smartTagPr", "customXmlPr"}  # what stands first in these
_SEPARATORS = {"tab", "ptab", "br", "cr"}
_DROPPED = {"proofErr", "lastRenderedPageBreak", "softHyphen"}  # of the old words
_TEXT_FIELDS = {"HYPERLINK", "TOC"}  # what these fields show is text
_NOT_SEEN = re.compile(rb"<(?:\w+:)?(?:lang|noProof)\b[^>]*?/>")  # properties of a run that do not format it
_PREFIX = re.compile(rb"<((?:[^\s:>/]+:)?)")


def read(content: bytes, options: FormatOptions) -> Document:
    """Read a DOCX file.

    Raises:
        UserError: it is no DOCX file, is damaged or is encrypted.
    """
    archive = Archive(content, "DOCX")
    parts = list[Member]()
    for name in _part_names(archive):
        xml, root = archive.tree(name)
        parts.append(Member(name, xml, _Story(xml).flows(root)))
    return OfficeDocument(archive, parts, _write_text)


def _part_names(archive: Archive) -> list[str]:
    """The members with text, first the body."""
    _, types = archive.tree("[Content_Types].xml")
    found = {
        each.attributes.get("PartName", "").lstrip("/"): each.attributes.get("ContentType", "")
        for each in types.elements
    }
    names = [name for name, kind in found.items() if _PARTS.fullmatch(kind) and name in archive.names]
    main = [name for name in names if found[name].endswith("main+xml")]
    check(main, "no DOCX file: the archive has no body of a text document; check the file")
    return [*main, *(name for name in names if name not in main)]


@dataclass
class _Field:
    """A field that has begun.

    Attributes:
        instruction: what it computes, such as `HYPERLINK "https://example.org"`
        shown: whether its instruction has ended, so that what follows is what it shows
    """

    instruction: str = ""
    shown: bool = False

    @property
    def has_text(self) -> bool:
        """Whether text follows that is translated."""
        return self.shown and self.instruction.split(maxsplit=1)[:1] in ([name] for name in _TEXT_FIELDS)


class _Story:
    """One part of a document; fields may go on from paragraph to paragraph."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._fields = list[_Field]()
        self._group = list[KeptXml]()  # what has been seen of a field that is kept as it is

    def flows(self, element: Element) -> list[Flow]:
        """The flows of all paragraphs below an element."""
        found = list[Flow]()
        for child in element.elements:
            if _local(child) == "p":
                found.append(self._paragraph(child))
            elif _local(child) == "sdt" and _local(element) in {"p", *_AROUND}:
                found += self._control(child)
            if _local(child) not in {"del", "moveFrom"}:
                found += self.flows(child)
        return found

    def _paragraph(self, paragraph: Element) -> Flow:
        first = paragraph.elements[:1]
        start = first[0].end if first and _local(first[0]) == "pPr" else paragraph.inner_start
        return self._flow(start, paragraph)

    def _control(self, control: Element) -> list[Flow]:
        """The flow of a content control inside a paragraph; none if what it shows is a hint or comes from elsewhere."""
        properties = {_local(each) for part in control.elements if _local(part) == "sdtPr" for each in part.elements}
        if properties & {"showingPlcHdr", "dataBinding"}:
            return []
        return [self._flow(part.inner_start, part) for part in control.elements if _local(part) == "sdtContent"]

    def _flow(self, start: int, element: Element) -> Flow:
        atoms = [*self._atoms(element, ()), *self._ended_group()]
        return flow(start, element.inner_end, atoms)

    def _atoms(self, element: Element, around: Wrappers) -> Iterator[Atom | KeptXml]:
        for child in element.elements:
            name = _local(child)
            if name in {"pPr", *_FIRST, *_DROPPED}:
                continue
            if name == "r":
                yield from self._run(child, around)
            elif name in _AROUND:
                yield from self._atoms(child, (*around, self._wrapper(child)))
            else:
                yield from self._kept(KeptXml(around, child.start, child.end), _pair(child))

    def _wrapper(self, element: Element) -> Wrapper:
        first = [each.end for each in element.elements if _local(each) in _FIRST]
        start = self._content[element.start : max([element.inner_start, *first])]
        return Wrapper(start, self._content[element.inner_end : element.end], element.start)

    def _run(self, run: Element, around: Wrappers) -> Iterator[Atom | KeptXml]:
        properties = next((each for each in run.elements if _local(each) == "rPr"), None)
        shown = self._content[properties.start : properties.end] if properties else b""
        key = re.sub(rb"<(?:\w+:)?rPr\s*(?:/>|>\s*</(?:\w+:)?rPr>)", b"", _NOT_SEEN.sub(b"", shown))
        start = self._content[run.start : run.inner_start] + shown
        wrappers = (*around, Wrapper(start, self._content[run.inner_end : run.end], key))
        for child in run.elements:
            name, piece = _local(child), KeptXml(wrappers, child.start, child.end)
            if name in {"rPr", *_DROPPED}:
                continue
            if name == "fldChar":
                yield from self._field(child, piece)
            elif name == "instrText" and self._fields:
                self._fields[-1].instruction += "".join(text for text in child.children if isinstance(text, str))
                self._group.append(piece)
            elif name in ("t", "noBreakHyphen") and not self._is_in_field:
                yield Text("\u2011" if name != "t" else "".join(map(str, child.children)), wrappers)
            elif name in _SEPARATORS and not self._is_in_field:
                yield piece
            else:
                yield from self._kept(piece)

    @property
    def _is_in_field(self) -> bool:
        return not all(each.has_text for each in self._fields)

    def _field(self, character: Element, piece: KeptXml) -> Iterator[Atom]:
        """A character that begins a field, ends its instruction, or ends it."""
        kind = next((value for name, value in character.attributes.items() if name.endswith("fldCharType")), "")
        self._group.append(piece)
        pair = None
        if kind == "begin":
            self._fields.append(_Field())
        elif kind == "separate" and self._fields:
            self._fields[-1].shown = True
            pair = "field", id(self._fields[-1])
        elif self._fields:
            ended = self._fields.pop()
            pair = ("field", id(ended)) if ended.has_text else None
        if not self._is_in_field:
            yield from self._ended_group(pair)

    def _ended_group(self, pair: object = None) -> Iterator[Atom]:
        if self._group:
            yield mark(self._group, pair)
            self._group = []

    def _kept(self, piece: KeptXml, pair: object = None) -> Iterator[Atom]:
        if self._is_in_field:
            self._group.append(piece)
        else:
            yield mark([piece], pair)


def _local(element: Element) -> str:
    """The name of an element of WordprocessingML; nothing for one of another language."""
    return element.local if element.namespace in _WORD else ""


def _pair(element: Element) -> object:
    """What connects the two elements that begin and end a bookmark, a comment or a permission."""
    kind = re.fullmatch(r"(\w+)(?:Start|End)", _local(element))
    number = next((value for name, value in element.attributes.items() if name.endswith("}id")), None)
    return (kind[1], number) if kind else None


def _write_text(text: str, wrappers: Wrappers, after_space: bool) -> bytes:
    prefix = _PREFIX.match(wrappers[-1].open)
    name = (prefix[1] if prefix else b"") + b"t"
    return b'<%s xml:space="preserve">%s</%s>' % (name, escape(text), name)
