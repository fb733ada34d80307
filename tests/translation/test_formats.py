"""`translate` on documents: what every format keeps, through the command."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import zstandard

from s2s.decoding.results import Sentence, Translation
from translation.lost_tags import REASON
from translation.outputs import ListOutput
from translation.translator import Translator

Translate = Callable[..., tuple[int, str, str]]
PAGE = (
    '<p class="x">A man in a <b>red\n hat</b> is sleeping.</p>'
    "<script>if (a<b) c()</script><p>Two dogs &amp; a cat.</p>\n"
)
LOUD = (
    '<p class="x">A MAN IN A <b>RED HAT</b> IS SLEEPING.</p><script>if (a<b) c()</script><p>TWO DOGS &amp; A CAT.</p>\n'
)


def translating(monkeypatch: pytest.MonkeyPatch, change: Callable[[str], str]) -> None:
    """Let `change` make the translations."""

    def translate(_self: Translator, lines: Sequence[str], **_: int) -> list[Translation]:
        return [Translation((Sentence(change(line), 0.0, (line,)),)) for line in lines]

    monkeypatch.setattr(Translator, "translate", translate)


def files(folder: Path, **contents: str) -> list[Path]:
    paths = [folder / name.replace("_", ".") for name in contents]
    for path, content in zip(paths, contents.values()):
        path.write_text(content)
    return paths


def test_a_document_is_translated_whole(run: Translate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    translating(monkeypatch, str.upper)
    (page,) = files(tmp_path, page_html=PAGE)
    assert run(page) == (0, LOUD, "")
    assert run("--output", tmp_path / "out.html", page) == (0, "", "")
    assert (tmp_path / "out.html").read_text() == LOUD
    assert run("--format", "text", page)[1] == "".join(line.upper() + "\n" for line in PAGE.splitlines())


def test_lost_tags_make_the_texts_between_them_be_translated_one_by_one(
    run: Translate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    translating(monkeypatch, lambda line: line.replace("<0>", "").upper())
    assert run(*files(tmp_path, page_html=PAGE))[1] == LOUD


def test_texts_between_lost_tags_have_places_of_their_own_and_no_confidence_of_others(
    run: Translate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Places do not depend on the window, nor doubts on the translation that is thrown away."""
    seen = list[tuple[str, tuple[int, ...]]]()

    def translate(
        _self: Translator, lines: Sequence[str], *, places: Sequence[tuple[int, ...]], **_: object
    ) -> list[Translation]:
        seen.extend(zip(lines, places, strict=True))
        found = []
        for line in lines:
            sentence = Sentence(line.replace("<0>", "").upper(), -0.5, (line,), np.ones((1, 1), np.float32))
            doubtful = "<0>" in line or "hat" in line
            found.append(
                Translation((sentence,), confidence=0.25, doubtful=doubtful, reasons=("odd",) if doubtful else ())
            )
        return found

    monkeypatch.setattr(Translator, "translate", translate)
    page = tmp_path / "page.html"
    page.write_text("<p>one</p><p>a <b>cat</b> sits</p><p>a <b>hat</b> lies</p>")
    report = tmp_path / "report.jsonl"
    orders = []
    for window in (1, 100):
        seen.clear()
        monkeypatch.setattr(ListOutput, "window", window)
        code, output, _ = run("--report", report, "--force", "--unsure", "keep", page)
        assert (code, output) == (0, "<p>ONE</p><p>A <b>CAT</b> SITS</p><p>A <b>HAT</b> LIES</p>")
        orders.append(sorted(seen))
    assert orders[0] == orders[1]
    assert [place for text, place in orders[0] if text in ("cat", "hat")] == [(1, 1), (2, 1)]
    entries = [json.loads(line) for line in report.read_text().splitlines()]
    assert [(each["score"], each["confidence"]) for each in entries] == [(-0.5, 0.25), (None, None), (None, None)]
    assert [each["reasons"] for each in entries[1:]] == [[REASON], [REASON, "odd"]]
    looks = tmp_path / "look.json"
    assert run("--attention", looks, page)[0] == 0
    assert [bool(each["weights"]) for each in json.loads(looks.read_text())["items"]] == [True, False, False]


