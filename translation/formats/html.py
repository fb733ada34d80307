"""HTML: its text is translated, and its markup stays byte for byte; see `translation.formats.html_text`.

A page is in UTF-8, or in the encoding that it declares; letters that this lacks become references such as `&#8364;`.
"""

from __future__ import annotations

import codecs
import re

from s2s.errors import UserError
from translation.formats.document import FormatOptions
from translation.formats.html_text import html_parts
from translation.formats.text_file import MARKS, TextDocument, TextFile, read_text_file

_DECLARED = re.compile(rb"<(?:meta|\?xml)\s[^>]*?(?:charset|encoding)\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_BEGINNING = 1024  # bytes in which a page declares its encoding
_SINGLE_BYTES = ("iso8859", "cp", "koi8", "mac")
_OF_WINDOWS = re.compile(rb"[\x80-\x9f](?<![\x81\x8d\x8f\x90\x9d])")


def read(content: bytes, options: FormatOptions) -> TextDocument:
    """Read HTML; see `translation.formats.document`."""
    encoding = _declared_encoding(content)
    file = _decoded(content, encoding) if encoding else read_text_file(content, options)
    return TextDocument(file, html_parts(file.text))


def _declared_encoding(content: bytes) -> str | None:
    """The encoding of a page that declares another one than UTF-8; None if it is read as UTF-8 or UTF-16.

    A page of ASCII alone whose encoding has several bytes, or is unknown, is in "ascii": in this way letters of the
    translation become references, which mean the same in every encoding.
    """
    declared = None if content.startswith(MARKS) else _DECLARED.search(content[:_BEGINNING])
    try:
        name = codecs.lookup(declared[1].decode("ascii")).name if declared else "utf-8"
    except LookupError:
        name = ""
    if name == "iso8859-1" and _OF_WINDOWS.search(content):
        return "cp1252"  # as browsers read it
    if name.startswith(_SINGLE_BYTES):
        return name
    return "ascii" if content.isascii() and not name.startswith("utf") else None


def _decoded(content: bytes, encoding: str) -> TextFile:
    try:
        return TextFile(content.decode(encoding), encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"line {line}, byte {error.start}: not {encoding}, which the page declares; correct the declaration, or "
            "convert the file to UTF-8"
        ) from error
