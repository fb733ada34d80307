"""Patterns written for JavaScript match what they match in Python."""

from __future__ import annotations

import re
from dataclasses import asdict
from random import Random

import pytest
from engine_fixtures import ask, needs_node

from s2s.errors import UserError
from serving.regular_expressions import javascript_pattern

PATTERNS = [
    r"a*+ab|b++",
    r"(?:a|ab)*+(c)?",
    r"(?>a|ab)c",
    r"x{2,3}+x|a{2}",
    r"(a*+b)(?=((?:cd)++))|(\d++)(?<!1)",
    r"(?i:ab|[c-e])F",
    r"[^\W\d_]+|\d",
    r"[\W_]x|[\S]b",
    r"[^\s\W]a",
    r"\bab?\b|\Z",
    r"^a|b$",
    r"(?:[^\W\d_]{1,2}\.)+[^\W\d_]{1,3}",
    r"(?P<first>a)(b(?P<second>c?))|.+?c",
    r"[\u0300-\u036f\U0001f600-\U0001f64f]|[-+.^\]]",
    r"(?<![a-c])d|(?<=é)\s|\S\s(?!a)",
]


@pytest.mark.parametrize("flags", [0, re.IGNORECASE])
@needs_node
def test_a_pattern_matches_the_same_in_javascript(flags: int) -> None:
    draw = Random(2)
    texts = [
        "".join(draw.choices("aabbccddxxxABCDFf11é_- .\n^]😀\u0301\u2003\x1c²", k=draw.randint(0, 12)))
        for _ in range(300)
    ]
    compiled = [re.compile(pattern, flags) for pattern in PATTERNS]
    asked = ask(*(("matches", asdict(javascript_pattern(pattern)), texts) for pattern in compiled))
    for pattern, found in zip(compiled, asked):
        expected = [[[*match.span(), list(match.groups())] for match in pattern.finditer(text)] for text in texts]
        assert found == expected, pattern.pattern


def test_names_are_kept_and_groups_are_counted_behind_the_new_ones() -> None:
    pattern = javascript_pattern(re.compile(r"x*+(?P<one>a)(b)"))
    assert (pattern.source, pattern.groups, pattern.names) == (r"(?=((?:x)*))(?:\1)(a)(b)", {1: 2, 2: 3}, {"one": 2})


@pytest.mark.parametrize(
    ("pattern", "flags"), [("a.b", re.DOTALL), ("^a", re.MULTILINE), (r"(a)?(?(1)b|c)", 0), (r"a\Bb", 0)]
)
def test_what_is_not_known_is_refused(pattern: str, flags: int) -> None:
    with pytest.raises(UserError, match="JavaScript"):
        javascript_pattern(re.compile(pattern, flags))
