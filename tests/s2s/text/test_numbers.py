"""s2s.text.numbers: numbers in the form of another language."""

from __future__ import annotations

import pytest

from s2s.text.numbers import localise_number


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,234.5", "1.234,5"),
        ("1,234,567", "1.234.567"),
        ("3.14", "3,14"),
        ("-0.5", "-0,5"),
        ("$1,234.50", "$1.234,50"),
        ("2.5 km", "2,5 km"),
        ("99.9%", "99,9%"),
        ("1234", "1234"),
        ("v1.2", "v1.2"),
        ("1.2.3", "1.2.3"),
        ("12,34", "12,34"),
        ("192.168.0.1", "192.168.0.1"),
        ("2026-11-29", "2026-11-29"),
        ("x@y.de", "x@y.de"),
        ("", ""),
    ],
)
def test_an_english_number_in_german(text: str, expected: str) -> None:
    assert localise_number(text, "en", "de-AT") == expected


def test_other_languages() -> None:
    assert localise_number("1.234,5", "de", "en") == "1,234.5"
    assert localise_number("1,234.5", "en", "fr") == "1\u202f234,5"
    assert localise_number("1\u00a0234,5", "fr", "en") == "1,234.5"
    assert localise_number("1,234.5", "en", "xx") == "1,234.5"
    assert localise_number("1,234.5", "en", "ja") == "1,234.5"
