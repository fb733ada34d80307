"""Odd lines for a soak: sentences like descriptions of pictures, with protected spans of every kind in every place.

    for line in odd_lines(10_000, seed=1):
        output = translate(line.text)
        print(missing_spans(line, output), doubled_spans(line, output))

Lists, headings, capitals, several sentences, odd spaces, repeated words, invisible characters, scripts that a model of
Latin letters never saw, and lines without words are among them. A line depends on its seed and its number only.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

_SUBJECTS = [
    "a man is",
    "a woman is",
    "two dogs are",
    "a little girl is",
    "the boy is",
    "three people are",
    "some children are",
]
_VERBS = ["running", "sitting", "sleeping", "playing", "standing", "smiling", "jumping", "reading a book", "walking"]
_PLACES = [
    "in the park",
    "on a bench",
    "near the water",
    "in front of a house",
    "on the street",
    "with a red ball",
    "at night",
]
_NAMES = ["Anna", "Zürich", "Mr. Smith", "New York", "O'Brien"]
_HEADINGS = ["at the beach", "dogs and cats", "a walk in the park", "the red house", "table of contents"]
_BULLETS = ["- ", "* ", "• ", "1. ", "2) ", "# ", "## ", "> ", "a) ", "    ", "– ", "10. "]
_QUOTED = [('"', '"'), ("“", "”"), ("(", ")"), ("‘", "’"), ("«", "»"), ("[", "]"), ("'", "'")]
_SPACES = ["  ", "   ", "\u00a0", "\u2009", "\u3000", "\t"]
_INVISIBLE = ["\u200b", "\u00ad", "\u2060", "\u200e", "\u200f", "\ufeff"]
_SCRIPTS = ["北京", "你好", "مرحبا", "नमस्ते", "Привет", "Москва", "שלום", "こんにちは", "안녕하세요", "สวัสดี"]
_PUNCTUATION = ["...", "?!", "—", "* * *", "-----", "!!!", '""', "…", "( )", "=====", ":", "/", "~", "¿?"]

# What stands in a sentence like a word, by the name of its kind in s2s.text.spans; "9" becomes any digit.
WORDS: dict[str, list[str]] = {
    "url": ["https://example.org/a_(b)?q=9#top", "www.example.com", "example.com/path/99", "http://localhost:8099/x"],
    "email": ["user@example.com", "first.last+99@mail.example.co.uk"],
    "path": ["/usr/bin/x9", "C:\\temp\\x9.txt", "./a/b.txt", "~/x/9", "file.tar.gz", "../up/one"],
    "handle": ["@anna_9", "@some.one"],
    "hashtag": ["#9", "#dogs", "#Zürich9"],
    "number": ["9", "-9", "+9", "9,999.9", "9.999,9", "9.99", "99 %", "99%", "$9", "9 €", "€99", "9km", "9 km/h"],
    "quantity": ["9/9", "9x9", "9e-9", "§9", "½", "99 °C", "99-99", "999999", "£9.99"],
    "date": ["2099-12-19", "29.11.2019", "11/29/19", "2019-11-29T10:19:33Z"],
    "time": ["19:39", "5:39pm", "10:19:39.259", "9 p.m"],
    "version": ["v9.9.9", "2.9.9-rc9", "v9", "1.0-beta9"],
    "code": ["A4", "B2B", "[9]", "ISO-9999", "AB-9999-X", "mp3", "C++", "snake_case", "H2O", "f9a9c9d9", "1080p"],
    "phone": ["+49 30 123459", "(555) 129-4569", "+1-555-129-4569", "030/129456"],
    "placeholder": ["{name}", "{9}", "{}", "%s", "%d", "%(name)d", "%1$s", "%@", "$VAR", "${var}", "{{ x }}"],
    "template": ["{% if x %}", "<<x9>>", "%{count}", "{price:.2f}", "%5.2f", "%USER%"],
    "code_span": ["`x`", "`make test`", "``a b``", "`rm -rf /tmp/9`"],
    "arithmetic": ["2 + 2 = 4", "9*9=81", "10 - 9", "(9 + 9) * 9 = 99", "9 x 9"],
}
# What stands around words.
PAIRS: list[tuple[str, str]] = [
    ("<b>", "</b>"),
    ('<a href="https://example.org/?a=1">', "</a>"),
    ("<i>", "</i>"),
    ("**", "**"),
    ("__", "__"),
    ("*", "*"),
    ("~~", "~~"),
    ("[", "](https://example.org/x)"),
    ("&quot;", "&quot;"),
    ("&lt;", "&gt;"),
    ("<1>", "</1>"),
]
# What stands alone between words.
MARKS = [
    "😀",
    "👩🏽‍🚒",
    "🇩🇪",
    "5️⃣",
    "❤️",
    "☃",
    "→",
    "✓",
    "♪",
    "😀😀",
    "<br/>",
    "&amp;",
    "&#39;",
    "&nbsp;",
    "<!-- a note -->",
]
_ADJACENT = [["{a}", "{b}"], ["<br/>", "😀"], ["[1]", "[2]"], ["%s", "%d"], ["😀", "🇩🇪", "5️⃣"], ["@anna", "😀"]]
_ADJACENT += [["{{ x }}", "{% y %}"], ["&quot;", "{0}", "&quot;"], ["<b>", "#9", "</b>"], ["**", "`x`", "**"]]
_ADJACENT += [["<p>", "<b>", "5", "</b>", "</p>"], ["**", "https://example.org", "**"], ["<i>", "{name}", "</i>"]]


@dataclass
class OddLine:
    """A line, and what must be found in its translation, each as often as in the line.

    Attributes:
        kind: what the line is, such as "heading"
        text: the line
        spans: the texts of its protected spans, in no order
        foreign: the words in it of other scripts than the Latin one, protected for a model that never saw them
    """

    kind: str
    text: str = ""
    spans: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def take(self, *spans: str) -> str:
        """Note the spans, and return them without anything between them."""
        self.spans += spans
        return "".join(spans)


def missing_spans(line: OddLine, output: str) -> list[str]:
    """The spans that `output` has less often than the line: each as many times as it is missing."""
    return _more(line, line.text, output)


def doubled_spans(line: OddLine, output: str) -> list[str]:
    """The spans that `output` has more often than the line: each as many times as it is there too often."""
    return _more(line, output, line.text)


def _more(line: OddLine, text: str, than: str) -> list[str]:
    found = []
    for span in Counter([*line.spans, *line.foreign]):
        found += [span] * (text.count(span) - than.count(span))
    return found


def odd_lines(count: int, seed: int = 1) -> Iterator[OddLine]:
    """Make `count` lines of every kind in turn."""
    for number in range(count):
        draw = Random(f"{seed} {number}")
        kind = list(_KINDS)[number % len(_KINDS)]
        line = OddLine(kind)
        line.text = _KINDS[kind](line, draw)
        yield line


def _sentence(draw: Random) -> list[str]:
    words = f"{draw.choice(_SUBJECTS)} {draw.choice(_VERBS)} {draw.choice(_PLACES)}".split(" ")
    return [words[0].capitalize(), *words[1:]]


def _word(line: OddLine, draw: Random) -> str:
    """Any span that stands in a sentence like a word, with other digits each time."""
    span = draw.choice(WORDS[draw.choice(list(WORDS))])
    return line.take("".join(str(draw.randint(1, 9)) if c == "9" else c for c in span))


def _spans(line: OddLine, draw: Random) -> str:
    """A span, two or three beside each other, a mark, or a span in quotation marks, in brackets or before a comma."""
    match draw.randrange(6):
        case 0:
            return line.take(draw.choice(MARKS))
        case 1:
            return line.take(*draw.choice(_ADJACENT))
        case 2:
            before, after = draw.choice(_QUOTED[:5])
            return before + _word(line, draw) + after
        case 3:
            return _word(line, draw) + draw.choice([",", ";", "!", "?", ":"])
        case _:
            return _word(line, draw)


def _with_spans(line: OddLine, draw: Random, words: list[str]) -> str:
    """The words with some spans before, between and behind them, or around a word."""
    gaps = {draw.choice([0, draw.randint(0, len(words)), len(words)]) for _ in range(draw.randint(1, 3))}
    parts = []
    for gap, word in enumerate([*words, ""]):
        if gap in gaps and word.isalpha() and draw.random() < 0.3:
            before, after = draw.choice(PAIRS)
            parts.append(line.take(before) + word + line.take(after))
        else:
            parts += [_spans(line, draw), word] if gap in gaps else [word]
    return " ".join(part for part in parts if part)


def _end(draw: Random) -> str:
    return draw.choice([".", ".", ".", "!", "?", "", "...", " ."])


def _description(line: OddLine, draw: Random) -> str:
    return _with_spans(line, draw, _sentence(draw)) + _end(draw)


def _several(line: OddLine, draw: Random) -> str:
    return " ".join(_with_spans(line, draw, _sentence(draw)) + draw.choice(".!?") for _ in range(draw.randint(2, 4)))


def _item(line: OddLine, draw: Random) -> str:
    return draw.choice(_BULLETS) + _description(line, draw)


def _heading(line: OddLine, draw: Random) -> str:
    return _with_spans(line, draw, draw.choice(_HEADINGS).title().split(" "))


def _capitals(line: OddLine, draw: Random) -> str:
    return _with_spans(line, draw, [word.upper() for word in _sentence(draw)]) + _end(draw)


def _titled(line: OddLine, draw: Random) -> str:
    return _with_spans(line, draw, [word.capitalize() for word in _sentence(draw)])


def _without_words(line: OddLine, draw: Random) -> str:
    makers = [lambda: draw.choice(_PUNCTUATION), lambda: line.take(draw.choice(MARKS)), lambda: _word(line, draw)]
    most = draw.choice(makers)
    parts = [draw.choice([most, most, *makers])() for _ in range(draw.randint(1, 4))]
    return draw.choice([", ", "; ", " — "]).join(parts)


def _one_word(line: OddLine, draw: Random) -> str:
    word = draw.choice([*_NAMES, "dog", "Red", "HELLO", "yes"])
    match draw.randrange(4):
        case 0:
            return f"{word} {_word(line, draw)}"
        case 1:
            return f"{_word(line, draw)}: {word}"
        case _:
            return word + draw.choice(["", "!"])


def _quoted(line: OddLine, draw: Random) -> str:
    before, after = draw.choice(_QUOTED)
    return before + _description(line, draw) + after


def _spaced(line: OddLine, draw: Random) -> str:
    first, second, *others = _sentence(draw)
    text = _with_spans(line, draw, [first + draw.choice(_SPACES) + second, *others])
    return draw.choice(["", *_SPACES]) + text + draw.choice([".", " ", *_SPACES])


def _repeated(line: OddLine, draw: Random) -> str:
    words = draw.choice([["red"], ["I", "am"], ["the", "dog"], ["very"]]) * draw.randint(2, 5)
    return _with_spans(line, draw, [*words, *_sentence(draw)[1:]]) + _end(draw)


def _foreign(line: OddLine, draw: Random) -> str:
    words = _sentence(draw)
    line.foreign.append(draw.choice(_SCRIPTS))
    words.insert(draw.randint(0, len(words)), line.foreign[0])
    match draw.randrange(3):
        case 0:
            return line.foreign[0]
        case 1:
            return " ".join(words) + _end(draw)
        case _:
            return _with_spans(line, draw, words) + _end(draw)


def _invisible(line: OddLine, draw: Random) -> str:
    words = _sentence(draw)
    at = draw.randrange(len(words))
    cut = draw.randint(0, len(words[at]))
    words[at] = words[at][:cut] + draw.choice(_INVISIBLE) + words[at][cut:]
    return _with_spans(line, draw, words) + _end(draw)


_KINDS: dict[str, Callable[[OddLine, Random], str]] = {
    "description": _description,
    "several sentences": _several,
    "list item": _item,
    "heading": _heading,
    "capitals": _capitals,
    "title case": _titled,
    "without words": _without_words,
    "one word": _one_word,
    "quoted": _quoted,
    "odd spaces": _spaced,
    "repeated words": _repeated,
    "other script": _foreign,
    "invisible characters": _invisible,
}


def loops(line: OddLine, output: str) -> list[str]:
    """The words of the output, up to four, that stand directly after themselves though nothing does so in the line.

    Between two spans, or two columns, words are not directly after each other.
    """
    for span in sorted({*line.spans, *line.foreign}, key=len, reverse=True):
        output = output.replace(span, "\t")
    columns = re.split(r"\t|&\w+;", output)
    return [] if _doubled_words(line.text) else [each for column in columns for each in _doubled_words(column)]


def _doubled_words(text: str) -> list[str]:
    words = re.findall(r"[^\W\d_]+", text.lower())
    return [
        " ".join(words[i : i + n])
        for n in range(1, 5)
        for i in range(len(words) - 2 * n + 1)
        if words[i : i + n] == words[i + n : i + 2 * n]
    ]
