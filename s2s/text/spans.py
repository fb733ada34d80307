r"""Protected spans: the parts of a line that must stand in its translation exactly once, unchanged.

`KINDS` is the table of what is protected. A span either stands in the sentence like a word (a URL, a number, a code, a
placeholder), or it is a mark around or between words (a tag, an emoji, a Markdown marker). Each kind has examples, in
which its spans stand between "⟦" and "⟧".

What is left alone, because it is translated: words with a slash or a hyphen between them (and/or, T-shirt), ordinals
and decades (1st, 20s), abbreviations (U.S.), the full stop after a number, also that of a German ordinal: "5. Mai" and
"May 5" share the span "5".

The patterns themselves are in `s2s.text.span_patterns`.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from s2s.text.span_patterns import (
    ARITHMETIC,
    CODE,
    DATE,
    EMOJI,
    EMPHASIS,
    HANDLE,
    HASHTAG,
    LINK_TARGET,
    NUMBER,
    PATH,
    PHONE,
    PLACEHOLDER,
    TAG,
    TIME,
    URL,
    VERSION,
)


@dataclass(frozen=True)
class Span:
    """A protected part of a text.

    Attributes:
        start, end: its offsets in the text, [start, end)
        kind: the name of its kind
        word: whether it stands in the sentence like a word or a number; otherwise it is a mark around or between words
    """

    start: int
    end: int
    kind: str
    word: bool


@dataclass(frozen=True)
class Kind:
    """A kind of protected span.

    Attributes:
        name: an identifier
        pattern: a regular expression without capturing groups
        word: see `Span`
        examples: texts with the spans of this kind between "⟦" and "⟧"
    """

    name: str
    pattern: str
    word: bool
    examples: tuple[str, ...]


KINDS: tuple[Kind, ...] = (
    Kind(
        "tag",
        TAG,
        False,
        (
            "⟦<b>⟧bold⟦</b>⟧",
            'See ⟦<a href="x>y">⟧this⟦</a>⟧.',
            "one⟦<br/>⟧two⟦<br />⟧three",
            "⟦<!-- a > b -->⟧A man.",
            "⟦<0>⟧A man⟦</0>⟧ ⟦<x:y/>⟧",
            "A dog is <running>. 2 < 3 > 1 <3",
        ),
    ),
    Kind(
        "entity",
        r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});",
        False,
        ("a ⟦&amp;⟧ b", "⟦&quot;⟧A man⟦&quot;⟧", "man⟦&#39;⟧s", "man⟦&#x27;⟧s", "A & B; AT&T &; &#;", "⟦&nbsp;⟧⟦&lt;⟧"),
    ),
    Kind(
        "code_span",
        r"(?<![\w`])(?:```[^`]+```|``[^`]+``|`[^`]+`)(?![\w`])",
        True,
        ("Run ⟦`make test`⟧.", "(⟦`x`⟧)", "⟦``a b``⟧, ⟦`c`⟧", "Peter`s dog and Paul`s", "```` a ` b", "**⟦`x`⟧**"),
    ),
    Kind(
        "link",
        rf"!?\[(?=[^\[\]]*+{LINK_TARGET})|{LINK_TARGET}",
        False,
        (
            "See ⟦[⟧the page⟦](https://x.org/a_(b))⟧.",
            "⟦![⟧A dog⟦](dog.png)⟧",
            '⟦[⟧x⟦](y "A title")⟧',
            "[left] (right)",
            "[a](b c) [[",
            "⟦[⟧1⟦](#one)⟧",
        ),
    ),
    Kind(
        "url",
        URL,
        True,
        (
            "(see ⟦https://x.org/a_(b)⟧.)",
            "⟦www.example.com⟧, ⟦example.com/path⟧!",
            "Visit ⟦example.org⟧.",
            "⟦https://x.org/?q=1&r=%20#top⟧ and ⟦ftp://x.org/⟧",
            "⟦http://localhost:8080/x⟧; ⟦localhost:8000⟧",
            "“⟦https://x.org⟧”, ⟦https://x.org/{id}/⟧",
            "The end.So U.S. e.g. a.m. at his/her home.It",
        ),
    ),
    Kind(
        "email",
        r"(?<![\w.+%-])\w[\w.+%-]*+@[A-Za-z0-9][\w-]*+(?:\.[\w-]++)*+(?::[\w.-]++(?:/[\w-]++(?:\.\w++)*+)++)?",
        True,
        (
            "Write to ⟦user@example.com⟧.",
            "⟦a.b+c@x.co.uk⟧, 5 €",
            "<⟦me@x.org⟧>",
            "⟦root@localhost⟧",
            "Clone ⟦git@example.com:user/x.git⟧.",
            "A man is@-@running; run@@ ning @ home",
        ),
    ),
    Kind(
        "placeholder",
        PLACEHOLDER,
        True,
        (
            "Hello ⟦{name}⟧, ⟦{0}⟧ ⟦{}⟧ ⟦{x:.2f}⟧",
            "⟦%s⟧ of ⟦%d⟧, ⟦%(name)d⟧ ⟦%1$s⟧ ⟦%@⟧ ⟦%5.2f⟧ 5%",
            "⟦$VAR⟧ ⟦${var}⟧ ⟦{{ x }}⟧ ⟦{% if x %}⟧",
            "⟦<<x>>⟧ ⟦%{count}⟧ ⟦%PATH%⟧",
            "⟦%s⟧⟦%s⟧(⟦{a}⟧⟦{b}⟧)",
            "50 % discount, 100 % a day, {the man}, :name",
        ),
    ),
    Kind(
        "path",
        PATH,
        True,
        (
            "⟦/usr/bin/x⟧ and ⟦~/x⟧",
            "Open ⟦C:\\x\\y.txt⟧.",
            "(⟦./a/b.txt⟧, ⟦../c⟧)",
            "⟦file.tar.gz⟧; ⟦main.py⟧.",
            "⟦src/main.rs⟧",
            "and/or, his/her. black/white T-shirt, A man\\woman, end.The",
        ),
    ),
    Kind(
        "emoji",
        EMOJI,
        False,
        (
            "⟦😀⟧ A man ⟦😀😀⟧.",
            "A woman ⟦👩🏽‍🚒⟧ runs.",
            "a flag ⟦🇩🇪⟧ ⟦🏴󠁧󠁢󠁥󠁮󠁧󠁿⟧",
            "I ⟦❤️⟧ dogs ⟦5️⃣⟧",
            "⟦☃⟧ ⟦→⟧ ⟦✓⟧ ⟦♪⟧",
            "A man – “B” … ‘C’ • ¿",
        ),
    ),
    Kind(
        "arithmetic",
        ARITHMETIC,
        True,
        (
            "⟦2 + 2 = 4⟧",
            "So ⟦2+2=4⟧.",
            "(see ⟦(2 + 3) * 4 = 20⟧)",
            "⟦10 - 3⟧ and ⟦3 x 4⟧",
            "⟦5 € + 3 € = 8 €⟧, ⟦1 + 1 = ?⟧",
            "A + B, 5-3, 1/2, 5 * a",
        ),
    ),
    Kind(
        "date",
        DATE,
        True,
        (
            "on ⟦2026-11-29⟧.",
            "⟦29.11.2026⟧, ⟦11/29/26⟧",
            "⟦2026-11-29T10:15:33Z⟧",
            "⟦2026-11-29 10:15⟧",
            "(⟦1.2.2026⟧)",
            "9/11, 1.2, May 5",
        ),
    ),
    Kind(
        "time",
        TIME,
        True,
        (
            "at ⟦12:30⟧.",
            "⟦5:30pm⟧, ⟦10:15:33.250⟧",
            "⟦5 pm⟧ ⟦5 p.m.⟧ or later",
            "at ⟦5 p.m⟧.",
            "⟦10h30⟧ ⟦00:00:01,000⟧",
            "5 am Morgen 5:3",
        ),
    ),
    Kind(
        "phone",
        PHONE,
        True,
        (
            "Call ⟦+49 30 123456⟧.",
            "⟦(555) 123-4567⟧, now",
            "⟦+1-555-123-4567⟧",
            "⟦030/123456⟧, ⟦030 1234567⟧",
            "⟦+4930123456⟧",
            "+4 (5) 6",
        ),
    ),
    Kind(
        "version",
        VERSION,
        True,
        (
            "⟦v1.2.3⟧ is out.",
            "⟦2.0.0-rc1⟧, ⟦1.2.3⟧.",
            "⟦v2⟧ ⟦1.0-beta2⟧",
            "⟦192.168.0.1:8080⟧",
            "(⟦1.2.3+build.5⟧)",
            "3.14 1.234.567,89 €",
        ),
    ),
    Kind(
        "code",
        CODE,
        True,
        (
            "an ⟦A4⟧ page, ⟦B2B⟧",
            "as ⟦[1]⟧ and ⟦[2, 3]⟧ say",
            "⟦ISO-9001⟧ ⟦AB-1234-X⟧.",
            "⟦mp3⟧ ⟦3D⟧ ⟦C++⟧ ⟦1080p⟧ ⟦12a⟧",
            "⟦snake_case⟧ ⟦main()⟧ ⟦a.b()⟧",
            "A man, I, U.S. 1st 20s 1ST 20S T-shirt Coca-Cola MID-20S 10-YEAR-OLD",
        ),
    ),
    Kind(
        "handle",
        HANDLE,
        True,
        ("Ask ⟦@anna⟧.", "(⟦@a_b⟧, ⟦@c.d⟧)", "⟦@a@b.org⟧", "⟦@org/pkg⟧", "@ home, @@, run@@ ning"),
    ),
    Kind(
        "hashtag",
        HASHTAG,
        True,
        ("Be ⟦#1⟧.", "⟦#dog⟧ ⟦#Zürich⟧", "(⟦#a-b⟧)", "⟦#नमस्ते⟧ ⟦#สวัสดี⟧", "⟦#fff⟧, ⟦#42⟧", "# heading, C#, ##"),
    ),
    Kind(
        "number",
        NUMBER,
        True,
        (
            "A man is number ⟦3⟧.",
            "⟦5⟧ ⟦-3⟧ ⟦+4⟧ ⟦1,234.5⟧ ⟦1.234,5⟧ ⟦3.14⟧",
            "⟦50 %⟧ ⟦50%⟧ ⟦$5⟧ ⟦5 €⟧ ⟦€5⟧ ⟦US$ 5⟧, ⟦EUR 5⟧ ⟦1'234⟧",
            "⟦10km⟧ ⟦10 km/h⟧ ⟦20 °C⟧ ⟦3x⟧, ⟦5-10km⟧",
            "⟦1/2⟧, ⟦3x4⟧, ⟦1e-5⟧, ⟦§5⟧, ⟦½⟧, ⟦1½⟧",
            "A ⟦10⟧-year-old, am ⟦5⟧. Mai, ⟦80⟧'s, ⟦24/7⟧, ⟦16:9⟧, ⟦1990–2000⟧",
            "1st 2nd 20s 1990s T-shirt ten",
        ),
    ),
    Kind(
        "emphasis",
        EMPHASIS,
        False,
        (
            "⟦**⟧A man⟦**⟧ runs.",
            "⟦__⟧A man⟦__⟧ and ⟦_⟧a dog⟦_⟧",
            "⟦*⟧x⟦*⟧, ⟦~~⟧y⟦~~⟧",
            "⟦***⟧x⟦***⟧",
            "* A man, a _ b, ----, ****, ____",
        ),
    ),
)

# Words and what stands between them, without a digit, a symbol, or a "." before a letter: no span is in these.
_LETTERS = "A-Za-zÀ-ÖØ-öø-ɏ"
_BETWEEN = " ,;!?'\"()–—’“”„«»…-"
_PLAIN = re.compile(rf"[{_LETTERS}{_BETWEEN}]*+(?:\.(?!\w)[{_LETTERS}{_BETWEEN}]*+)*+")
# Words in which no span starts, with what follows them: passing over them at once is much faster.
_WORDS = (
    rf"(?:(?<![\w'’-])(?!(?:EUR|USD|GBP|CHF) \d)[{_LETTERS}]++(?:['’-][{_LETTERS}]++)*+"
    r"(?=[ ,;!?\"”]|\.(?![\w.])|$)(?:[ ,;!?\"”]|\.(?![\w./])|[-–](?= ))*+)++"
)
_WORD = {kind.name: kind.word for kind in KINDS}


@functools.cache  # compiling takes longer than importing most modules
def span_pattern() -> re.Pattern[str]:
    """The pattern of all kinds of spans, each a group with its name; it also passes over words in which none starts."""
    return re.compile("|".join([_WORDS, *(f"(?P<{kind.name}>{kind.pattern})" for kind in KINDS)]))


def find_spans(text: str) -> list[Span]:
    """Find the protected spans of `text`, in order and without overlaps.

    Of overlapping ones the earliest counts; of those that start together, the one whose kind stands first in `KINDS`.
    """
    if _PLAIN.fullmatch(text):
        return []
    found = ((match.span(), match.lastgroup) for match in span_pattern().finditer(text))
    return [Span(start, end, kind, _WORD[kind]) for (start, end), kind in found if kind is not None]
