"""Inline markup of Markdown with its places in the text, which the parser markdown-it-py does not tell.

The parser works through rules, each of which reads one piece of markup. They are called here through a wrapper, which
notes where each of them starts and ends.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from mdit_py_plugins.amsmath import amsmath_block
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.footnote import footnote_plugin

from translation.formats.html_tokens import KEPT, NOT_TRANSLATED, VOID

Kind = Literal["open", "close", "void", "word", "break", "space", "character"]
Rule = Callable[[StateInline, bool], bool]

_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_HTML_NAME = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9-]*)")
_BREAKING_HTML = frozenset(["br", "hr", "p", "div", "li", "td", "th", "tr"])
_ATTRIBUTE = r"""(?:[#.][\w:.-]+|[A-Za-z_][\w:.-]*=(?:"[^"{}\n]*"|'[^'{}\n]*'|[^\s"'{}]+))"""
_ATTRIBUTES = re.compile(rf"\{{:?[ \t]*{_ATTRIBUTE}(?:[ \t]+{_ATTRIBUTE})*[ \t]*\}}")  # {#name .class key=value}
MOST_LEVELS = 100  # of blocks in each other, or of links: the parser calls itself for each of them
_WORDS = {"backticks": "code_inline", "math_inline": "math_inline", "environment": "math_inline"}
_ENVIRONMENTS = "equation|multline|gather|align|alignat|flalign|eqnarray|[pbBvV]?matrix"  # those of the plugin amsmath
_ENVIRONMENT = re.compile(rf"\\begin\{{((?:{_ENVIRONMENTS})\*?)\}}")
_INTERRUPTED = ["paragraph", "reference", "blockquote", "list", "footnote_def"]  # blocks that a formula may end


@dataclass(frozen=True)
class MarkdownMark:
    """A piece of inline markup.

    Attributes:
        start, end: its offsets in the text, [start, end)
        kind: "open" and "close" are around words; "void" is between words; a "word" stands like a word in a sentence;
            a "break" ends a sentence; "space" is a line end; a "character" is one behind a backslash
        name: of the element; marks around the same words have the same
        label: where a link's label begins, for a "close" that has none of its own
    """

    start: int
    end: int
    kind: Kind
    name: str = ""
    label: int | None = None


class MarkScanner:
    """Finds inline markup. A scanner can be used for any number of texts."""

    def __init__(self) -> None:
        self.parser = MarkdownIt("commonmark", {"maxNesting": MOST_LEVELS}).enable(["table", "strikethrough"])
        self.parser.use(footnote_plugin, inline=False, move_to_end=False, always_match_refs=True)
        self.parser.use(dollarmath_plugin, allow_space=False, allow_digits=False, double_inline=True)
        self.parser.block.ruler.before("blockquote", "environment", _environment_block, {"alt": _INTERRUPTED})
        self.parser.inline.ruler.before("escape", "environment", _environment_inline)
        self.parser.core.ruler.enableOnly(["normalize", "block"])
        self.parser.inline.ruler2.disable("fragments_join")  # it would join delimiters that are text
        inline = self.parser.inline.ruler
        for name, rule in zip(inline.get_active_rules(), inline.getRules("")):
            inline.at(name, partial(self._noted, name, rule))
        self._state: StateInline | None = None
        self._marks: list[MarkdownMark] = []
        self._delimiters: list[tuple[Token, int, int]] = []
        self._environment: dict[str, Any] = {}

    def scan(self, text: str, environment: dict[str, Any]) -> list[MarkdownMark]:
        """The marks of a text, in order.

        Args:
            text: the content of a block
            environment: of the parser, with the reference definitions of the document
        """
        self._environment = environment
        marks = sorted(self._scan(text, 0), key=lambda mark: mark.start)
        return _with_kept_elements(text, _with_attributes(text, marks))

    def _scan(self, text: str, offset: int) -> list[MarkdownMark]:
        outer = self._state, self._marks, self._delimiters
        self._state = StateInline(text, self.parser, self._environment, [])
        self._marks, self._delimiters = [], []
        self.parser.inline.tokenize(self._state)
        for rule in self.parser.inline.ruler2.getRules(""):
            rule(self._state)
        marks = [*self._marks, *_emphasis(self._delimiters)]
        self._state, self._marks, self._delimiters = outer
        return [
            replace(
                mark,
                start=mark.start + offset,
                end=mark.end + offset,
                label=None if mark.label is None else mark.label + offset,
            )
            for mark in marks
        ]

    def _noted(self, name: str, rule: Rule, state: StateInline, silent: bool) -> bool:
        """Call a rule, and note the mark that it has read."""
        if silent or state is not self._state:  # looking ahead, or in the label of a picture, which is scanned below
            return rule(state, silent)
        start, known, tokens, text = state.pos, len(self._marks), len(state.tokens), state.src
        label = start + (name == "image")
        is_label = name in ("link", "image") and text[label : label + 1] == "["
        closing = state.md.helpers.parseLinkLabel(state, label, name == "link") if is_label else -1
        if closing >= 0:
            self._marks.append(MarkdownMark(start, label + 1, "open", name))
        if not rule(state, silent):
            del self._marks[known:]
            return False
        end = state.pos
        if closing >= 0:
            if name == "image":
                self._marks += self._scan(text[label + 1 : closing], label + 1)
            unnamed = text[closing:end] in ("]", "][]")
            self._marks.append(MarkdownMark(closing, end, "close", name, label + 1 if unnamed else None))
        elif name in ("emphasis", "strikethrough"):
            self._delimiters += _pushed(state, start, end)
        else:
            last = state.tokens[-1].type if len(state.tokens) > tokens else ""
            self._marks += _simple(name, text, start, end, last)
        return True


def _environment_block(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    """A formula of LaTeX on lines of its own. The plugin looks for its end, line by line, where there is one."""
    start = state.bMarks[first] + state.tShift[first]
    return _environment_end(state.src, start) is not None and amsmath_block(state, first, last, silent)


def _environment_inline(state: StateInline, silent: bool) -> bool:
    """A formula of LaTeX among words."""
    end = _environment_end(state.src, state.pos)
    if end is None:
        return False
    if not silent:
        state.push("math_inline", "math", 0)
    state.pos = end
    return True


def _environment_end(text: str, start: int) -> int | None:
    """Where the formula ends that begins at an offset; None if none does."""
    begin = _ENVIRONMENT.match(text, start)
    closing = f"\\end{{{begin[1]}}}" if begin else ""
    end = text.find(closing, begin.end()) if begin else -1
    return end + len(closing) if end >= 0 else None


def _simple(name: str, text: str, start: int, end: int, token: str) -> Iterator[MarkdownMark]:
    """The mark of a rule that reads a single one; `token` is the type of the last token that it made."""
    if name == "newline" or (name == "escape" and text[start + 1 : start + 2] == "\n"):
        spaces = start - len(text[:start].rstrip(" "))
        yield MarkdownMark(start - spaces, end, "break" if name == "escape" or spaces > 1 else "space")
    elif name == "escape" and end == start + 2 and text[start + 1] in _PUNCTUATION:
        yield MarkdownMark(start, end, "character")
    elif name in _WORDS and token.startswith(_WORDS[name]):
        yield MarkdownMark(start, end, "word")
    elif name in ("autolink", "footnote_ref"):
        yield MarkdownMark(start, end, "void")
    elif name == "html_inline":
        yield _html_mark(text, start, end)


def _html_mark(text: str, start: int, end: int) -> MarkdownMark:
    """The mark of a tag or a comment."""
    tag = _HTML_NAME.match(text, start)
    if not tag:
        return MarkdownMark(start, end, "void")
    name = tag[2].lower()
    if name in _BREAKING_HTML:
        return MarkdownMark(start, end, "break")
    if name in VOID or text[end - 2] == "/":
        return MarkdownMark(start, end, "void")
    return MarkdownMark(start, end, "close" if tag[1] else "open", f"<{name}>")


def _pushed(state: StateInline, start: int, end: int) -> list[tuple[Token, int, int]]:
    """The tokens of a run of delimiters, each with its place."""
    found = list[tuple[Token, int, int]]()
    for token in reversed(state.tokens):
        if end <= start:
            break
        found.append((token, end - len(token.content), end))
        end -= len(token.content)
    return found[::-1]


def _emphasis(delimiters: Sequence[tuple[Token, int, int]]) -> Iterator[MarkdownMark]:
    """The marks of emphasis: what has become of delimiters when all of them were paired."""
    for token, start, end in delimiters:
        kind, _, side = token.type.rpartition("_")
        if side == "open":
            yield MarkdownMark(end - len(token.markup), end, "open", kind)
        elif side == "close":
            yield MarkdownMark(start, start + len(token.markup), "close", kind)


def _with_attributes(text: str, marks: Sequence[MarkdownMark]) -> list[MarkdownMark]:
    """The marks with lists of attributes, which belong to the mark that they follow without a space."""
    found, ends = list(marks), {mark.end: i for i, mark in enumerate(marks)}
    for attributes in _ATTRIBUTES.finditer(text) if "{" in text else ():
        start, end = attributes.span()
        if any(mark.start < end and start < mark.end for mark in marks):
            continue
        before = ends.get(start)
        if before is None or found[before].kind not in ("close", "word", "void") or found[before].label is not None:
            found.append(MarkdownMark(start, end, "void"))
        else:
            found[before] = replace(found[before], end=end)
    return sorted(found, key=lambda mark: mark.start)


def _with_kept_elements(text: str, marks: Sequence[MarkdownMark]) -> list[MarkdownMark]:
    """The marks, with an element of HTML that must not be translated as one."""
    found, i = list[MarkdownMark](), 0
    while i < len(marks):
        mark, last = marks[i], i
        source = text[mark.start : mark.end]
        if mark.kind == "open" and _is_kept(mark, source):
            last = _closing(marks, i)
            if last > i:
                mark = MarkdownMark(mark.start, marks[last].end, "void")
        found.append(mark)
        i = last + 1
    return found


def _is_kept(mark: MarkdownMark, source: str) -> bool:
    name = mark.name.strip("<>")
    return name != mark.name and (name in KEPT or NOT_TRANSLATED.search(source) is not None)


def _closing(marks: Sequence[MarkdownMark], opening: int) -> int:
    """The index of the tag that closes an element; that of the opening tag if none does."""
    depth = 0
    for i in range(opening, len(marks)):
        if marks[i].name == marks[opening].name:
            depth += 1 if marks[i].kind == "open" else -1
            if depth == 0:
                return i
    return opening
