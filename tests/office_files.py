"""Files of subtitles, messages and office documents, as many as wanted of each: every seed gives another."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable

WORDS = [
    "a man",
    "two dogs",
    "is",
    "red",
    "Zürich",
    "O'Neil",
    "–",
    "H2O",
    "50 %",
    "https://x.org",
    "fun & <more>",
    "日本",
]
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_TYPES = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_ODF = "urn:oasis:names:tc:opendocument:xmlns"


def words(rng: random.Random, most: int = 6) -> str:
    """Some words, perhaps with a mark behind them."""
    return " ".join(rng.choices(WORDS, k=rng.randint(1, most))) + rng.choice(["", "", ".", "?", ",", "…"])


def escaped(text: str) -> str:
    """The text as XML."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _clock(milliseconds: int, mark: str) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{mark}{rest:03}"


def _cue_lines(rng: random.Random, tags: list[str]) -> list[str]:
    lines = list[str]()
    for _ in range(rng.randint(0, 3)):
        line = rng.choice(["", "", "", "- ", "-", "JOHN: ", ">> ", "♪ "]) + words(rng)
        opening = rng.choice(["", "", "", *tags])
        close = f"</{opening[1:-1].split()[0].split('.')[0]}>" if opening.startswith("<") else ""
        whole = f"{opening}{line}{close if rng.random() < 0.9 else ''}"
        lines.append(rng.choice([whole, whole, f"[{line}]", line.upper(), "  " + whole + " "]))
    return lines


def srt(seed: int) -> bytes:
    """A file in SRT."""
    rng = random.Random(seed)
    newline, at, parts = rng.choice(["\n", "\r\n"]), 0, list[str]()
    for number in range(1, rng.randint(2, 12)):
        begins = at + rng.choice([0, 10, 900, 9000])
        at = begins + rng.randint(0, 4000)
        place = rng.choice(["", "", " X1:1 X2:2 Y1:3 Y2:4"])
        head = [str(number)] if rng.random() < 0.95 else []
        tags = ["<i>", "<b>", '<font color="#ffff00">', r"{\an8}", "{y:i}"]
        lines = [*head, f"{_clock(begins, ',')} --> {_clock(at, ',')}{place}", *_cue_lines(rng, tags)]
        parts.append(newline.join(lines))
    text = (newline * rng.choice([2, 2, 3])).join(parts) + newline * rng.randint(0, 3)
    return rng.choice([b"", b"\xef\xbb\xbf"]) + text.encode()


def vtt(seed: int) -> bytes:
    """A file in WebVTT."""
    rng = random.Random(seed)
    parts, at = [rng.choice(["WEBVTT", "WEBVTT - A title\nKind: captions"])], 0
    for number in range(rng.randint(1, 12)):
        if rng.random() < 0.3:
            parts.append(
                rng.choice(["NOTE a man", "NOTE\nis 1 --> 2", "STYLE\n::cue {\n  color: red }", "REGION\nid:x"])
            )
            continue
        begins = at + rng.choice([0, 10, 900, 9000])
        at = begins + rng.randint(0, 4000)
        settings = rng.choice(["", " line:0 position:10% align:left"])
        clock = _clock(begins, ".")[rng.choice([0, 3]) if begins < 3_600_000 else 0 :]
        tags = ["<i>", "<c.yellow.bg>", "<v Roger Bingham>", "<v.loud Ann>", "<lang en>", "<00:00:01.000>"]
        lines = [escaped_cue(line) for line in _cue_lines(rng, tags)]
        parts.append(
            "\n".join([*rng.choice([[], [f"cue {number}"]]), f"{clock} --> {_clock(at, '.')}{settings}", *lines])
        )
    return ("\n\n".join(parts) + rng.choice(["", "\n", "\n\n"])).encode()


def escaped_cue(line: str) -> str:
    """A line of WebVTT with entities for the signs that `WORDS` have."""
    return line.replace("fun & <more>", "fun &amp; &lt;more&gt;").replace("FUN & <MORE>", "FUN &amp; &lt;MORE&gt;")


