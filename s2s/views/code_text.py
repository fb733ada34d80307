"""Source code as pages of cells see it: which characters are comments, strings and conditions, in Python and in C.

It works on any part of a program, which need not begin or end where a statement does: a scan for comments and strings,
and one for conditions in what is left.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Language = Literal["python", "c"]
OPENING, CLOSING = "([{", ")]}"

_STRINGS = r'"(?:\\.|[^"\\\n])*"?|' + r"'(?:\\.|[^'\\\n])*'?"
_TRIPLE = r'"""(?:\\.|[^\\])*?(?:"""|\Z)|' + r"'''(?:\\.|[^\\])*?(?:'''|\Z)"
_TOKENS = {
    "python": re.compile(rf"(?P<comment>\#[^\n]*)|(?P<string>{_TRIPLE}|{_STRINGS})", re.DOTALL),
    "c": re.compile(rf"(?P<comment>//[^\n]*|/\*.*?(?:\*/|\Z))|(?P<string>{_STRINGS})", re.DOTALL),
}
_PYTHON_CONDITION, _C_CONDITION = re.compile(r"\b(?:if|elif|while)\b"), re.compile(r"\b(?:if|while)\s*(?=\()")
_ELSE = re.compile(r"else\b")

_PYTHON_FILES = (".py", ".pyi")
_C_FILES = (".c", ".h", ".cc", ".cpp", ".hpp", ".java", ".js", ".ts", ".go", ".rs", ".cs")
_PYTHON_LINE = re.compile(
    r"\s*(?:(?:def|class) \w+.*:|import [\w.]+|from [\w.]+ import|return\b|(?:el)?if .+:$|else:$|for .+ in .+:$|@\w|"
    r"\w+(?:\.\w+)* = )"
)
_C_LINE = re.compile(r".*[;{}]\s*$|\s*#(?:include|define|if|endif)\b")
_FORMS: dict[Language, re.Pattern[str]] = {"python": _PYTHON_LINE, "c": _C_LINE}
_LEAST = 0.25  # of the lines of a program have such a form


@dataclass(frozen=True)
class Scan:
    """Which characters of a text are what: start and end of each stretch.

    Attributes:
        comments: with the marks that begin and end them
        strings: from behind the first quotation mark to before the last one
        conditions: between `if`, `elif` or `while` and what ends the condition
        code: the text with a space for each character of comments and strings
    """

    comments: list[tuple[int, int]]
    strings: list[tuple[int, int]]
    conditions: list[tuple[int, int]]
    code: str


def language_of(text: str, suffix: str = "") -> Language | None:
    """The language of a program, by the suffix of its file or by what its lines look like; None for other text."""
    if suffix in (*_PYTHON_FILES, *_C_FILES):
        return "python" if suffix in _PYTHON_FILES else "c"
    lines = [line for line in text.split("\n") if line.strip()]
    shares: dict[Language, int] = {name: sum(bool(form.match(line)) for line in lines) for name, form in _FORMS.items()}
    likeliest = max(shares, key=lambda name: shares[name])
    if likeliest == "c" and text.count("{") < 3:  # poems have lines that end in semicolons too
        return None
    return likeliest if shares[likeliest] >= max(5, _LEAST * len(lines)) else None


def scan(text: str, language: Language) -> Scan:
    """Find comments, strings and conditions."""
    comments, strings, parts, end = list[tuple[int, int]](), list[tuple[int, int]](), list[str](), 0
    for token in _TOKENS[language].finditer(text):
        parts += [text[end : token.start()], re.sub(r"[^\n]", " ", token[0])]
        end = token.end()
        if token["comment"] is not None:
            comments.append(token.span())
        else:
            marks = 3 if token[0][:3] in ('"""', "'''") else 1
            closed = len(token[0]) >= 2 * marks and token[0].endswith(token[0][:marks])
            strings.append((token.start() + marks, token.end() - marks * closed))
    code = "".join([*parts, text[end:]])
    return Scan(comments, strings, list(_conditions(code, language)), code)


def _conditions(code: str, language: Language) -> Iterator[tuple[int, int]]:
    for keyword in (_PYTHON_CONDITION if language == "python" else _C_CONDITION).finditer(code):
        end = _end_of_condition(code, keyword.end(), language)
        if end > keyword.end():
            yield keyword.end(), end


def _end_of_condition(code: str, start: int, language: Language) -> int:
    """Where a condition ends that begins at `start`: at a colon, an `else`, a line end, or the bracket around it."""
    depth = 0
    for i in range(start, len(code)):
        character = code[i]
        if character in OPENING:
            depth += 1
        elif character in CLOSING:
            depth -= 1
            if depth < 0 or (depth == 0 and language == "c"):
                return i + (language == "c" and depth == 0)
        elif depth == 0 and language == "python":
            if character in ":\n":
                return i
            if character == "e" and not code[i - 1].isalnum() and _ELSE.match(code, i):
                return i
    return len(code)
