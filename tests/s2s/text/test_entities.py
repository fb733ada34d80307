"""XML entities are found and turned into characters; other ampersands stay."""

from __future__ import annotations

import pytest

from s2s.text.entities import has_entity, unescape_entities


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A man &amp; a woman", "A man & a woman"),
        ("&quot; hello &quot; &apos;s", '" hello " \'s'),
        ("&lt;b&gt; &#91;1&#93; &#x41;&nbsp;m", "<b> [1] A\xa0m"),
        ("&amp;lt;", "&lt;"),
        ("A & B; AT&T; &c; &copyright; &amp", "A & B; AT&T; &c; &copyright; &amp"),
        ("", ""),
    ],
)
def test_entities_become_characters(text: str, expected: str) -> None:
    assert unescape_entities(text) == expected
    assert has_entity(text) == (text != expected)
