"""What other programs' libraries see in the office documents, subtitles and messages that `translate` writes."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import docx as python_docx
import polib
import pysubs2
import pytest
import webvtt as webvtt_py
from docx.oxml import parse_xml
from docx.shared import Pt
from odf import opendocument, style, table, teletype
from odf import text as odf_text
from office_files import docx_of, odt_of

from translation.formats import docx, odt
from translation.formats.archive import Archive
from translation.formats.document import Document, FormatOptions
from translation.translate import translate
from translation.translator import Translator

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def read_docx(body: str, **parts: str) -> Document:
    return docx.read(docx_of(body, **parts), FormatOptions())


def body_of(document: Document, translations: Iterable[str]) -> str:
    """The body of a DOCX file with other words."""
    xml = Archive(document.write(list(translations)), "DOCX").xml("word/document.xml").decode()
    return xml.partition("<w:body>")[2].partition("<w:sectPr/>")[0]


def run(text: str, properties: str = "") -> str:
    properties = f"<w:rPr>{properties}</w:rPr>" if properties else ""
    return f'<w:r>{properties}<w:t xml:space="preserve">{text}</w:t></w:r>'


def test_formatting_goes_with_its_words() -> None:
    document = read_docx(
        f"<w:p><w:pPr/>{run('A ')}{run('red', '<w:b/>')}{run(' hat and ')}{run('a dog', '<w:i/>')}</w:p>"
    )
    assert list(document.segments) == ["A <0>red</0> hat and <1>a dog</1>"]
    written = body_of(document, ["<1>Ein Hund</1> & ein <0>roter</0> Hut"])
    assert written == (
        f"<w:p><w:pPr/>{run('Ein Hund', '<w:i/>')}{run(' &amp; ein ')}{run('roter', '<w:b/>')}{run(' Hut')}</w:p>"
    )


def test_runs_that_look_alike_are_one_text() -> None:
    spelling = '<w:proofErr w:type="spellStart"/>'
    document = read_docx(
        f'<w:p>{run("A m", "<w:lang/>")}{spelling}<w:r w:rsidR="1"><w:t>a</w:t></w:r>{run("n sle")}'
        f"{run('eps', '<w:b/>')}</w:p>"
    )
    assert list(document.segments) == ["A man sleeps"]  # a word has one style
    assert body_of(document, ["Er schläft"]).count("<w:r>") == 1


def test_what_parts_of_a_word_mean_stays() -> None:
    document = read_docx(f"<w:p>{run('Drink H')}{run('2', '<w:vertAlign/>')}{run('O now')}</w:p>")
    assert list(document.segments) == ["Drink <0/> now"]
    assert body_of(document, ["Trinke <0/>"]) == f"<w:p>{run('Trinke H')}{run('2', '<w:vertAlign/>')}{run('O')}</w:p>"


def test_styles_that_touch_each_other_and_marks_inside_words() -> None:
    mark = '<w:bookmarkStart w:id="{0}" w:name="x"/><w:bookmarkEnd w:id="{0}"/>'
    document = read_docx(
        f"<w:p>{run('A dog')}{mark.format(1)}{run(' (', '<w:b/>')}{run('(runs) sl', '<w:i/>')}{mark.format(2)}"
        f"{run('owly', '<w:i/>')}{run(' in the green park', '')}</w:p>"
    )
    assert list(document.segments) == ["A dog<2/><3/> <0>(</0><1>(runs) slowly</1><4/><5/> in the green park"]
    written = body_of(document, ["Ein Hund<2/><3/> <0>(</0><1>(läuft) langsam</1><4/><5/>"])
    assert run("(", "<w:b/>") + run("(läuft) langsam", "<w:i/>") + mark.format(2) in written


def test_fields_stay_and_links_are_text() -> None:
    begin, separate, end = (f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("begin", "separate", "end"))

    def field(instruction: str, shown: str) -> str:
        return f"{begin}<w:r><w:instrText>{instruction}</w:instrText></w:r>{separate}{run(shown)}{end}"

    page, link = field(" PAGE ", "seven"), field('HYPERLINK "x"', "a dog")
    document = read_docx(f"<w:p>{run('Page ')}{page}{run(' shows ')}{link}{run('.')}</w:p>")
    assert list(document.segments) == ["Page <0/> shows <1>a dog</1>."]
    written = body_of(document, ["<1>Einen Hund</1> zeigt Seite <0/>."])
    opened, _, closed = link.partition(run("a dog"))
    assert written == f"<w:p>{opened}{run('Einen Hund')}{closed}{run(' zeigt Seite ')}{page}{run('.')}</w:p>"


def test_a_table_of_contents_is_text_but_for_its_page_numbers() -> None:
    start = (
        '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>TOC \\o</w:instrText></w:r>'
        '<w:r><w:fldChar w:fldCharType="separate"/></w:r>'
    )
    page = (
        '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>PAGEREF a</w:instrText></w:r>'
        f'<w:r><w:fldChar w:fldCharType="separate"/></w:r>{run("ix")}<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    )
    end = '<w:p><w:r><w:fldChar w:fldCharType="end"/></w:r></w:p>'
    body = f"<w:p>{start}{run('One')}<w:r><w:tab/></w:r>{page}</w:p><w:p>{run('Two')}</w:p>{end}"
    document = read_docx(body)
    assert list(document.segments) == ["One", "Two"]
    assert body_of(document, ["Eins", "Zwei"]) == body.replace("One", "Eins").replace("Two", "Zwei")


def test_text_boxes_notes_headers_and_controls_have_segments_of_their_own() -> None:
    box = f"<w:r><w:pict><w:txbxContent><w:p>{run('A box')}</w:p></w:txbxContent></w:pict></w:r>"
    control = f"<w:sdt><w:sdtPr/><w:sdtContent>{run('a name')}</w:sdtContent></w:sdt>"
    hint = control.replace("<w:sdtPr/>", "<w:sdtPr><w:showingPlcHdr/></w:sdtPr>").replace("a name", "Click here")
    note = '<w:r><w:footnoteReference w:id="1"/></w:r>'
    body = f"<w:p>{box}{run('A man')}{note}{run(' and ')}{control}{hint}</w:p>"
    document = read_docx(
        body, header1=f"<w:p>{run('A head')}</w:p>", footnotes=f"<w:footnote><w:p>{run('A note')}</w:p></w:footnote>"
    )
    assert list(document.segments) == ["A man<0/> and", "A box", "a name", "A head", "A note"]
    assert list(document.places) == [1, 2, 3, 4, 5]
    written = body_of(document, ["Ein Mann<0/> und", "Ein Kasten", "ein Name", "Ein Kopf", "Eine Note"])
    changes = {"A man": "Ein Mann", " and ": " und ", "A box": "Ein Kasten", "a name": "ein Name"}
    for old, new in changes.items():
        body = body.replace(old, new)
    assert written == body


def test_bookmarks_open_before_they_close() -> None:
    first, last = '<w:bookmarkStart w:id="1" w:name="x"/>', '<w:bookmarkEnd w:id="1"/>'
    document = read_docx(f"<w:p>{run('A ')}{first}{run('red', '<w:b/>')}{run(' hat')}{last}{run(' here')}</w:p>")
    assert list(document.segments) == ["A <1><0>red</0> hat</1> here"]
    assert body_of(document, ["Hier <1>ein Hut</1><0/>"]).count("bookmark") == 2
    crossed = read_docx(
        f"<w:p>{run('A ')}{run('re x', '<w:b/>')}{first}{run(' y', '<w:b/>')}{run(' z')}{last}{run(' q')}</w:p>"
    )
    (segment,) = crossed.segments
    assert segment.count("/>") == 2  # they cross the tags of a style, and stand alone
    written = body_of(crossed, [segment.replace("<1/>", "§").replace("<2/>", "<1/>").replace("§", "<2/>") + "!"])
    assert written.index("bookmarkStart") < written.index("bookmarkEnd")


def test_white_space_of_opendocument_is_kept_as_elements() -> None:
    sleeps = '<text:span text:style-name="T">sleeps</text:span>'
    body = f'<text:p>\n  A   man<text:s text:c="2"/>{sleeps}<text:tab/> now.</text:p>'
    document = odt.read(odt_of(body), FormatOptions())
    assert list(document.segments) == ["A man  <0>sleeps</0>", "now."]
    written = odt.read(document.write(["Jemand  <0>schläft</0>", "jetzt."]), FormatOptions())
    assert list(written.segments) == ["Jemand  <0>schläft</0>", "jetzt."]


@dataclass(frozen=True)
class Command:
    """The command with the bundled model and one of the engines."""

    engine: Literal["torch", "onnx"]
    folder: Path

    def __call__(self, name: str, content: bytes) -> str:
        """Translate a file; return the path of what is written."""
        (self.folder / name).write_bytes(content)
        options = ["--engine", self.engine, "--output", f"{self.folder}/out/"]
        assert translate([str(self.folder / name), *options]) == 0
        return str(self.folder / "out" / name)

    def words(self, *texts: str) -> list[str]:
        """What the model writes for texts."""
        return [each.text for each in Translator.load("en-de", engine=self.engine).translate(texts)]


@pytest.fixture(params=["torch", "onnx"])
def translated(request: pytest.FixtureRequest, tmp_path: Path) -> Command:
    return Command(request.param, tmp_path)


def test_python_docx_opens_what_it_made(translated: Command) -> None:
    made = python_docx.Document()
    made.add_heading("A man", 1)
    paragraph = made.add_paragraph("A man in a ")
    paragraph.add_run("red").bold = True
    paragraph.add_run(" shirt is sleeping.").font.size = Pt(20)
    made.add_table(1, 2).cell(0, 1).text = "Two dogs are running."
    made.sections[0].header.paragraphs[0].text = "A woman is sleeping."
    content = io.BytesIO()
    made.save(content)
    opened = python_docx.Document(translated("a.docx", content.getvalue()))
    heading, sentence, cell, header = translated.words(
        "A man", "A man in a red shirt is sleeping.", "Two dogs are running.", "A woman is sleeping."
    )
    assert [each.text for each in opened.paragraphs] == [heading, sentence]
    assert [each.text for each in opened.paragraphs[1].runs if each.bold] == [sentence.split()[4]]
    assert opened.paragraphs[1].runs[-1].font.size == Pt(20)
    assert opened.paragraphs[0].style is not None
    assert opened.paragraphs[0].style.name == "Heading 1"
    assert opened.tables[0].cell(0, 1).text == cell
    assert opened.sections[0].header.paragraphs[0].text == header


def test_odfpy_opens_what_it_made(translated: Command) -> None:
    made: Any = opendocument.OpenDocumentText()
    bold = style.Style(name="Bold", family="text")
    made.automaticstyles.addElement(bold)
    paragraph = odf_text.P(text="A man in a ")
    paragraph.addElement(odf_text.Span(stylename=bold, text="red"))
    paragraph.addText(" shirt is sleeping.")
    made.text.addElement(paragraph)  # pyright: ignore[reportAttributeAccessIssue]
    rows, row, cell = table.Table(), table.TableRow(), table.TableCell()
    cell.addElement(odf_text.P(text="Two dogs are running."))
    row.addElement(cell)
    rows.addElement(row)
    made.text.addElement(rows)  # pyright: ignore[reportAttributeAccessIssue]
    content = io.BytesIO()
    made.save(content)
    opened = opendocument.load(translated("a.odt", content.getvalue()))
    words = translated.words("A man in a red shirt is sleeping.", "Two dogs are running.")
    assert [teletype.extractText(each) for each in opened.getElementsByType(odf_text.P)] == words
    spans = [teletype.extractText(each) for each in opened.getElementsByType(odf_text.Span)]
    assert spans == [words[0].split()[4]]


def test_pysubs2_and_webvtt_py_open_subtitles(translated: Command) -> None:
    made = pysubs2.SSAFile()
    made.events = [
        pysubs2.SSAEvent(1000, 2000, "A man in a red shirt"),
        pysubs2.SSAEvent(2000, 3500, "is sleeping.\\NTwo dogs {\\i1}are{\\i0} running."),
    ]
    opened = pysubs2.load(translated("a.srt", made.to_string("srt").encode()))
    words = translated.words("A man in a red shirt is sleeping.", "Two dogs are running.")
    assert [(each.start, each.end) for each in opened] == [(1000, 2000), (2000, 3500)]
    assert " ".join(each.plaintext.replace("\n", " ") for each in opened) == " ".join(words)
    assert all(each.plaintext for each in opened)
    captions = webvtt_py.WebVTT()
    captions.captions.append(webvtt_py.Caption("00:00:01.000", "00:00:02.000", "A man is sleeping."))
    read = webvtt_py.read(translated("a.vtt", captions.content.encode()))
    assert [(each.start, each.text) for each in read] == [("00:00:01.000", *translated.words("A man is sleeping."))]


def test_polib_opens_messages(translated: Command) -> None:
    made = polib.POFile()
    made.metadata = {"Content-Type": "text/plain; charset=utf-8"}
    made.append(polib.POEntry(msgid="A man is sleeping.", msgctxt="x", comment="A note"))
    made.append(polib.POEntry(msgid="Two dogs", msgstr="Hunde"))
    opened = polib.pofile(translated("a.po", str(made).encode()))
    (words,) = translated.words("A man is sleeping.")
    assert [(each.msgstr, each.fuzzy, each.comment) for each in opened] == [
        (words, True, "A note"),
        ("Hunde", False, ""),
    ]


def test_the_xml_of_a_paragraph_is_valid() -> None:
    document = read_docx(f"<w:p>{run('A man')}</w:p>")
    paragraph = parse_xml(body_of(document, ["a < b & c > d \x00\x0b]]>"]).replace("<w:p>", f"<w:p {W}>"))
    assert "".join(each.text or "" for each in paragraph.iter(f"{{{W[9:-1]}}}t")) == "a < b & c > d ]]>"