def po(seed: int) -> bytes:
    """A file in PO."""
    rng = random.Random(seed)
    parts = [
        'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n'
        '"Plural-Forms: nplurals=2; plural=(n != 1);\\n"'
    ]
    for number in range(rng.randint(1, 12)):
        text = f"{words(rng)} {number}".replace("50 %", "50")
        comments = rng.sample(
            ["# a note", "#. for translators", "#: a.c:1", "#, c-format", '#| msgid "old"'], rng.randint(0, 3)
        )
        lines = sorted(comments, key=lambda line: "#  .:,|".index(line[1]))
        if rng.random() < 0.3:
            lines.append(f'msgctxt "context {number}"')
        kind = rng.randrange(5)
        done = rng.choice(["", "", "fertig"])
        if kind == 0:
            lines += [f'msgid "{text}"', f'msgid_plural "%d {text}"', f'msgstr[0] "{done}"', f'msgstr[1] "{done}"']
        elif kind == 1:
            lines += ['msgid ""', f'"{text} %s\\n"', f'"  --{number}  \\"{text}\\"\\n"', f'msgstr "{done}"']
        elif kind == 2:
            lines = [f'#~ msgid "{text}"', f'#~ msgstr "{done}"']
        else:
            lines += [f'msgid "_{text}"', 'msgstr ""', *([f'"{done}"'] if done else [])]
        parts.append("\n".join(lines))
    return ("\n\n".join(parts) + rng.choice(["", "\n", "\n\n"])).encode()


