from __future__ import annotations

from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translation.formats.html_text import HtmlText
from translation.formats.html_tokens import tokenise

# Parts of documents, between spaces; others hold white space themselves.
_PARTS = (
    "< > & a \" ' = / ! - <b> </b> <i> </i> <p> </p> </a> <br> <code> </code> <!-- --> &amp; &lt; &eacute; <script> "
    "</script> <0> </0> é </ <? <img/> <title> </title>"
)
PIECES = st.sampled_from([*_PARTS.split(), " ", "\n", "Word ", "<a href='x>y'>", '<b translate="no">', "\u2028"])


def shouted(document: str) -> tuple[list[str], str]:
    """The lines of a document, and the document with each of them in capitals, its tags and references as they are."""
    html = HtmlText(document)
    return html.lines, html.write([line.upper() for line in html.lines])


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
    assert HtmlText(source).lines == [line]


def test_what_the_translator_writes_is_escaped() -> None:
    html = HtmlText("a <b>b</b>")
    assert html.write(["x & <y> <0>z &amp; &lt;</0> AT&T"]) == "x &amp; &lt;y&gt; <b>z &amp; &lt;</b> AT&amp;T"


@pytest.mark.parametrize("broken", ["a b", "<0>a b", "</0>a<0>", "<0>a</0><0>b</0>", "<0>a</0> <1/>", "<0>a <1/></0>"])
def test_lost_tags_make_the_texts_between_them_be_translated_one_by_one(broken: str) -> None:
    html = HtmlText("<p> a <b title='x'>red &amp; blue</b> hat </p>")
    assert html.broken_lines([broken]) == ["a", "red & blue", "hat"]
    assert html.write([broken], ["ein", "r & b", "Hut"]) == "<p> ein <b title='x'>r &amp; b</b> Hut </p>"


def test_overlapping_tags_are_lost_tags() -> None:
    html = HtmlText("<b>a</b> <i>b</i>")
    assert html.lines == ["<0>a</0> <1>b</1>"]
    assert html.broken_lines(["<1>b</1> <0>a</0>"]) == []
    assert html.broken_lines(["<0>a <1>b</0></1>"]) == ["a", "b"]


def same(document: str) -> str:
    """The document without what HTML does not tell apart: white space, and a reference from its character."""
    return unescape("".join(document.split()))


@given(st.lists(PIECES, max_size=30).map("".join))
def test_nothing_is_lost_of_any_document(document: str) -> None:
    tokens = list(tokenise(document))
    assert "".join(token.source for token in tokens) == document
    html = HtmlText(document)
    assert html.broken_lines(html.lines) == []
    assert same(html.write(html.lines)) == same(document)
    lost = ["<999>"] * len(html.lines)
    assert same(html.write(lost, html.broken_lines(lost))) == same(document)


@given(st.lists(PIECES, max_size=30).map("".join), st.sampled_from(["x", "<b>", "&", "</0>", "<0>x", "&lt;"]))
def test_whatever_the_translator_writes_the_markup_stays(document: str, written: str) -> None:
    html = HtmlText(document)
    lines = [written] * len(html.lines)
    result = html.write(lines, [written] * len(html.broken_lines(lines)))
    assert [t.source for t in tokenise(result) if t.kind != "text"] == [
        t.source for t in tokenise(document) if t.kind != "text"
    ]


@pytest.mark.parametrize(
    "unit", ["<a ", "<a b='", "<!--", "</a ", "<code>", "<b><i>", "<b></i>", "<script>", "<a =", "&#"]
)
def test_a_long_document_of_unclosed_markup_is_read(unit: str) -> None:
    """Python's own parser takes minutes for the first of these: its time grows with the square of the length."""
    document = unit * 20_000
    html = HtmlText(document)
    assert html.write(html.lines) == document
