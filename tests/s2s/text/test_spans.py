"""s2s.text.spans: what is protected, kind by kind, and what is not."""

from __future__ import annotations

import itertools
import re

import pytest

from s2s.text.spans import KINDS, Kind, find_spans


def marked(text: str, kind: str | None = None) -> str:
    """The text with the spans found in it between "⟦" and "⟧": all of them, or those of a kind."""
    parts, end = [], 0
    for span in find_spans(text):
        if kind in (None, span.kind):
            parts += [text[end : span.start], "⟦", text[span.start : span.end], "⟧"]
            end = span.end
    return "".join([*parts, text[end:]])


def unmarked(text: str) -> str:
    return re.sub("[⟦⟧]", "", text)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_finds_its_examples_and_has_at_least_five(kind: Kind) -> None:
    assert len(kind.examples) >= 5
    assert [marked(unmarked(example), kind.name) for example in kind.examples] == list(kind.examples)


ALL_KINDS = [
    "⟦<b>⟧⟦{name}⟧⟦</b>⟧",
    "(see ⟦https://x.org/a_(b)⟧.)",
    "⟦**⟧⟦`x`⟧⟦**⟧",
    "⟦user@example.com⟧, ⟦5 €⟧",
    "⟦<p>⟧⟦<b>⟧Two⟦</b>⟧ men⟦</p>⟧",
    "⟦**⟧⟦https://x.org⟧⟦**⟧",
    "⟦%s⟧⟦%d⟧⟦{0}⟧⟦{}⟧",
    '⟦<a href="https://x.org/?a=1&amp;b=2">⟧⟦#1⟧⟦</a>⟧',
    "⟦[⟧⟦`x`⟧⟦](https://x.org)⟧",
    "⟦😀⟧⟦5⟧ men⟦😀⟧",
    "⟦@anna⟧ ⟦#dog⟧⟦😀⟧",
    "⟦&quot;⟧⟦5 €⟧⟦&quot;⟧",
    "⟦2026-11-29⟧, ⟦12:30⟧: ⟦2 + 2 = 4⟧",
    "⟦v1.2.3⟧/⟦A4⟧",
    "⟦[1]⟧⟦[2]⟧",
    "⟦{{ x }}⟧⟦{% y %}⟧",
    "A man is number ⟦3⟧.",
    "Am ⟦5⟧. Mai.",
    "⟦1⟧. A man.",
    "“⟦50⟧”, (⟦50⟧), ⟦50⟧! ⟦50⟧? ⟦50⟧; ⟦50⟧: ⟦50⟧…",
    "⟦€5⟧-⟦€6⟧",
    "我有⟦5⟧个苹果。",
    "Lehrer*innen, f**k, it`s; ⟦*⟧not⟦*⟧ good",
    "⟦$5.2bn⟧ ⟦$10M⟧ ⟦$US970⟧ ⟦№ 5⟧ ⟦-5 °C⟧ ⟦±3⟧",
    "⟦5.30pm⟧ or ⟦14 h 30⟧",
    "with Covid ⟦Covid-19⟧ in ⟦5.143.312⟧ cases",
    "Nice ⟦:-)⟧, I ⟦<3⟧ dogs, ⟦>5⟧, ⟦~10⟧",
    "⟦00:1A:2B:3C:4D:5E⟧ ⟦2001:db8::8a2e:370:7334⟧ ⟦192.168.1.1⟧",
    "⟦/etc⟧, ⟦.gitignore⟧, ⟦0x1F⟧, ⟦Web2.0⟧, ⟦i7-9700K⟧, ⟦€3k⟧",
    "⟦1 1/2⟧ cups, ⟦06 12 34 56 78⟧, ⟦030/12 34 56⟧",
    '⟦<x:y z="1">⟧⟦<?xml version="1.0"?>⟧ <running>',
    "⟦5⟧⟦%s⟧ ⟦%name%⟧ ⟦$x$⟧ ⟦$A$B⟧",
    "⟦1990⟧ - one, ⟦1990 - 1995⟧",
]
NOTHING = [
    "A man",
    "I am a man.",
    "A man in a T-shirt's pocket; a boy's dog.",
    "the U.S. and the U.K., e.g. here, a.m., p.m.",
    "and/or, his/her, black/white, km/h, w/o",
    "Coca-Cola, Rock'n'Roll, K-pop",
    "in their 20s, the 1st, 2nd, 3rd and 4th of the 1990s",
    "… -- – — ... !!! ??? ; : , . \" ' ( ) [ ] { } < > | \\ / ^ ~ _ = + * & % $ # @",
    "a -- b --- c <- d -> e => f",
    "----- _____ ***** ===== ##### %-",
    "A man & a woman = two + dogs",
    "1er, 2e, 5º",
    "Teilnehmer_innen und/oder Lehrer:innen",
    "a democratic /Christian party, after toil,/port",
    "",
    " ",
]


@pytest.mark.parametrize("text", ALL_KINDS)
def test_neighbours_and_nesting(text: str) -> None:
    assert marked(unmarked(text)) == text


@pytest.mark.parametrize("text", NOTHING)
def test_what_is_translated_is_no_span(text: str) -> None:
    assert marked(text) == text


def test_words_and_marks() -> None:
    spans = find_spans("<b>{name}</b> **5** 😀")
    assert [(span.kind, span.word) for span in spans] == [
        ("tag", False),
        ("placeholder", True),
        ("tag", False),
        ("emphasis", False),
        ("number", True),
        ("emphasis", False),
        ("emoji", False),
    ]


UNITS = ["(", "<", "%", "1,", "a.", "@", "{", "`", "-", "[", "](", "](a", "1 ", "(1+", "+1 ", "{% ", "<!--", '<a "']
UNITS += [
    "a_",
    "1-",
    "1.",
    "1x",
    "1 + ",
    "a/",
    "A-1",
    "http://(",
    "_",
    "*",
    "~",
    "/",
    "&#",
    "5 €",
    "😀\u200d",
    "a@",
    "a-",
    "a'",
]


@pytest.mark.parametrize("unit", UNITS)
def test_long_lines_end(unit: str) -> None:
    """A pattern whose time grows with the square of the length would take minutes."""
    text = "5 " + unit * (50_000 // len(unit))
    spans = find_spans(text)
    assert all(0 <= a.start < a.end <= b.start for a, b in itertools.pairwise(spans))