def test_several_documents_go_into_a_folder(run: Translate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    translating(monkeypatch, str.upper)
    paths = files(tmp_path, a_html="<p>a</p>", b_tsv="1\tb\n", c_txt="c\n")
    code, output, errors = run(*paths, "--columns", "2")
    assert (code, output) == (2, "")
    assert "name a folder with --output" in errors
    for folder in (f"{tmp_path}/new/", tmp_path / "new"):
        assert run(*paths, "--columns", "2", "--force", "--output", folder) == (0, "", "")
        assert [(tmp_path / "new" / path.name).read_text() for path in paths] == ["<p>A</p>", "1\tB\n", "C\n"]
    code, _, errors = run(*paths, "--columns", "2", "--output", tmp_path / "new")
    assert (code, errors.partition(":")[2].strip()[-60:]) == (
        2,
        "already exists; choose another name, or replace it with --force"[-60:],
    )
    code, _, errors = run(*paths, "--columns", "2", "--force", "--output", tmp_path)
    assert (code, "is an input and would be overwritten" in errors) == (2, True)
    assert paths[0].read_text() == "<p>a</p>"


def test_gzip_in_and_out(run: Translate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    translating(monkeypatch, str.upper)
    page, text = tmp_path / "page.html.gz", tmp_path / "text.gz"
    page.write_bytes(gzip.compress(PAGE.encode()))
    text.write_bytes(gzip.compress(b"a\nb\n"))
    assert run(page) == (0, LOUD, "")
    for path, written in ((page, LOUD), (text, "A\nB\n")):
        assert run("--output", tmp_path / "out.gz", "--force", path)[0] == 0
        assert gzip.decompress((tmp_path / "out.gz").read_bytes()).decode() == written
    page.write_bytes(page.read_bytes()[:-9])
    code, output, errors = run(page)
    assert (code, output) == (2, "")
    assert errors == f"error: {page}: this gzip file is cut off; copy or download it again\n"


def test_zstandard_in(run: Translate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    translating(monkeypatch, str.upper)
    page = tmp_path / "page.html.zst"
    page.write_bytes(zstandard.compress(PAGE.encode()))
    assert run(page) == (0, LOUD, "")
    assert run(page, "--output", f"{tmp_path}/new/")[0] == 0
    assert (tmp_path / "new" / "page.html").read_text() == LOUD
    page.write_bytes(page.read_bytes()[:-9])
    assert run(page) == (2, "", f"error: {page}: this Zstandard file is cut off; copy or download it again\n")


def test_the_report_names_the_line_of_each_segment(run: Translate, tmp_path: Path) -> None:
    (page,) = files(tmp_path, page_html="<p>A man</p>\n\n<p>\nA dog</p>\n")
    assert run("--report", tmp_path / "report.jsonl", page)[0] == 0
    lines = (tmp_path / "report.jsonl").read_text().splitlines()
    assert [(f'"file": "{page}"' in line, line.partition('"line": ')[2][0]) for line in lines] == [
        (True, "1"),
        (True, "4"),
    ]


@pytest.mark.parametrize("name", ["letter.docx", "letter.odt"])
def test_a_terminal_is_shown_no_archive(
    run: Translate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / name).write_bytes(b"PK")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    kind = name[-4:].strip(".").upper()
    assert run(tmp_path / name) == (2, "", f"error: {kind}: a terminal cannot show such a file; add --output NAME\n")


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a document of Microsoft Office (.doc, .xls)"),
        ("a.rtf", b"{\\rtf1\\ansi A man.}", "an RTF document"),
    ],
)
def test_old_documents_are_to_be_saved_as_docx(
    run: Translate, tmp_path: Path, name: str, content: bytes, kind: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert run(path) == (2, "", f"error: {path}: is {kind}; save it as DOCX or ODT first\n")


def test_n_best_is_for_plain_text(run: Translate, tmp_path: Path) -> None:
    code, output, errors = run("--n-best", "2", *files(tmp_path, page_html=PAGE))
    assert (code, output) == (2, "")
    assert errors.startswith("error: --n-best: writes several lines for one")


def test_a_field_may_have_a_dot_in_its_name(run: Translate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    translating(monkeypatch, str.upper)
    path = tmp_path / "a.jsonl"
    path.write_text('{"a.b": "x", "c": "x"}\n{"a": {"b": "y", "c": "y"}}\n{"a.b": {"c": "z"}, "a": {"b.c": "w"}}\n')
    written = '{"a.b": "X", "c": "x"}\n{"a": {"b": "Y", "c": "Y"}}\n{"a.b": {"c": "Z"}, "a": {"b.c": "w"}}\n'
    fields = ("--field", "a.b", "--field", "a.c", "--field", "a.b.c")
    assert run(*fields, path) == (0, written.replace('"w"', '"W"'), "")


@pytest.mark.parametrize(
    ("name", "content", "options", "complaint"),
    [
        ("a.tsv", "a\tb\n", [], "TSV needs --columns, which names what is translated; or use --format text"),
        ("a.jsonl", "{}\n", [], "JSONL needs --field, which names what is translated; or use --format text"),
        ("a.tsv", "a\tb\nc\n", ["--columns", "2"], "FILE: line 2: has 1 column, and column 2 is to be translated"),
        ("a.tsv", "a\tb\rc\td\r", ["--columns", "a"], "FILE: line 1: the lines end with CR alone; convert them"),
        ("a.tsv", "a\ta\nb\tc\n", ["--columns", "a"], "FILE: line 1: several columns have the name 'a'"),
        ("a.tsv", "", ["--columns", "a"], "FILE: line 1: no column has the name 'a'; the columns are none"),
        ("a.tsv", "a\tb\n", ["--columns", "x"], "FILE: line 1: no column has the name 'x'; the columns are a, b"),
        ("a.tsv", "a\tb\n", ["--columns", "0"], "FILE: --columns: columns are counted from 1"),
        ("a.jsonl", '{"a": "b"}\n{"a": \n', ["--field", "a"], "FILE: line 2, column 6: not JSON (Expecting value)"),
        ("a.jsonl", '["a"]\n', ["--field", "a"], "FILE: line 1: is no JSON object; each line must be one"),
        ("a.jsonl", '{"a": "b"}\n', ["--field", "x"], "FILE: no line has the field x; the first line has: a"),
        ("a.jsonl", '{"a": {"b": "c"}}\n', ["--field", "a"], "FILE: line 1: the field a has an object, not text; name"),
        ("a.jsonl", '{"b": 1}\n{"a": 1}\n', ["--field", "a"], "FILE: line 2: the field a has a number, not text"),
        ("a.jsonl", '{"a": "b", "n": ' + "9" * 5000 + "}", ["--field", "n"], "FILE: line 1: the field n has a number"),
        ("a.jsonl", '{"a": "\\ud83d"}', ["--field", "a"], "FILE: line 1: half of a surrogate pair in a string"),
        (
            "a.txt",
            "a\tb\n",
            ["--columns", "2"],
            "--columns: is for TSV files, and there is none; leave it out",
        ),
        ("a.html", "a\n", ["--field", "a"], "--field: is for JSONL files, and there is none"),
        ("a.srt", "", ["--replace-fuzzy"], "--replace-fuzzy: is for PO files, and there is none"),
        ("a.po", "", ["--line-length", "42"], "--line-length: is for SRT and VTT files, and there is none"),
        ("a.html", "<p>a\n<p>b\xff", [], "FILE: line 2, byte 9: not UTF-8: FF"),
        ("a.html", "\xff\xfea\0\n\0\0", [], "FILE: line 2, byte 6: not UTF-16: 00 (truncated data)"),
        ("a.html", "a\0", [], "FILE: line 1: a NUL character, which no text has"),
        ("a.html", "%PDF-1.7 ", [], "FILE: is a PDF document, not text; extract the text from it first"),
    ],
)
def test_a_broken_file_is_one_line(
    run: Translate, tmp_path: Path, name: str, content: str, options: list[str], complaint: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode("latin-1"))
    code, output, errors = run(*options, path)
    errors = errors.replace(str(path), "FILE").replace("warning: FILE: is in UTF-16; its translation is too\n", "")
    assert (code, output, errors.count("\n")) == (2, "", 1)
    assert errors.startswith(f"error: {complaint}")


def test_values_of_a_field_that_are_no_text_are_counted(
    run: Translate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    translating(monkeypatch, str.upper)
    content = '{"a": "b"}\n{"a": 1}\n{"a": null}\n{"a": ["c", {"d": "e"}, []]}\n'
    (path,) = files(tmp_path, a_jsonl=content)
    code, output, errors = run("--field", "a", path)
    assert (code, output) == (0, content.replace('"b"', '"B"').replace('"c"', '"C"'))
    assert errors == f"warning: {path}: values of the field a that are no text stay as they are: line 2, 4\n"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_in_and_out(run: Translate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    translating(monkeypatch, str.upper)
    text, page, output = tmp_path / "text.en", tmp_path / "page.html", tmp_path / "out"
    text.write_bytes("\ufeffa ä\r\nb\r\n".encode(encoding))
    page.write_bytes("\ufeff<p>a ä</p>\r\n".encode(encoding))
    for path, written in ((text, "\ufeffA Ä\nB\n"), (page, "\ufeff<p>A Ä</p>\r\n")):
        code, _, errors = run("--output", output, "--force", path)
        assert (code, errors.count("\n")) == (0, 1)
        assert errors.startswith(f"warning: {path}: is in UTF-16")
        assert output.read_bytes() == written.encode(encoding)
    other = tmp_path / "other.en"
    other.write_text("a\n")
    code, _, errors = run("--output", output, "--force", other, text)
    assert (code, "is in UTF-16" in errors.splitlines()[-1]) == (2, True)


def test_replaced_bytes_of_a_document_are_counted(
    run: Translate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    translating(monkeypatch, str.upper)
    page = tmp_path / "page.html"
    page.write_bytes(b"<p>a \xff \xef\xbf\xbd \xc3</p>")
    code, output, errors = run("--encoding-errors", "replace", page)
    assert (code, output) == (0, "<p>A \ufffd \ufffd \ufffd</p>")
    assert errors == f"warning: {page}: 2 sequences of bytes that are not UTF-8 were replaced by U+FFFD\n"


def test_a_page_in_the_encoding_that_it_declares(
    run: Translate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    translating(monkeypatch, lambda line: f"{line} ä €")
    page, output = tmp_path / "page.html", tmp_path / "out.html"
    page.write_bytes(b'<meta charset="iso-8859-1"><p>caf\xe9</p>')
    assert run("--output", output, page) == (0, "", "")
    assert output.read_bytes() == b'<meta charset="iso-8859-1"><p>caf\xe9 \xe4 &#8364;</p>'
    page.write_bytes(b'<meta charset="iso-8859-1"><p>a \x96 b</p>')
    run("--output", output, "--force", page)
    assert output.read_bytes() == b'<meta charset="iso-8859-1"><p>a \x96 b \xe4 \x80</p>'
    page.write_bytes(b'<meta charset="cp1252"><p>caf\x81</p>')
    code, _, errors = run(page)
    assert (code, errors.partition("; ")[0]) == (
        2,
        f"error: {page}: line 1, byte 29: not cp1252, which the page declares",
    )


@pytest.mark.parametrize("declared", ["us-ascii", "shift_jis", "x-unknown"])
def test_a_page_of_ascii_that_declares_another_encoding_gets_references(
    run: Translate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, declared: str
) -> None:
    translating(monkeypatch, lambda _: "schön")
    head = f'<meta charset="{declared}">'
    assert run(*files(tmp_path, page_html=f"{head}<p>nice</p>")) == (0, f"{head}<p>sch&#246;n</p>", "")


@pytest.mark.parametrize(
    ("declared", "encoding", "words", "written"),
    [
        ("Shift_JIS", "cp932", "①犬がいる。", "猫 &#246; &#165;"),
        ("euc-jp", "euc_jp", "犬がいる。", "猫 ö &#165;"),
        ("iso-2022-jp", "iso2022_jp", "犬がいる。", "猫 &#246; &#165;"),
        ("gb2312", "gbk", "一只狗。", "猫 &#246; &#165;"),
        ("GB18030", "gb18030", "一只狗。", "猫 ö \xa5"),
        ("big5", "big5hkscs", "一隻狗。", "貓 &#246; \xa5"),
        ("euc-kr", "cp949", "똠 개가 있다.", "猫 &#246; &#165;"),
    ],
)
def test_a_page_in_an_encoding_of_several_bytes(
    run: Translate,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    declared: str,
    encoding: str,
    words: str,
    written: str,
) -> None:
    translating(monkeypatch, lambda _: f"{written[0]} ö \xa5")
    page, output = tmp_path / "page.html", tmp_path / "out.html"
    text = f'<meta charset="{declared}"><p title="{words}">{words}</p>\n'
    page.write_bytes(text.encode(encoding))
    assert run("--output", output, page) == (0, "", "")
    assert output.read_bytes().decode(encoding) == text.replace(f">{words}<", f">{written}<")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b'<meta charset="shift_jis">\n\x82', "line 2, byte 27: not shift_jis, which the page declares"),
        (b'<meta charset="shift_jis">\n\x87\x90', "line 2: characters of shift_jis that can be written in two ways"),
        (
            b'<meta charset="x-foo">\xe9',
            "the page declares the encoding x-foo, which is not supported, and is not UTF-8",
        ),
    ],
)
def test_a_page_that_its_encoding_cannot_read_or_write(
    run: Translate, tmp_path: Path, content: bytes, complaint: str
) -> None:
    page = tmp_path / "page.html"
    page.write_bytes(content)
    code, _, errors = run(page)
    assert (code, errors.count("\n"), errors.startswith(f"error: {page}: {complaint}")) == (2, 1, True), errors