def archive(members: dict[str, str | bytes]) -> bytes:
    """A ZIP archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as output:
        for name, content in members.items():
            output.writestr(name, content, zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def docx_of(body: str, **more: str) -> bytes:
    """A DOCX file with a body in WordprocessingML; `more` are other parts, such as `footnotes`."""
    override = '<Override PartName="/word/{0}.xml" ContentType="' + _TYPES + '.{1}+xml"/>'
    types = "".join(override.format(name, name.rstrip("123")) for name in more) + override.format(
        "document", "document.main"
    )
    part = (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<w:{{0}} xmlns:w="{_W}" xmlns:r="r">{{1}}</w:{{0}}>'
    )
    return archive(
        {
            "[Content_Types].xml": f'<Types xmlns="t"><Default Extension="xml" ContentType="x"/>{types}</Types>',
            "word/document.xml": part.format("document", f"<w:body>{body}<w:sectPr/></w:body>"),
            **{f"word/{name}.xml": part.format(name.rstrip("123"), content) for name, content in more.items()},
            "word/media/image1.png": b"\x89PNG\r\n" + bytes(range(256)),
        }
    )


def _run(rng: random.Random, text: str) -> str:
    style = rng.choice(["", "", "<w:rPr><w:b/></w:rPr>", '<w:rPr><w:i/><w:lang w:val="en"/></w:rPr>', "<w:rPr/>"])
    rsid = rng.choice(["", ' w:rsidR="00A1"'])
    return f'<w:r{rsid}>{style}<w:t xml:space="preserve">{escaped(text)}</w:t></w:r>'


def _inline(rng: random.Random, depth: int) -> str:
    run, number = _run(rng, rng.choice([" ", ""]) + words(rng, 3)), rng.randint(1, 99)
    kind = rng.randrange(14) if depth < 2 else 13
    if kind == 0:
        return f'<w:hyperlink r:id="rId{number}" w:history="1">{run}{_run(rng, " " + words(rng, 2))}</w:hyperlink>'
    if kind == 1:
        return f'<w:bookmarkStart w:id="{number}" w:name="b"/>{run}<w:bookmarkEnd w:id="{number}"/>'
    if kind == 2:
        instruction = rng.choice(["PAGE", "HYPERLINK &quot;https://x.org&quot;", "DATE"])
        return (
            f'<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>{instruction}</w:instrText></w:r>'
            f'<w:r><w:fldChar w:fldCharType="separate"/></w:r>{run}<w:r><w:fldChar w:fldCharType="end"/></w:r>'
        )
    if kind == 3:
        return f"<w:r><w:pict><w:txbxContent>{docx_paragraph(rng, depth + 1)}</w:txbxContent></w:pict></w:r>"
    if kind == 4:
        return rng.choice(
            ["<w:r><w:tab/></w:r>", "<w:r><w:br/><w:t>x y</w:t></w:r>", '<w:proofErr w:type="spellStart"/>']
        )
    if kind == 5:
        return f'<w:r><w:footnoteReference w:id="{number}"/></w:r>'
    if kind == 6:
        return (
            f'<w:ins w:id="{number}">{run}</w:ins><w:del w:id="{number}"><w:r><w:delText>old</w:delText></w:r></w:del>'
        )
    if kind == 7:
        return f'<w:sdt><w:sdtPr><w:alias w:val="x"/></w:sdtPr><w:sdtContent>{run}</w:sdtContent></w:sdt>'
    return run


def docx_paragraph(rng: random.Random, depth: int = 0) -> str:
    """A paragraph in WordprocessingML."""
    properties = rng.choice(["", '<w:pPr><w:pStyle w:val="Heading1"/></w:pPr>'])
    return f"<w:p>{properties}{''.join(_inline(rng, depth) for _ in range(rng.randint(0, 6)))}</w:p>"


def docx(seed: int) -> bytes:
    """A DOCX file."""
    rng = random.Random(seed)

    def paragraphs() -> str:
        return "".join(docx_paragraph(rng) for _ in range(rng.randint(1, 5)))

    table = f"<w:tbl><w:tr><w:tc>{paragraphs()}</w:tc><w:tc>{paragraphs()}</w:tc></w:tr></w:tbl>"
    return docx_of(
        paragraphs() + table, header1=paragraphs(), footnotes=f'<w:footnote w:id="1">{paragraphs()}</w:footnote>'
    )


def odt_of(body: str, manifest: str = "", headers: str = "") -> bytes:
    """An ODT file with a body in OpenDocument."""
    spaces = "".join(f' xmlns:{name}="{_ODF}:{name}:1.0"' for name in ("office", "text", "table", "style"))
    part = f'<?xml version="1.0" encoding="UTF-8"?>\n<office:{{0}}{spaces} office:version="1.3">{{1}}</office:{{0}}>'
    return archive(
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "content.xml": part.format(
                "document-content", f"<office:body><office:text>{body}</office:text></office:body>"
            ),
            "styles.xml": part.format("document-styles", f"<style:header>{headers}</style:header>"),
            "META-INF/manifest.xml": f'<m:manifest xmlns:m="{_ODF}:manifest:1.0">{manifest}</m:manifest>',
            "Pictures/1.png": b"\x89PNG\r\n" + bytes(range(256)),
        }
    )


def _odt_inline(rng: random.Random, depth: int) -> str:
    text, number = escaped(rng.choice([" ", "", "\n  "]) + words(rng, 3)), rng.randint(1, 99)
    kind = rng.randrange(13) if depth < 2 else 12
    if kind < 3:
        return f'<text:span text:style-name="T{kind}">{text}</text:span>'
    if kind == 3:
        return (
            f'<text:a xlink:href="x" xmlns:xlink="l">{text}<text:span text:style-name="T1"> {text}</text:span></text:a>'
        )
    if kind == 4:
        return f'<text:bookmark-start text:name="b{number}"/>{text}<text:bookmark-end text:name="b{number}"/>'
    if kind == 5:
        return rng.choice(["<text:tab/>", "<text:line-break/>", '<text:s text:c="2"/>', "<text:soft-page-break/>"])
    if kind == 6:
        body = f"<text:note-body>{odt_paragraph(rng, depth + 1)}</text:note-body>"
        return f'<text:note text:id="n{number}"><text:note-citation>1</text:note-citation>{body}</text:note>'
    if kind == 7:
        return "<text:page-number>3</text:page-number>"
    return text


def odt_paragraph(rng: random.Random, depth: int = 0) -> str:
    """A paragraph in OpenDocument."""
    name = rng.choice(["text:p", "text:h"])
    return f"<{name}>{''.join(_odt_inline(rng, depth) for _ in range(rng.randint(0, 6)))}</{name}>"


def odt(seed: int) -> bytes:
    """An ODT file."""
    rng = random.Random(seed)

    def paragraphs() -> str:
        return "".join(odt_paragraph(rng) for _ in range(rng.randint(1, 5)))

    items = f"<text:list><text:list-item>{paragraphs()}</text:list-item></text:list>"
    cell = f"<table:table-cell>{paragraphs()}</table:table-cell>"
    table = f"<table:table><table:table-row>{cell}</table:table-row></table:table>"
    return odt_of(paragraphs() + items + table, headers=paragraphs())


FILES: dict[str, Callable[[int], bytes]] = {"docx": docx, "odt": odt, "po": po, "srt": srt, "vtt": vtt}
