"""Subtitles, PO, DOCX and ODT: what is kept of a hundred files each, and what is told about broken ones."""

from __future__ import annotations

import io
import random
import re
import zipfile
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest
from office_files import FILES, archive, docx_of, odt_of

from s2s.errors import UserError
from s2s.text.spans import find_spans
from translation.formats.document import Document, FormatOptions
from translation.formats.registry import FORMATS
from translation.formats.tags import TAG
from translation.formats.xml_spans import Element, parse

Translate = Callable[..., tuple[int, str, str]]
SEEDS = range(100)
_FORMATTING = {"r", "t", "rPr", "b", "i", "lang", "span", "hyperlink", "ins", "a", "s"}  # written anew around words
_OF_OLD_WORDS = {"proofErr", "soft-page-break"}


def read(name: str, content: bytes) -> Document:
    return import_module(FORMATS[name].module).read(content, FormatOptions())


def shout(text: str) -> str:
    """A translation: in capitals, but for what is protected."""
    parts, end = list[str](), 0
    for span in find_spans(text):
        parts += [text[end : span.start].upper(), text[span.start : span.end]]
        end = span.end
    return "".join([*parts, text[end:].upper()])


def plain(segment: str) -> str:
    return " ".join(TAG.sub("", segment).split())


def elements(element: Element) -> Counter[str]:
    found = Counter({element.local: 1})
    for child in element.elements:
        found += elements(child)
    return found


@pytest.mark.parametrize("name", FILES)
def test_a_hundred_files_come_back_byte_for_byte(name: str) -> None:
    segments = 0
    for seed in SEEDS:
        content = FILES[name](seed)
        document = read(name, content)
        assert document.write(document.segments) == content, seed
        assert len(document.places) == len(document.segments)
        segments += len(document.segments)
    assert segments > 300


@pytest.mark.parametrize("name", ["docx", "odt"])
def test_all_but_words_stays_in_an_office_document(name: str) -> None:
    for seed in SEEDS:
        content = FILES[name](seed)
        document = read(name, content)
        written = document.write(list(map(shout, document.segments)))
        old, new = zipfile.ZipFile(io.BytesIO(content)), zipfile.ZipFile(io.BytesIO(written))
        assert old.namelist() == new.namelist()
        for member in old.infolist():
            assert new.getinfo(member.filename).compress_type == member.compress_type
            if not member.filename.endswith(".xml"):
                assert old.read(member) == new.read(member.filename)
                continue
            before, after = (elements(parse(each.read(member.filename))) for each in (old, new))
            for element in (before | after).keys() - _FORMATTING - _OF_OLD_WORDS:
                assert before[element] == after[element], (seed, element)
        again = read(name, written)
        assert [plain(each) for each in again.segments] == [plain(shout(each)) for each in document.segments], seed


@pytest.mark.parametrize("name", ["srt", "vtt"])
def test_all_but_words_stays_in_subtitles(name: str) -> None:
    kept = re.compile(r"(?m)^.*-->.*$|^\d+\s*$|^cue \d+$|^NOTE[^\0]*?(?=\n\n|\Z)|^STYLE[^\0]*?(?=\n\n|\Z)")
    tags = re.compile(r"<[^<>\s]*[ .:\d][^<>]*>|\{[^{}]*\}")
    for seed in SEEDS:
        content = FILES[name](seed)
        document = read(name, content)
        written = document.write(list(map(shout, document.segments)))
        old, new = content.decode(), written.decode()
        assert kept.findall(old) == kept.findall(new), seed
        assert old.count("\r") == old.count("\n") or "\r" not in new
        if all(old.count(f"<{each}") == old.count(f"</{each}>") for each in ("font", "v", "c", "lang")):
            assert set(tags.findall(old)) == set(tags.findall(new)), seed
        shown = (re.sub(r"<[^<>]*>|\{[^{}]*\}|\s", "", kept.sub("", each)) for each in (old, new))
        words = [each.upper().replace("&GT;", ">") for each in shown]  # which may move to the next cue
        assert words[0] == words[1], seed


def test_all_but_empty_translations_stays_in_po_files() -> None:
    for seed in SEEDS:
        content = FILES["po"](seed)
        document = read("po", content)
        written = document.write(list(map(shout, document.segments))).decode()
        old = content.decode().split("\n")
        new = [line.replace("#, fuzzy, ", "#, ") for line in written.split("\n") if line != "#, fuzzy"]
        kept = [line for line in old if not re.match(r'msgstr(\[\d\])? ""', line)]
        position = 0
        for line in kept:  # all other lines are there, in order
            position = new.index(line, position) + 1
        left = read("po", written.encode()).segments
        assert left == list(map(shout, left)), seed  # those that stay as they are


