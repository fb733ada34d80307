"""HTML cut into tokens whose sources, joined, are the document byte for byte.

The tokeniser follows the rules of the HTML standard where they decide what is text (section 13.2.5). It takes time
proportional to the length of any document; Python's `html.parser` takes half a minute for 50,000 characters of `<a `.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "open", "close", "void", "other"]

_VOID_NAMES = "area base br col embed hr img input link meta source track wbr"
_KEPT_NAMES = "script style code kbd samp var pre template svg math object noscript iframe"
VOID = frozenset(_VOID_NAMES.split())
KEPT = frozenset(_KEPT_NAMES.split())  # elements whose content is no text or must not be translated
_RAW = frozenset(["script", "style", "iframe", "xmp", "noembed", "noframes"])  # whose content has no tags
_ONLY_TEXT = frozenset(("title", "textarea"))  # whose content has no tags, but is text

_NAME = r"[A-Za-z][^\s/>]*+"
_VALUE = r"""\s*+=\s*+(?:"[^"]*+"|'[^']*+'|(?!["'])[^\s>]*+)"""
_MARKUP = re.compile(
    rf"<(?P<open>{_NAME})(?:[\s/]++|=?[^\s/>=]++(?:{_VALUE})?+|=)*+>"
    rf"|</(?P<close>{_NAME})[^>]*+>"
    r"|<!--(?:>|->|.*?--!?>)"
    r"|<(?:[!?]|/[^A-Za-z])[^>]*+>"
    r"|</>"
    r"|(?P<cut>)<(?=[A-Za-z!?/])",  # does not end before the document does
    re.DOTALL,
)
NOT_TRANSLATED = re.compile(
    r"""\stranslate\s*+=\s*+["']?no(?![\w-])"""
    r"""|\sclass\s*+=\s*+(?:"(?:[^"]*[\s])?|'(?:[^']*[\s])?)?notranslate(?![\w-])""",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Token:
    """A piece of a document.

    Attributes:
        source: as in the document
        kind: "void" has no content, or is an element that is kept whole; "other" is a comment or the like
        name: of the element, in lower case; empty if it is none
    """

    source: str
    kind: Kind
    name: str = ""


def tokenise(document: str) -> Iterator[Token]:
    """Cut a document into tokens. An element that must not be translated is one token; it may reach to the end."""
    kept: list[str] = []  # the sources of the tokens of such an element
    name, depth = "", 0
    for token in _tokens(document):
        if kept:
            kept.append(token.source)
            if token.name == name:
                depth += {"open": 1, "close": -1}.get(token.kind, 0)
            if depth == 0:
                yield Token("".join(kept), "void", name)
                kept = []
        elif token.kind == "open" and (token.name in KEPT or NOT_TRANSLATED.search(token.source)):
            kept, name, depth = [token.source], token.name, 1
        else:
            yield token
    if kept:
        yield Token("".join(kept), "other")


def _tokens(document: str) -> Iterator[Token]:
    """Cut a document into tokens, without regard to elements that are kept whole."""
    position = 0
    while match := _MARKUP.search(document, position):
        if position < match.start():
            yield Token(document[position : match.start()], "text")
        position = match.end()
        if match["cut"] is not None:
            yield Token(document[match.start() :], "other")
            return
        opened, closed = (match["open"] or "").lower(), (match["close"] or "").lower()
        if not opened:
            yield Token(match[0], "close" if closed else "other", closed)
            continue
        yield Token(match[0], "void" if opened in VOID else "open", opened)
        if opened in _RAW or opened in _ONLY_TEXT:
            end = re.compile(rf"</{opened}(?=[\s/>])", re.IGNORECASE).search(document, position)
            stop = end.start() if end else len(document)
            if position < stop:
                yield Token(document[position:stop], "text" if opened in _ONLY_TEXT else "other")
            position = stop
    if position < len(document):
        yield Token(document[position:], "text")
