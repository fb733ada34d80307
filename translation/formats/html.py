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


def read(content: bytes, options: FormatOptions) -> TextDocument:
    """Read HTML; see `translation.formats.document`."""
    encoding = _declared_encoding(content)
    file = _decoded(content, encoding) if encoding else read_text_file(content, options)
    return TextDocument(file, html_parts(file.text))


def _declared_encoding(content: bytes) -> str | None:
    """The encoding that a page declares, if it is one of single bytes."""
    declared = None if content.startswith(MARKS) else _DECLARED.search(content[:_BEGINNING])
    try:
        name = codecs.lookup(declared[1].decode("ascii")).name if declared else "utf-8"
    except LookupError:
        return None
    return name if name.startswith(("iso8859", "cp", "koi8", "mac")) else None


def _decoded(content: bytes, encoding: str) -> TextFile:
    try:
        return TextFile(content.decode(encoding), encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"line {line}, byte {error.start}: not {encoding}, which the page declares; correct the declaration, or "
            "convert the file to UTF-8"
        ) from error
