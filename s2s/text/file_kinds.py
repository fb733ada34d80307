"""What a file is that should be text and is not: told from its first bytes, so that the message names it."""

from __future__ import annotations

import codecs
import unicodedata
from typing import NoReturn

from s2s.errors import UserError, counted

MAGIC_BYTES = 8  # enough for the entries of `_KINDS`
GZIP = b"\x1f\x8b"
ZSTANDARD = b"\x28\xb5\x2f\xfd"

_EXTRACT = "extract the text from it first"
_DECOMPRESS = "decompress it first"
_SAVE_AS_TEXT = "save it as plain text in UTF-8 first"
_ZIP = b"PK\x03\x04"
_KINDS = (  # first bytes, what it is, what to do
    (GZIP, "a gzip file inside a compressed file", _DECOMPRESS),
    (b"BZh", "a bzip2 file", _DECOMPRESS),
    (b"\xfd7zXZ", "an xz file", _DECOMPRESS),
    (ZSTANDARD, "a Zstandard file", _DECOMPRESS),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _EXTRACT),
    (b"Rar!\x1a", "a RAR archive", _EXTRACT),
    (b"%PDF-", "a PDF document", _EXTRACT),
    (b"{\\rtf", "an RTF document", _SAVE_AS_TEXT),
    (b"\xd0\xcf\x11\xe0", "a document of Microsoft Office (.doc, .xls)", _SAVE_AS_TEXT),
    (b"SQLite f", "an SQLite database", _EXTRACT),
    (b"PAR1", "a Parquet file", _EXTRACT),
    (b"\x89PNG", "a PNG picture", "name a file of text"),
    (b"\xff\xd8\xff", "a JPEG picture", "name a file of text"),
)
_IN_ZIP = (  # names at the beginning of a ZIP archive
    (b"word/", "a Word document (.docx)", _SAVE_AS_TEXT),
    (b"xl/", "an Excel workbook (.xlsx)", _SAVE_AS_TEXT),
    (b"ppt/", "a PowerPoint presentation (.pptx)", _SAVE_AS_TEXT),
    (b"application/vnd.oasis.opendocument", "an OpenDocument file (.odt, .ods)", _SAVE_AS_TEXT),
    (b"application/epub+zip", "an EPUB book", _EXTRACT),
)
_BYTE_ORDER_MARKS = (  # the longer ones first
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


def check_text(beginning: bytes, name: str) -> None:
    """Raise a UserError if a file that begins with these bytes is a known format or in another encoding than UTF-8.

    Args:
        beginning: `MAGIC_BYTES` of the file or more, from its first byte; the more, the more is recognised.
        name: the file's, for the message.
    """
    if kind := kind_of(beginning):
        raise UserError(f"{name}: is {kind[0]}, not text; {kind[1]}")
    if encoding := wide_encoding(beginning):
        nul = beginning.find(b"\0")
        byte = 0 if _marked(beginning) else nul
        line = beginning.count(b"\n", 0, byte) + 1
        raise UserError(f"{name}: line {line}, byte {byte}: looks like {encoding}, not UTF-8; {_convert(encoding)}")


def utf16_codec(beginning: bytes) -> str | None:
    """Return the codec of a text that begins with a byte order mark of UTF-16."""
    if _marked(beginning) != "UTF-16":
        return None
    return "utf-16-le" if beginning.startswith(codecs.BOM_UTF16_LE) else "utf-16-be"


def refuse_nul(line: bytes, name: str, number: int, offset: int) -> NoReturn:
    """Raise the UserError about a line with a NUL byte, which no text has.

    Args:
        line: bytes of the file.
        name: the file's, for the message.
        number: the line's, from 1.
        offset: of the line in the file.
    """
    where = f"{name}: line {number}, byte {offset + line.index(0)}"
    if encoding := wide_encoding(line):
        raise UserError(f"{where}: looks like {encoding}, not UTF-8; {_convert(encoding)}")
    raise UserError(
        f"{where}: a NUL byte, which no text has; check that this is a text file, and if it is, remove the NUL "
        "bytes first, for example with tr -d '\\000'"
    )


def wide_encoding(beginning: bytes) -> str | None:
    """Return `UTF-16LE` or its like if the beginning of a text is in an encoding of two or four bytes a character."""
    if marked := _marked(beginning):
        return marked
    if 0 not in beginning or len(beginning) < 2 * MAGIC_BYTES:
        return None
    even, odd = beginning[0::2].count(0), beginning[1::2].count(0)
    if min(even, odd) == 0 and even + odd > 0.4 * len(beginning):  # Latin letters
        return "UTF-16BE" if even else "UTF-16LE"
    encodings = ["UTF-32LE", "UTF-32BE"]
    if _spaces(beginning.replace(b"\0", b""), "UTF-8") is None:  # else it is UTF-8 with a few zero bytes in it
        encodings += ["UTF-16LE", "UTF-16BE"]
    found = {encoding: _spaces(beginning, encoding) or 0 for encoding in encodings}
    likely = max(found, key=lambda encoding: found[encoding])
    return likely if found[likely] else None


def kind_of(beginning: bytes) -> tuple[str, str] | None:
    """Return what a file is, and what to do with it, if its first bytes are those of a known format."""
    if beginning.startswith(_ZIP):
        inside = (kind for mark, *kind in _IN_ZIP if mark in beginning)
        name, advice = next(inside, ("a ZIP archive", _EXTRACT))
        return name, advice
    if beginning[257:262] == b"ustar":
        return "a tar archive", _EXTRACT
    return next(((name, advice) for magic, name, advice in _KINDS if beginning.startswith(magic)), None)


def replaced_bytes(name: str, count: int, encoding: str = "UTF-8") -> str:
    """Return the warning about sequences of bytes that are not of the encoding, and were replaced."""
    many = f"sequences of bytes that are not {encoding} were"
    return f"{name}: {counted(count, f'sequence of bytes that is not {encoding} was', many)} replaced by U+FFFD"


def _marked(beginning: bytes) -> str | None:
    return next((encoding for mark, encoding in _BYTE_ORDER_MARKS if beginning.startswith(mark)), None)


def _convert(encoding: str) -> str:
    return f"convert the file first, for example with iconv -f {encoding} -t UTF-8"


def _spaces(data: bytes, encoding: str) -> int | None:
    """Return how many spaces and line ends there are in a text in `encoding`; None if the bytes cannot begin one."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(data)  # the last character may be cut
    except UnicodeDecodeError:
        return None
    if any(unicodedata.category(each) in ("Cc", "Cn", "Co") and each not in "\t\r\n" for each in text):
        return None
    return text.count(" ") + text.count("\n")
