"""Scanning source code: comments, strings and conditions of Python and C, wherever the text begins and ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from s2s.views.code_text import Language, language_of, scan

ROOT = Path(__file__).resolve().parents[3]
C = """/* a "comment" */
static int f(const char *s) {
    if (s[0] == '"' && (g(s) || h)) { // if (no)
        return "a\\"b";
    }
    while (1)
        ;
}
"""


def parts(text: str, spans: list[tuple[int, int]]) -> list[str]:
    return [text[start:end] for start, end in spans]


def test_comments_strings_and_conditions_of_c() -> None:
    found = scan(C, "c")
    assert parts(C, found.comments) == ['/* a "comment" */', "// if (no)"]
    assert parts(C, found.strings) == ['"', 'a\\"b']
    assert parts(C, found.conditions) == ["(s[0] == '\"' && (g(s) || h))", "(1)"]
    assert len(found.code) == len(C)


@pytest.mark.parametrize(
    ("code", "comments", "strings", "conditions"),
    [
        ("a = 'x#y' # it's\n", ["# it's"], ["x#y"], []),
        ('"""one\n"two" # no\n"""\nb', [], ['one\n"two" # no\n'], []),
        ('r"\\"" + b\'\'', [], ['\\"', ""], []),
        ("'never closed\nx = '", [], ["never closed", ""], []),
        ('x = """open\n', [], ["open\n"], []),
        ("elif a[{1: 2}] and (b):\n c", [], [], [" a[{1: 2}] and (b)"]),
        ("y = 1 if z else 2", [], [], [" z "]),
        ("[a for a in b if a > 0]", [], [], [" a > 0"]),
        ("while True:  # if\n", ["# if"], [], [" True"]),
        ("if (a or\n    b):", [], [], [" (a or\n    b)"]),
        ("elsewhere if elsewhere else 0", [], [], [" elsewhere "]),
        ("notif x", [], [], []),
        ("if", [], [], []),
        ("", [], [], []),
    ],
)
def test_comments_strings_and_conditions_of_python(
    code: str, comments: list[str], strings: list[str], conditions: list[str]
) -> None:
    found = scan(code, "python")
    assert parts(code, found.comments) == comments
    assert parts(code, found.strings) == strings
    assert parts(code, found.conditions) == conditions


@pytest.mark.parametrize(
    ("text", "suffix", "language"),
    [
        ((ROOT / "s2s" / "plugins.py").read_text(), ".txt", "python"),
        (C * 3, "", "c"),
        ("x", ".py", "python"),
        ("x", ".rs", "c"),
        ((ROOT / "README.md").read_text(), ".md", None),
        ("ROMEO:\nIf I profane with my unworthiest hand;\nThis holy shrine, for sin:\n\n" * 9, ".txt", None),
        ("", "", None),
    ],
)
def test_a_language_is_known_by_the_suffix_or_the_lines(text: str, suffix: str, language: Language | None) -> None:
    assert language_of(text, suffix) == language