BROKEN: list[tuple[str, str, str | bytes, str]] = [
    (
        "a subtitle without a time",
        "srt",
        "1\n00:00:01,000 --> 00:00:02,000\na\n\n2\nb\n",
        "line 5: subtitle 2 has no time",
    ),
    ("no subtitles", "srt", "A man\n", "line 1: neither the number nor the time of a subtitle; is this an SRT file?"),
    ("a time that is none", "srt", "1\n00:00:01 --> 00:00:02\na\n", "line 2: this is no time of a subtitle"),
    (
        "a time that is none, later",
        "srt",
        "1\n0:0:1,0 --> 0:0:2,0\na\n\n2\n00:0x --> 1\na\n",
        "line 5: subtitle 2 has no",
    ),
    (
        "a time that is none in words",
        "srt",
        "1\n0:0:1,0 --> 0:0:2,0\na\n0:x --> 1\n",
        "line 4: a time that cannot be read",
    ),
    ("a negative time", "srt", "1\n-00:00:01,000 --> 00:00:02,000\na\n", "line 2: a time before 0; correct it"),
    (
        "an end before the start",
        "srt",
        "1\n00:00:03,000 --> 00:00:02,000\na\n",
        "line 2: the subtitle ends before it be",
    ),
    ("bytes", "srt", b"1\n00:00:01,000 --> 00:00:02,000\n\xe4\n", "line 3, byte 32: not UTF-8: E4"),
    ("no header", "vtt", "00:01.000 --> 00:02.000\na\n", "line 1: a WebVTT file begins with WEBVTT"),
    ("nothing", "vtt", "", "line 1: a WebVTT file begins with WEBVTT"),
    (
        "a cue in the header",
        "vtt",
        "WEBVTT\n00:01.000 --> 00:02.000\na\n",
        "line 2: a cue in the header; add a blank line",
    ),
    ("a cue without a time", "vtt", "WEBVTT\n\nA man\nsleeps\n", "line 3: a cue without a time; add it, or remove"),
    (
        "a comma in a time",
        "vtt",
        "WEBVTT\n\n00:01,000 --> 00:02,000\na\n",
        "line 3: a time that cannot be read; correct",
    ),
    (
        "two cues in one",
        "vtt",
        "WEBVTT\n\n00:01.000 --> 00:02.000\na\n00:02.000 --> 00:03.000\nb\n",
        "line 5: a time ins",
    ),
    (
        "an end before the start",
        "vtt",
        "WEBVTT\n\n00:03.000 --> 00:02.000\na\n",
        "line 3: the subtitle ends before it be",
    ),
    ("no syntax", "po", "A man\n", "line 1: neither a comment nor a string of a message; correct it"),
    (
        "a string that does not end",
        "po",
        'msgid "a\nmsgstr ""\n',
        "line 1: a string that has no quotation mark at its end",
    ),
    (
        "an escape that is none",
        "po",
        'msgid "a\\q"\nmsgstr ""\n',
        "line 1: \\q is no character of a PO file; write \\\\",
    ),
    ("no msgid", "po", 'msgstr "a"\n', "line 1: msgstr without msgid before it; correct it"),
    ("no msgstr", "po", 'msgid "a"\n', "line 2: the message of line 1 has no msgstr; add it"),
    ("two msgid", "po", 'msgid "a"\nmsgid "b"\nmsgstr ""\n', "line 2: msgstr is missing before; add it"),
    ("a context alone", "po", 'msgctxt "a"\n', "line 2: a message without msgid ends here; correct it"),
    ("a string alone", "po", '"a"\n', "line 1: a string without msgid or msgstr before it; correct it"),
    (
        "plural without forms",
        "po",
        'msgid "a"\nmsgid_plural "b"\nmsgstr ""\n',
        "line 3: msgstr[n] belongs to msgid_plural",
    ),
    (
        "a form twice",
        "po",
        'msgid "a"\nmsgid_plural "b"\nmsgstr[0] ""\nmsgstr[0] ""\n',
        "line 4: this form is there twice",
    ),
    (
        "duplicates",
        "po",
        'msgid "a"\nmsgstr ""\n\nmsgid ""\n"a"\nmsgstr ""\n',
        "line 4: the same message as in line 1; joi",
    ),
    (
        "an unknown encoding",
        "po",
        'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=foo\\n"\n',
        "not in foo, which ",
    ),
    ("no archive", "docx", "A man", "no DOCX file, or one that is cut short (File is not a zip file); check the file"),
    ("cut short", "docx", FILES["docx"](1)[:-30], "no DOCX file, or one that is cut short ("),
    (
        "an old file",
        "docx",
        bytes.fromhex("D0CF11E0A1B11AE1") + bytes(600),
        "an old or encrypted file of an office progr",
    ),
    ("another archive", "docx", archive({"a": "b"}), "no DOCX file: [Content_Types].xml is missing in the archive"),
    (
        "no body",
        "docx",
        archive({"[Content_Types].xml": "<Types/>"}),
        "no DOCX file: the archive has no body of a text doc",
    ),
    (
        "broken XML",
        "docx",
        docx_of("<w:p>\n</w:q>"),
        "word/document.xml: line 3: XML that is not well-formed (mismatched t",
    ),
    (
        "deep XML",
        "docx",
        docx_of("<w:p>" * 400 + "</w:p>" * 400),
        "word/document.xml: line 2: XML nested deeper than 300",
    ),
    ("no archive", "odt", "A man", "no ODT file, or one that is cut short (File is not a zip file); check the file"),
    (
        "no content",
        "odt",
        archive({"mimetype": "application/vnd.oasis.opendocument.text"}),
        "no ODT file: content.xml is m",
    ),
    (
        "a spreadsheet",
        "odt",
        archive({"mimetype": "x/y", "content.xml": "<a/>"}),
        "no ODT file: the document says that it ",
    ),
    (
        "encrypted",
        "odt",
        odt_of("", manifest="<m:encryption-data/>"),
        "the document is encrypted; save it as ODT without",
    ),
    (
        "UTF-16",
        "odt",
        archive({"content.xml": "<a/>".encode("utf-16")}),
        "content.xml: line 1: XML in UTF-16; save the",
    ),
    (
        "Latin-1",
        "odt",
        archive({"content.xml": '<?xml version="1.0" encoding="latin-1"?><a/>'}),
        "content.xml: line 1: XML ",
    ),
    (
        "entities that grow",
        "odt",
        archive({"content.xml": '<!DOCTYPE a [<!ENTITY x "xx"><!ENTITY y "&x;&x;">]>\n<a>&y;</a>'}),
        "content.xml: line 1: XML with a document type (<!DOCTYPE ...>), which is not read; save the file again",
    ),
]


