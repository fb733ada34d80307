"""Markdown: what is translated of it, and what is written of a translation."""

from __future__ import annotations

import pytest

from translation.formats.document import FormatOptions
from translation.formats.markdown import read
from translation.formats.tags import keeps_tags

pytestmark = pytest.mark.oldest


def shouted(text: str) -> tuple[list[str], str]:
    """The segments of a document, and the document with each of them in capitals."""
    document = read(text.encode(), FormatOptions())
    assert document.write(document.segments) == text.encode()
    return document.segments, document.write([segment.upper() for segment in document.segments]).decode()


@pytest.mark.parametrize(
    ("text", "segments", "written"),
    [
        ("# A man {#man}\n", ["A man"], "# A MAN {#man}\n"),
        ("A man\n=====\n", ["A man"], "A MAN\n=====\n"),
        ("## # a ##\n", ["# a"], "## # A ##\n"),
        ("A **red\nhat**.\n", ["A <0>red hat</0>."], "A **RED HAT**.\n"),
        ("**A man**\n", ["A man"], "**A MAN**\n"),
        ("***a*** _b_ ~~c~~ d", ["<0><1>a</1></0> <2>b</2> <3>c</3> d"], "***A*** _B_ ~~C~~ D"),
        ("a * b ** c_d_e", ["a * b ** c_d_e"], "A * B ** C_D_E"),
        ("See [the *x*](y_z \"t\").", ["See <0>the <1>x</1></0>."], 'SEE [THE *X*](y_z "t").'),
        ("![a dog](a.png) b", ["<0>a dog</0> b"], "![A DOG](a.png) B"),
        ("[![a](b)](c) d", ["<0><1>a</1></0> d"], "[![A](b)](c) D"),
        ("See [it][r].\n\n[r]: x", ["See <0>it</0>."], "SEE [IT][r].\n\n[r]: x"),
        ("[it] or [x][].\n\n[it]: x\n[x]: y", ["<0>it</0> or <1>x</1>."], "[IT][it] OR [X][x].\n\n[it]: x\n[x]: y"),
        ("[it]\n\n[it]: x", ["<0>it</0>"], "[IT][it]\n\n[it]: x"),
        ("a [b] c", ["a [b] c"], "A [B] C"),
        ("run `a *b*` and ``c ` d``", ["run {0} and {1}"], "RUN `a *b*` AND ``c ` d``"),
        ("a $x^2$ b $5 or $6", ["a {0} b $5 or $6"], "A $x^2$ B $5 OR $6"),
        ("$$\nx\n$$\n\nb", ["b"], "$$\nx\n$$\n\nB"),
        ("a\n\\begin{align}\nx\n- y\n\\end{align}\nb", ["a", "b"], "A\n\\begin{align}\nx\n- y\n\\end{align}\nB"),
        ("> a\n> \\begin{gather}x\\end{gather}\n>\n> b", ["a", "b"], "> A\n> \\begin{gather}x\\end{gather}\n>\n> B"),
        ("a \\begin{matrix}x\ny\\end{matrix} b", ["a {0} b"], "A \\begin{matrix}x\ny\\end{matrix} B"),
        ("\\begin{equation}\na\n\\end{equation}, b", ["{0}, b"], "\\begin{equation}\na\n\\end{equation}, B"),
        ("\\begin{align}\na", ["\\begin{align} a"], "\\BEGIN{ALIGN} A"),
        ("a <http://x.org> b[^1]\n\n[^1]: c", ["a <0/> b", "c"], "A <http://x.org> B[^1]\n\n[^1]: C"),
        ("a <b>c</b> <kbd>d</kbd><br>e", ["a <0>c</0>", "e"], "A <b>C</b> <kbd>d</kbd><br>E"),
        ('a <b translate="no">c</b> d', ["a <0/> d"], 'A <b translate="no">c</b> D'),
        ("a </b> b <i> c", ["a", "b", "c"], "A </b> B <i> C"),
        ("a\\*b\\* c\\_d &amp; e", ["a*b* c_d &amp; e"], "A\\*B\\* C\\_D &AMP; E"),
        ("a  \nb\\\nc", ["a", "b", "c"], "A  \nB\\\nC"),
        ("*a  \nb*", ["a", "b"], "*A  \nB*"),
        ("> a\n> b\n>> c", ["a b", "c"], "> A B\n>> C"),
        ("- a\n  b\n  - [x] c\n\n1. d", ["a b", "[x] c", "d"], "- A B\n  - [X] C\n\n1. D"),
        ("|a | b\\|c |\n|--|:-:|\n| **d** |1|\n|e", ["a", "b|c", "d", "e"], "|A | B\\|C |\n|--|:-:|\n| **D** |1|\n|E"),
        ("```python\na = 1\n```\n\n    b\n\nc", ["c"], "```python\na = 1\n```\n\n    b\n\nC"),
        ("---\na: b\n---\nc", ["c"], "---\na: b\n---\nC"),
        ("+++\na = 1\n+++\n\nc", ["c"], "+++\na = 1\n+++\n\nC"),
        ("<div>\n<b>a</b> b <!-- c -->\n</div>\n\nd", ["<0>a</0> b", "d"], "<div>\n<b>A</b> B <!-- c -->\n</div>\n\nD"),
        ("::: note\na\n:::\n\n> [!NOTE]\n> b", ["a", "b"], "::: note\nA\n:::\n\n> [!NOTE]\n> B"),
        ("a\r\nb\r\n\r\nc\r\n", ["a b", "c"], "A B\r\n\r\nC\r\n"),
        ("a <0> b {3} `c`", ["a <0> b {3} {4}"], "A <0> B {3} `c`"),
        ('[a](b){target="_blank"} c {#d .e} f', ["<0>a</0> c <1/> f"], '[A](b){target="_blank"} C {#d .e} F'),
        ("![a](b){width=50%} `c`{.d} {e} {: .f}", ["<0>a</0> {1} {e}"], "![A](b){width=50%} `c`{.d} {E} {: .f}"),
        ("{: .note}\na\n\n# b {.c #d}", ["a", "b"], "{: .note}\nA\n\n# B {.c #d}"),
        ("[it]{.a}\n\n[it]: x", ["<0>it</0>"], "[IT][it]{.a}\n\n[it]: x"),
        ("a\n: b\n  c\n\n:   d: e", ["a", "b c", "d: e"], "A\n: B C\n\n:   D: E"),
        ("* * *\n\n- - -\n\n12\n", [], "* * *\n\n- - -\n\n12\n"),
        ("", [], ""),
    ],
)  # fmt: skip
def test_text_is_translated_and_markup_stays(text: str, segments: list[str], written: str) -> None:
    assert shouted(text) == (segments, written)


