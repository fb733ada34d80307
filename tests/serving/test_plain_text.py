from __future__ import annotations

import pytest

from serving.plain_text import PlainText


@pytest.mark.parametrize(
    ("text", "lines", "written"),
    [
        ("a", ["a"], "A"),
        ("a\n\nb\n", ["a", "b"], "A\n\nB\n"),
        ("a\r\n \r\nb", ["a", "b"], "A\r\n \r\nB"),
        (" a \u2028b\x0c", [" a \u2028b\x0c"], " A \u2028B\x0c"),
        ("", [], ""),
        ("\n \n", [], "\n \n"),
    ],
)
def test_lines_are_translated_and_their_ends_stay(text: str, lines: list[str], written: str) -> None:
    plain = PlainText(text)
    assert plain.segments == lines
    assert plain.written([line.upper() for line in lines]) == written
