"""HTML: its text is translated, and its markup stays byte for byte; see `translation.formats.html_text`.

A page is in UTF-8, or in the encoding that it declares; letters that this lacks become references such as `&#8364;`.
"""

from __future__ import annotations

import codecs
import re

from s2s.errors import UserError, check
from translation.formats.document import FormatOptions
from translation.formats.html_text import html_parts
from translation.formats.text_file import MARKS, TextDocument, TextFile, read_text_file

_DECLARED = re.compile(rb"<(?:meta|\?xml)\s[^>]*?(?:charset|encoding)\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_BEGINNING = 1024  # bytes in which a page declares its encoding
_READ = ("iso8859", "cp", "koi8", "mac", "shift_jis", "euc", "gb", "big5", "johab", "iso2022", "hz", "tis")
_AS_BROWSERS = {  # what browsers take these for, see encoding.spec.whatwg.org
    "shift_jis": "cp932",
    "gb2312": "gbk",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
}
_OTHER_NAMES = {  # which Python does not know
    "x-sjis": "shift_jis",
    "x-euc-jp": "euc_jp",
    "x-gbk": "gbk",
    "iso-8859-8-i": "iso8859-8",
    "windows-874": "cp874",
}
_OF_WINDOWS = re.compile(rb"[\x80-\x9f](?<![\x81\x8d\x8f\x90\x9d])")
_CONVERT = "convert the page to UTF-8, and change the declaration"


def read(content: bytes, options: FormatOptions) -> TextDocument:
    """Read HTML; see `translation.formats.document`."""
    found = None if content.startswith(MARKS) else _DECLARED.search(content[:_BEGINNING])
    declared = found[1].decode("ascii", "replace").lower() if found else "utf-8"
    encoding = _encoding(content, declared)
    if encoding:
        file = _decoded(content, encoding, declared)
    else:
        _check_utf8(content, declared, options)
        file = read_text_file(content, options)
    return TextDocument(file, html_parts(file.text))


def _encoding(content: bytes, declared: str) -> str | None:
    """The encoding of a page by what it declares; None if it is read as UTF-8 or UTF-16.

    A page of ASCII alone whose encoding is unknown is in "ascii": in this way letters of the translation become
    references, which mean the same in every encoding.
    """
    try:
        name = codecs.lookup(_OTHER_NAMES.get(declared, declared)).name
    except LookupError:
        name = ""
    if name == "iso8859-1" and _OF_WINDOWS.search(content):
        return "cp1252"  # as browsers read it
    if name.startswith(_READ):
        return _AS_BROWSERS.get(name, name)
    return "ascii" if content.isascii() and not name.startswith("utf") else None


def _decoded(content: bytes, encoding: str, declared: str) -> TextFile:
    try:
        file = TextFile(content.decode(encoding), encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"line {line}, byte {error.start}: not {declared}, which the page declares; correct the declaration, or "
            "convert the file to UTF-8"
        ) from error
    lines = zip(content.split(b"\n"), file.encode(file.text).split(b"\n"))
    other = next((number for number, (before, after) in enumerate(lines, start=1) if before != after), None)
    check(other is None, f"line {other}: characters of {declared} that can be written in two ways; {_CONVERT}")
    return file


def _check_utf8(content: bytes, declared: str, options: FormatOptions) -> None:
    """Check a page that is read as UTF-8, but declares what cannot be read."""
    if declared.startswith("utf") or content.startswith(MARKS) or options.encoding_errors != "strict":
        return
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(
            f"the page declares the encoding {declared}, which is not supported, and is not UTF-8; {_CONVERT}"
        ) from error
