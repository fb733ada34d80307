"""Numbers with what they count."""

from __future__ import annotations

import pytest

from s2s.errors import counted
from s2s.text.file_kinds import replaced_bytes


@pytest.mark.parametrize(
    ("count", "names", "text"),
    [
        (0, ("line",), "0 lines"),
        (1, ("line",), "1 line"),
        (1_234, ("line",), "1,234 lines"),
        (1, ("prefix is", "prefixes are"), "1 prefix is"),
        (2, ("prefix is", "prefixes are"), "2 prefixes are"),
    ],
)
def test_one_is_called_otherwise_than_several(count: int, names: tuple[str, ...], text: str) -> None:
    assert counted(count, *names) == text


def test_one_replaced_sequence_of_bytes_is_one() -> None:
    assert replaced_bytes("a", 1) == "a: 1 sequence of bytes that is not UTF-8 was replaced by U+FFFD"
    assert replaced_bytes("a", 2) == "a: 2 sequences of bytes that are not UTF-8 were replaced by U+FFFD"
