from __future__ import annotations

from html import unescape
from itertools import repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translation.formats.html_text import html_parts
from translation.formats.html_tokens import tokenise
from translation.formats.tags import join_texts, keeps_tags
from translation.formats.text_file import TextDocument, TextFile

# Parts of documents, between spaces; others hold white space themselves.
_PARTS = (
    "< > & a \" ' = / ! - <b> </b> <i> </i> <p> </p> </a> <br> <code> </code> <!-- --> &amp; &lt; &eacute; <script> "
    "</script> <0> </0> é </ <? <img/> <title> </title>"
)
PIECES = st.sampled_from([*_PARTS.split(), " ", "\n", "Word ", "<a href='x>y'>", '<b translate="no">', "\u2028"])


def read(document: str) -> TextDocument:
    return TextDocument(TextFile(document), html_parts(document))


def shouted(document: str) -> tuple[list[str], str]:
    """The lines of a document, and the document with each of them in capitals, its tags and references as they are."""
    html = read(document)
    return html.segments, html.written([line.upper() for line in html.segments])


@pytest.mark.parametrize(
    ("document", "lines", "written"),
    [
        ("A man.", ["A man."], "A MAN."),
        ("<p class='x'>A man.</p>\n", ["A man."], "<p class='x'>A MAN.</p>\n"),
        ("<p>A <b>man</b>.</p>", ["A <0>man</0>."], "<p>A <b>MAN</b>.</p>"),
        ("<b><i> A man </i></b>", ["A man"], "<b><i> A MAN </i></b>"),
        ("a<br>b<hr/>c", ["a", "b", "c"], "A<br>B<hr/>C"),
        ("<li>a<li>b", ["a", "b"], "<li>A<li>B"),
        ("a\n   b", ["a b"], "A B"),
        ("<img alt='a dog'> a <img src=x> b", ["a <0/> b"], "<img alt='a dog'> A <img src=x> B"),
        ("run <code>a < b</code> now", ["run <0/> now"], "RUN <code>a < b</code> NOW"),
        ("a <b translate=no>x <b>y</b></b> c", ["a <0/> c"], "A <b translate=no>x <b>y</b></b> C"),
        ("<div class='a notranslate'><p>x</p></div> b", ["b"], "<div class='a notranslate'><p>x</p></div> B"),
        ("<script>if (a<b) c()</script>d", ["d"], "<script>if (a<b) c()</script>D"),
        ("<title>a <b></title>c", ["a &lt;b&gt;", "c"], "<title>A &LT;B&GT;</title>C"),
        ("<!-- a --><!DOCTYPE html>b<?c d>", ["b"], "<!-- a --><!DOCTYPE html>B<?c d>"),
        ("<b>a <p>b</b> c</p>", ["a", "b", "c"], "<b>A <p>B</b> C</p>"),
        ("<b>a <i>b</b> c</i>", ["a", "b", "c"], "<b>A <i>B</b> C</i>"),
        ("a <a href='b", ["a"], "A <a href='b"),
        ("a <!-- b", ["a"], "A <!-- b"),
        ("<a href='x>y' title=\"a 'b'\">c</a>", ["c"], "<a href='x>y' title=\"a 'b'\">C</a>"),
        ("1 < 2 & 3 <> 4", [], "1 < 2 & 3 <> 4"),
        ("12 <b>34</b>", [], "12 <b>34</b>"),
        ("", [], ""),
    ],
)
def test_text_is_translated_and_markup_stays(document: str, lines: list[str], written: str) -> None:
    assert shouted(document) == (lines, written)


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("caf&eacute;", "café"),
        ("Tom &amp; Ann", "Tom & Ann"),
        ("a &lt; b", "a &lt; b"),
        ("&#120;y", "xy"),
        ("it&#39;s", "it's"),
        ("a &amp;lt; b", "a &amp;lt; b"),
        ("a < b", "a &lt; b"),
        ("&nosuch; a", "&nosuch; a"),
        ("a &amp b", "a & b"),
        ("&copy 2026 &eacute;t&eacute", "© 2026 été"),
        ("a &lt b &ampamp;", "a &lt; b &ampamp;"),
        ("&#65 &#x42 &#12345678;", "A B &#12345678;"),
    ],
)
def test_references_are_read_as_characters_unless_these_would_be_markup(source: str, line: str) -> None:
    assert read(source).segments == [line]


def test_what_the_translator_writes_is_escaped() -> None:
    html = read("a <b>b</b>")
    assert html.written(["x & <y> <0>z &amp; &lt;</0> AT&T"]) == "x &amp; &lt;y&gt; <b>z &amp; &lt;</b> AT&amp;T"


def same(document: str) -> str:
    """The document without what HTML does not tell apart: white space, and a reference from its character."""
    return unescape("".join(document.split()))


@given(st.lists(PIECES, max_size=30).map("".join))
def test_nothing_is_lost_of_any_document(document: str) -> None:
    tokens = list(tokenise(document))
    assert "".join(token.source for token in tokens) == document
    html = read(document)
    assert html.written(html.segments) == document
    for segment, part in zip(html.segments, html_parts(document)):
        assert keeps_tags(segment, segment)
        assert same(part.render(segment)) == same(document[part.start : part.end])


@given(st.lists(PIECES, max_size=30).map("".join), st.sampled_from(["x", "<b>", "&", "</0>", "<0>x", "&lt;"]))
def test_whatever_the_translator_writes_the_markup_stays(document: str, written: str) -> None:
    """What has not the tags of its segment is replaced by translations of the texts between them."""
    html = read(document)
    fixed = [written if keeps_tags(s, written) else join_texts(s, repeat("x")) for s in html.segments]
    result = html.written(fixed)
    assert [t.source for t in tokenise(result) if t.kind != "text"] == [
        t.source for t in tokenise(document) if t.kind != "text"
    ]


@pytest.mark.parametrize(
    "unit", ["<a ", "<a b='", "<!--", "</a ", "<code>", "<b><i>", "<b></i>", "<script>", "<a =", "&#"]
)
def test_a_long_document_of_unclosed_markup_is_read(unit: str) -> None:
    """Python's own parser takes minutes for the first of these: its time grows with the square of the length."""
    document = unit * 20_000
    html = read(document)
    assert html.written(html.segments) == document
