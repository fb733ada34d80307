"""ODT: the text of paragraphs and headings in the body, tables, lists, frames, notes, headers and footers.

Fields, pictures, comments, deleted text and styles are not touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from s2s.errors import check
from translation.formats.archive import Archive
from translation.formats.document import Document, FormatOptions
from translation.formats.inline import Atom, Text
from translation.formats.office import Flow, KeptXml, Member, OfficeDocument, Wrapper, Wrappers, flow, mark
from translation.formats.xml_spans import Element, escape

_TEXT = "urn:oasis:names:tc:opendocument:xmlns:text:1.0"
_OFFICE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"
_MANIFEST = "META-INF/manifest.xml"
_KINDS = ("application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.text-template")
_AROUND = {"span", "a", "meta"}
_SEPARATORS = {"tab", "line-break"}
_NAMES = {"name", "id", "change-id"}  # attributes that tell one bookmark, mark or change from others
_BLANK = re.compile(r"[ \t\r\n]+")


def read(content: bytes, options: FormatOptions) -> Document:
    """Read an ODT file.

    Raises:
        UserError: it is no ODT file, is damaged or is encrypted.
    """
    archive = Archive(content, "ODT")
    if _MANIFEST in archive.names:
        check(
            b"encryption-data" not in archive.xml(_MANIFEST) and "encrypted-package" not in archive.names,
            "the document is encrypted; save it as ODT without a password",
        )
    if "mimetype" in archive.names:
        kind = archive.xml("mimetype").decode("ascii", "replace").strip()
        check(kind in _KINDS, f"no ODT file: the document says that it is of the kind {kind!r}; save it as ODT")
    parts, prefix = list[Member](), b""
    for name in ("content.xml", "styles.xml"):  # headers and footers are in the styles
        if name == "content.xml" or name in archive.names:
            xml, root = archive.tree(name)
            parts.append(Member(name, xml, list(_flows(root, xml))))
            declared = re.search(rb"xmlns:(\w+)=[\"']%s[\"']" % _TEXT.encode(), xml)
            prefix = prefix or (declared[1] + b":" if declared else b"")
    return OfficeDocument(archive, parts, partial(_write_text, b"<%ss/>" % prefix))


def _flows(element: Element, content: bytes) -> Iterator[Flow]:
    """The flows of all paragraphs and headings below an element."""
    for child in element.elements:
        if _local(child) in ("p", "h"):
            yield flow(child.inner_start, child.inner_end, _Paragraph(content).atoms(child, ()))
        if _local(child) != "tracked-changes" and child.name != f"{_OFFICE}}}annotation":
            yield from _flows(child, content)


class _Paragraph:
    """Reads one paragraph: white space counts as one space, and as none at its start."""

    def __init__(self, content: bytes) -> None:
        self._content, self._after_space = content, True

    def atoms(self, element: Element, around: Wrappers) -> Iterator[Atom | KeptXml]:
        """What stands in an element."""
        for child in element.children:
            if isinstance(child, str):
                if text := self._collapsed(child):
                    yield Text(text, around)
                continue
            name = _local(child)
            if name in _AROUND:
                yield from self.atoms(child, (*around, self._wrapper(child)))
            elif name == "s":
                count = child.attributes.get(f"{_TEXT}}}c", "1")
                yield Text(" " * (min(1000, int(count)) if count.isdecimal() else 1), around)
                self._after_space = False
            elif name != "soft-page-break":
                piece = KeptXml(around, child.start, child.end)
                yield piece if name in _SEPARATORS else mark([piece], _pair(child))
                self._after_space = False

    def _wrapper(self, element: Element) -> Wrapper:
        opening = self._content[element.start : element.inner_start]
        key = opening if element.local == "span" else element.start
        return Wrapper(opening, self._content[element.inner_end : element.end], key)

    def _collapsed(self, text: str) -> str:
        text = _BLANK.sub(" ", text)
        if self._after_space:
            text = text.lstrip(" ")
        if text:
            self._after_space = text.endswith(" ")
        return text


def _local(element: Element) -> str:
    """The name of an element for text; nothing for one of another vocabulary."""
    return element.local if element.namespace == _TEXT else ""


def _pair(element: Element) -> object:
    """What connects the two elements that begin and end a bookmark, a reference, a change or a comment."""
    kind = re.fullmatch(r"(annotation|.*(?=-start|-end))(?:-start|-end)?", element.local)
    if not kind:
        return None
    named = (value for name, value in element.attributes.items() if name.rpartition("}")[2] in _NAMES)
    return kind[1], next(named, None)


def _write_text(space: bytes, text: str, wrappers: Wrappers, after_space: bool) -> bytes:
    """Of several spaces all but the first are elements, and the first too at the start of a paragraph."""

    def spaces(found: re.Match[str]) -> str:
        literal = 0 if after_space and not found.start() else 1
        return " " * literal + "\0" * (len(found[0]) - literal)

    parts = re.sub(" +", spaces, text.replace("\0", "")).split("\0")
    return space.join(map(escape, parts))
