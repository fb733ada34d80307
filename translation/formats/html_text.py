"""HTML to be translated paragraph by paragraph: its text is translated, and its markup stays byte for byte.

A paragraph is a run of text and inline elements. The translator sees each inline tag as a short numbered one, which it
protects like all tags (see s2s/text/spans.py), so that attributes never pass through it:

    <p>A <a href="x.html">red <b>hat</b></a>.</p>     is translated as     A <0>red <1>hat</1></0>.

A translation is put in if it has the tags of its paragraph, see `translation.formats.tags`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from html.entities import html5
from itertools import accumulate

from translation.formats.html_tokens import Token, tokenise
from translation.formats.text_file import Part

_INLINE_NAMES = (
    "a abbr acronym b bdi bdo big cite del dfn em font i ins label mark q s small span strike strong sub sup time tt u "
    "code kbd samp var img wbr"
)
_INLINE = frozenset(_INLINE_NAMES.split())
_SPACE = " \t\n\r\f"  # of HTML, which a no-break space is not
_SPACES = re.compile(f"[{_SPACE}]+")
_OLD_NAMES = sorted((name for name in html5 if not name.endswith(";")), reverse=True)  # which may lack the semicolon
_REFERENCE = re.compile(
    r"&(?:#\d{1,7}(?:;|(?!\d))|#[xX][0-9a-fA-F]{1,6}(?:;|(?![0-9a-fA-F]))|[A-Za-z][A-Za-z0-9]{1,31};"
    rf"|{'|'.join(_OLD_NAMES)})"
)
_NUMBERED = re.compile(r"<(/?)(\d{1,6})(/?)>")
_LOOSE = re.compile(rf"&(?!{_REFERENCE.pattern[1:]})|[<>]")
_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


@dataclass
class _Paragraph:
    """A run of text and inline tags.

    Attributes:
        before, after: markup and white space around it, which is not sent to the translator
        tokens: text and tags
        numbers: of the tags, None at texts; an element's two tags have the same
        line: what is sent to the translator
    """

    before: str
    tokens: list[Token]
    numbers: list[int | None]
    after: str
    line: str = field(init=False)

    def __post_init__(self) -> None:
        parts = [
            _readable(token.source) if number is None else _tag(token, number)
            for token, number in zip(self.tokens, self.numbers)
        ]
        self.line = _SPACES.sub(" ", "".join(parts)).strip(" ")

    @property
    def source(self) -> str:
        """All of it, as in the document."""
        return "".join([self.before, *(token.source for token in self.tokens), self.after])

    def inner(self, translation: str) -> str:
        """The paragraph with a translation that has its tags, without what is before and after it."""
        numbered = zip(self.tokens, self.numbers)
        sources = {_tag(token, number): token.source for token, number in numbered if number is not None}
        parts, position = [], 0
        for tag in _NUMBERED.finditer(translation):
            if tag[0] not in sources:
                raise ValueError(f"the tags of {self.line!r} are not those of {translation!r}")
            parts += [_escape(translation[position : tag.start()]), sources[tag[0]]]
            position = tag.end()
        return "".join([*parts, _escape(translation[position:])])


def html_parts(document: str, offset: int = 0) -> Iterator[Part]:
    """The parts of an HTML document that are translated.

    Args:
        document: the document, or a part of one
        offset: of the document in the file that the parts are of
    """
    for part in _split(list(tokenise(document))):
        source = part if isinstance(part, str) else part.source
        if not isinstance(part, str):
            end = offset + len(source) - len(part.after)
            yield Part(offset + len(part.before), end, part.line, part.inner)
        offset += len(source)


def _split(tokens: Sequence[Token]) -> Iterator[str | _Paragraph]:
    """Cut a document into paragraphs and the markup between them."""
    partners = _partners(tokens)
    run: list[int] = []
    for place, token in enumerate([*tokens, Token("", "other")]):
        if token.kind == "text" or place in partners:
            run.append(place)
            continue
        if run:
            yield from _paragraph(tokens, run, partners)
            run = []
        yield token.source


def _partners(tokens: Sequence[Token]) -> dict[int, int]:
    """The inline tags that belong to a paragraph: the place of each, with that of the other tag of its element.

    An element belongs to a paragraph if it has both tags and no block begins or ends between them.
    """
    opened: list[int] = []
    names: dict[str, int] = {}  # how many elements of a name are open
    found: dict[int, int] = {}
    for place, token in enumerate(tokens):
        if token.name not in _INLINE:
            continue
        if token.kind == "void":
            found[place] = place
        elif token.kind == "open":
            opened.append(place)
            names[token.name] = names.get(token.name, 0) + 1
        elif names.get(token.name):
            while True:
                start = opened.pop()
                names[tokens[start].name] -= 1
                if tokens[start].name == token.name:
                    break
            found |= {start: place, place: start}
    breaks = list(accumulate(token.kind != "text" and place not in found for place, token in enumerate(tokens)))
    return {place: other for place, other in found.items() if breaks[place] == breaks[other]}


def _paragraph(tokens: Sequence[Token], run: list[int], partners: dict[int, int]) -> Iterator[str | _Paragraph]:
    """The paragraph in a run of tokens; tags and white space at its ends are not translated with it."""
    first, last = 0, len(run)
    while first < last:
        if _is_empty(tokens[run[first]]):
            first += 1
        elif _is_empty(tokens[run[last - 1]]):
            last -= 1
        elif partners.get(run[first]) == run[last - 1] and last - first > 1:
            first, last = first + 1, last - 1
        else:
            break
    before, inner, after = run[:first], run[first:last], run[last:]
    sources = ["".join(tokens[place].source for place in places) for places in (before, inner, after)]
    if not any(any(map(str.isalpha, tokens[place].source)) for place in inner if tokens[place].kind == "text"):
        yield "".join(sources)
        return
    content = [tokens[place] for place in inner]
    sources[0] += content[0].source[: len(content[0].source) - len(content[0].source.lstrip(_SPACE))]
    sources[2] = content[-1].source[len(content[-1].source.rstrip(_SPACE)) :] + sources[2]
    content[0] = replace(content[0], source=content[0].source.lstrip(_SPACE))
    content[-1] = replace(content[-1], source=content[-1].source.rstrip(_SPACE))
    numbers: dict[int, int] = {}
    for place in inner:
        if place in partners:
            numbers.setdefault(min(place, partners[place]), len(numbers))
    yield _Paragraph(
        sources[0],
        content,
        [numbers[min(place, partners[place])] if place in partners else None for place in inner],
        sources[2],
    )


def _is_empty(token: Token) -> bool:
    """Whether a token needs no place in a sentence: white space, a picture."""
    return token.kind == "void" or (token.kind == "text" and not token.source.strip(_SPACE))


def _tag(token: Token, number: int) -> str:
    """The short tag that stands for a token in what the translator reads."""
    return f"</{number}>" if token.kind == "close" else f"<{number}/>" if token.kind == "void" else f"<{number}>"


def _readable(source: str) -> str:
    """A text of HTML as the translator reads it: with characters for references, except those of markup."""
    return _REFERENCE.sub(_character, source.replace("<", "&lt;").replace(">", "&gt;"))


def _character(reference: re.Match[str]) -> str:
    """The character that a reference stands for; the reference itself if its character would begin markup."""
    if reference[0][1] != "#" and reference[0][1:] not in html5:
        return reference[0]
    character = html.unescape(reference[0])
    following = reference.string[reference.end() : reference.end() + 1]
    begins = character in "<>" or (character == "&" and (following.isalnum() or following == "#"))
    if not begins:
        return character
    return reference[0] if reference[0].endswith(";") else _ESCAPED[character]


def _escape(text: str) -> str:
    """A text of the translator as HTML: references in it stay, other characters of markup become references."""
    return _LOOSE.sub(lambda sign: _ESCAPED[sign[0]], text)