@pytest.mark.parametrize(
    ("name", "content", "complaint"), [case[1:] for case in BROKEN], ids=[f"{b}: {a}" for a, b, *_ in BROKEN]
)
def test_a_broken_file_is_told_with_its_place(name: str, content: str | bytes, complaint: str) -> None:
    with pytest.raises(UserError) as error:
        read(name, content.encode() if isinstance(content, str) else content)
    assert str(error.value).startswith(complaint)
    assert "\n" not in str(error.value)


def test_what_would_be_huge_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("translation.formats.archive._LARGEST", 1 << 20)
    monkeypatch.setattr("translation.formats.archive._LARGEST_XML", 1 << 10)
    with pytest.raises(UserError, match=r"^1,048,581 bytes when unpacked, more than 1,048,576; make its pictures smal"):
        read("odt", archive({"content.xml": "<a/>", "bomb": bytes((1 << 20) + 1)}))
    with pytest.raises(UserError, match=r"^content.xml has 1,025 bytes, more than 1,024; cut the document in parts"):
        read("odt", archive({"content.xml": bytes((1 << 10) + 1)}))


def test_damaged_and_encrypted_members_are_told() -> None:
    content = bytearray(FILES["docx"](3))
    at = content.index(b"word/document.xml") + 60
    content[at : at + 4] = b"\xff\xff\xff\xff"
    with pytest.raises(UserError, match=r"^word/document.xml is damaged in the archive \("):
        read("docx", bytes(content))
    content = bytearray(archive({"content.xml": "<a/>"}))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(UserError, match=r"^content.xml is encrypted; save the document without a password"):
        read("odt", bytes(content))


@pytest.mark.parametrize("name", FILES)
def test_damage_anywhere_is_read_or_told(name: str) -> None:
    rng, read_or_told = random.Random(1), Counter[bool]()
    for seed in SEEDS:
        content = bytearray(FILES[name](seed))
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(content))
            content[at : at + rng.randint(0, 20)] = rng.choice(
                [b"", b"<", b'"', b"\n\n", b"-->", b"\xff", b"msgid", b"PK"]
            )
        try:
            document = read(name, bytes(content))
        except UserError:
            read_or_told[False] += 1
        else:
            assert document.write(document.segments) == content
            read_or_told[True] += 1
    assert read_or_told[False] > 10


def test_a_long_text_does_not_take_quadratic_time() -> None:
    many = b"\n".join(b"%d\n00:00:01,000 --> 00:00:02,000\na man a man a man\n" % i for i in range(500))
    paragraph = docx_of(f"<w:p>{'<w:r><w:t>A man </w:t></w:r><w:r><w:rPr/><w:tab/><w:t>x</w:t></w:r>' * 500}</w:p>")
    for name, content in (("srt", many), ("srt", b"0:0:0,0 --> 0:0:1,0\n" + b"word " * 5_000), ("docx", paragraph)):
        document = read(name, content)
        assert document.write([f"{each} x" for each in document.segments]) != content


def test_a_broken_file_ends_the_command_with_one_line(run: Translate, tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    path.write_bytes(FILES["docx"](1)[:-30])
    code, output, errors = run(path, "--output", tmp_path / "out.docx")
    assert (code, output, errors.count("\n"), (tmp_path / "out.docx").exists()) == (2, "", 1, False)
    assert errors.startswith(f"error: {path}: no DOCX file, or one that is cut short (")
