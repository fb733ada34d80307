"""Files that are no text are named, and text is never taken for anything else."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2s.errors import UserError
from s2s.text.file_kinds import check_text, refuse_nul, wide_encoding

ENGLISH = "A man is playing the guitar.\nTwo dogs run.\n"
CHINESE = "一个男人在弹吉他。\n两只狗在奔跑。\n"
RUSSIAN = "Мужчина играет на гитаре.\nДве собаки бегут.\n"


def zipped(*names: str, stored: bytes = b"") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, stored or b"<xml/>")
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            zipped("[Content_Types].xml", "_rels/.rels", "word/document.xml"),
            "a Word document (.docx), not text; save it",
        ),
        (zipped("[Content_Types].xml", "xl/workbook.xml"), "an Excel workbook (.xlsx), not text"),
        (zipped("mimetype", stored=b"application/vnd.oasis.opendocument.text"), "an OpenDocument file (.odt, .ods)"),
        (zipped("mimetype", stored=b"application/epub+zip"), "an EPUB book, not text; extract the text from it"),
        (zipped("train.en"), "is a ZIP archive, not text; extract the text from it first"),
        (b"%PDF-1.7\n%\xe2\xe3", "is a PDF document"),
        (b"{\\rtf1\\ansi", "is an RTF document, not text; save it as plain text in UTF-8 first"),
        (b"BZh91AY", "is a bzip2 file, not text; decompress it first"),
        (b"\xfd7zXZ\0\0", "is an xz file"),
        (b"\x28\xb5\x2f\xfd\x04", "is a Zstandard file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "is a document of Microsoft Office"),
        (b"\x89PNG\r\n\x1a\n", "is a PNG picture"),
        (b"train.en".ljust(257, b"\0") + b"ustar\x0000", "is a tar archive"),
    ],
)
def test_formats_are_named(data: bytes, message: str) -> None:
    with pytest.raises(UserError) as caught:
        check_text(data, "FILE")
    assert str(caught.value).startswith("FILE: is ")
    assert message in str(caught.value)


@pytest.mark.parametrize("text", [ENGLISH, CHINESE, RUSSIAN, "é\n", "abc"])
@pytest.mark.parametrize("encoding", ["UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE"])
def test_wide_encodings_are_recognised_with_and_without_a_byte_order_mark(text: str, encoding: str) -> None:
    marked = wide_encoding(f"\ufeff{text}".encode(encoding))
    assert marked == encoding[:6]
    if len(text) > 3:
        assert wide_encoding(text.encode(encoding)) == encoding


@pytest.mark.parametrize(
    "data", [b"", b"\0", b"a\0", b"A man is playing\0 the guitar.\nTwo dogs\0run.\n", bytes(range(256))]
)
def test_other_bytes_are_not_taken_for_wide_encodings(data: bytes) -> None:
    assert wide_encoding(data) is None


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_text_in_utf8_is_never_refused(text: str) -> None:
    known = ("BZh", "%PDF-", "{\\rtf", "SQLite f", "PAR1", "PK\x03\x04")
    if not text.startswith(known):
        check_text(text.encode(), "FILE")


def test_a_nul_byte_is_placed_and_what_it_looks_like_is_said() -> None:
    with pytest.raises(UserError, match="FILE: line 3, byte 106: a NUL byte, which no text has; check that this is"):
        refuse_nul(b"A man.\0\n", "FILE", 3, 100)
    with pytest.raises(UserError, match="FILE: line 3, byte 101: looks like UTF-16LE"):
        refuse_nul("A man is here.\n".encode("utf-16-le"), "FILE", 3, 100)