@pytest.mark.parametrize(
    ("source", "translation", "written"),
    [
        ("On May 5 he runs.", "5. Mai läuft er.", "5\\. Mai läuft er."),
        ("a minus", "- a", "\\- a"),
        ("a", "# b", "\\# b"),
        ("a", "#b 5.5 -c", "#b 5.5 -c"),
        ("- a", "1) b", "- 1\\) b"),
    ],
)
def test_a_translation_begins_no_block_of_another_kind(source: str, translation: str, written: str) -> None:
    document = read(source.encode(), FormatOptions())
    assert document.write([translation]).decode() == written


def test_a_translation_without_the_words_of_a_link_has_lost_its_tags() -> None:
    assert not keeps_tags("See <0>the park</0>.", "Der Park <0></0>.")
    assert keeps_tags("See <0></0>.", "Der Park <0></0>.")


@pytest.mark.parametrize(
    "unit",
    [
        "[",
        "[a](",
        "*a ",
        "`",
        "> ",
        "<b>",
        "- ",
        "![",
        "| ",
        "$a",
        "\\",
        "_a_",
        "~~",
        "[^",
        "&#",
        "*A **",
        "\\begin{align}\n",
    ],
)
def test_a_long_document_of_unclosed_markup_is_read(unit: str) -> None:
    text = (unit * 2_000).encode()
    document = read(text, FormatOptions())
    assert document.write(document.segments) == text


def test_deep_lists_are_translated_and_deeper_blocks_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    lists = "".join(f"{'  ' * depth}- a\n" for depth in range(40))
    assert shouted(lists) == (["a"] * 40, lists.upper())
    assert capsys.readouterr().err == ""
    assert shouted("a\n\n" + ">" * 200 + " b\n")[0] == ["a"]
    assert capsys.readouterr().err == (
        "warning: the file: what is deeper than 100 levels of lists and quotations is not translated: line 3\n"
    )
