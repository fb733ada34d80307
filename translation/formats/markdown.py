"""Markdown: CommonMark with tables, strikethrough, footnotes, formulas between dollar signs, and front matter.

Lists of attributes (`{#name .class key="value"}`) and the colons of definitions stay too.

Translated are headings, paragraphs, items of lists, cells of tables, labels of links and descriptions of pictures, and
the text of HTML blocks. Everything else stays byte for byte: front matter, code blocks, formulas, the targets of links,
reference definitions, comments. A paragraph that is translated becomes one line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from markdown_it.token import Token

from s2s.errors import first_few, warn
from translation.formats.document import FormatOptions
from translation.formats.html_text import html_parts
from translation.formats.markdown_marks import MOST_LEVELS, MarkScanner
from translation.formats.markdown_text import Block, block_parts
from translation.formats.text_file import Part, TextDocument, read_text_file

_FRONT_MATTER = re.compile(r"(---|\+\+\+)[ \t]*\r?\n(?:.*\n)*?(?:\1|\.\.\.)[ \t]*(?:\r?\n|\Z)")
_LINE_END = re.compile(r"\r\n?|\n")  # as the parser takes it
_ATTRIBUTES = re.compile(r"[ \t]*\{[#.:][^{}]*\}$")  # of a heading, such as {#name}
_HASHES = re.compile(r"#{1,6}")


def read(content: bytes, options: FormatOptions) -> TextDocument:
    """Read Markdown; see `translation.formats.document`."""
    file = read_text_file(content, options)
    return TextDocument(file, _parts(file.text, options.name))


def _parts(text: str, name: str) -> Iterator[Part]:
    front = _FRONT_MATTER.match(text)
    start = front.end() if front else 0
    scanner, environment = MarkScanner(), dict[str, Any]()
    tokens = scanner.parser.parse(text[start:], environment)
    lines = _Lines(text, start)
    _warn_of_deep_blocks(tokens, text.count("\n", 0, start), name)
    quotes = 0
    for token, before in zip(tokens, [None, *tokens]):
        quotes += {"blockquote_open": 1, "blockquote_close": -1}.get(token.type, 0)
        if token.type == "html_block" and token.map and not quotes:
            first, last = (lines.starts[number] for number in token.map)
            yield from html_parts(text[first:last], first)
        elif token.type == "inline" and token.map and before:
            block = lines.block(token, before)
            yield from block_parts(text, block, scanner.scan(block.content, environment))


def _warn_of_deep_blocks(tokens: Sequence[Token], skipped: int, name: str) -> None:
    """Warn if blocks are in each other so deeply that the parser does not read what is in them."""
    deep = (token for token in tokens if token.nesting == 1 and token.level >= MOST_LEVELS - 1 and token.map)
    if lines := sorted({skipped + token.map[0] + 1 for token in deep if token.map}):
        warn(
            f"{name}: what is deeper than {MOST_LEVELS} levels of lists and quotations is not translated: "
            f"line {first_few(lines)}"
        )


class _Lines:
    """The lines of a text, and where the contents of blocks are in them."""

    def __init__(self, text: str, start: int) -> None:
        self._text = text
        self.starts = [start, *(match.end() for match in _LINE_END.finditer(text, start)), len(text)]
        self._row, self._cell_end = -1, 0  # the line of the last cell of a table, and where the cell ends in it

    def block(self, token: Token, before: Token) -> Block:
        """The content of a token. `before` is the token that opens its block."""
        if before.type in ("th_open", "td_open"):
            return self._cell(token)
        content = token.content
        is_heading = before.type == "heading_open"
        if is_heading:
            content = _ATTRIBUTES.sub("", content)
        offsets, first = list[int](), token.map[0] if token.map else 0
        for number, line in enumerate(content.split("\n"), start=first):
            begin, end = self.starts[number], self.starts[number + 1]
            inner, source = line.strip(" \t"), self._text[begin:end].rstrip()
            if is_heading and before.markup.startswith("#"):
                hashes = _HASHES.search(source)
                place = source.find(inner, hashes.end() if hashes else 0)
            else:
                place = source.rfind(inner)
            place += begin - (len(line) - len(line.lstrip(" \t")))
            offsets += range(place, place + len(line) + 1)  # the last one is that of the line end
        return Block(content, offsets, "heading" if is_heading else "paragraph")

    def _cell(self, token: Token) -> Block:
        """A cell of a table; cells come from left to right."""
        number = token.map[0] if token.map else 0
        begin, end = self.starts[number], self.starts[number + 1]
        if number != self._row:
            self._row, self._cell_end = number, begin
        written = token.content.replace("|", "\\|")
        place = self._text.find(written, self._cell_end, end)
        if place < 0:
            return Block("", [0], "cell")
        self._cell_end = place + len(written)
        offsets, position = list[int](), place
        for character in token.content:
            offsets.append(position)
            position += 2 if character == "|" else 1
        return Block(token.content, [*offsets, position], "cell")
