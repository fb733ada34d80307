"""The properties of a text: after each character, under a line that marks where they hold, and of longer tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from s2s.views.cell_properties import Property, bracket_depth, properties
from s2s.views.code_text import Language
from s2s.views.text_states import TextStates


def of(text: str | list[str], language: Language | None = None, starts: Sequence[int] = (0,)) -> dict[str, Property]:
    return {each.name: each for each in properties(TextStates(list(text), [], starts=starts), language)}


def marks(found: Property) -> str:
    return "".join(" " if np.isnan(value) or not value else f"{value:.0f}" for value in found.values).rstrip()


def test_quotes_begin_with_their_mark_and_end_before_the_other() -> None:
    lines = [
        'He said "yes" and “no”.  ',
        "        1111      111",
    ]
    assert marks(of(lines[0])["inside quotes"]) == lines[1]


def test_a_mark_that_is_not_closed_ends_with_its_paragraph() -> None:
    text = 'An "open one.\n\nNot "here".'
    assert marks(of(text)["inside quotes"])[14:].strip() == "11111"


def test_brackets_are_counted_in_pairs() -> None:
    for text, depths in [
        ("a(b[c]d)e", [0, 1, 1, 2, 2, 1, 1, 0, 0]),
        (":) a(b", [0] * 6),
        ("([)]", [1, 1, 0, 0]),
        ("", []),
    ]:
        assert bracket_depth(text).tolist() == depths, text


def test_places_in_lines_and_words() -> None:
    found = of("It's a\n\nVery long line.")
    assert found["position in the line"].values.tolist() == [1, 2, 3, 4, 5, 6, 0, 0, *range(1, 16)]
    assert marks(found["characters since the start of the word"]) == "1234 1  1234 1234 1234"
    assert marks(found["at most 10 characters to the line end"]) == "111111" + " " * 7 + "1" * 10
    assert marks(found["upper case"]) == "1       1"


def test_a_speaker_stands_alone_on_a_line_before_which_is_none_or_a_blank_one() -> None:
    text = "First Citizen:\nSay:\nno\n\nKING HENRY V:\nAy: me\n"
    names = [text[i] for i, value in enumerate(of(text)["speaker's name"].values) if value]
    assert "".join(names) == "First Citizen:KING HENRY V:"


def test_a_longer_token_has_the_value_of_its_end_and_any_capital() -> None:
    found = of(["", "The", " (big", " dog", ")", "", "", "Ai", ""], starts=[0, 6])
    assert marks(found["upper case"]) == " 1     1"
    assert marks(found["bracket depth"]) == "  11"
    np.testing.assert_array_equal(
        found["position in the line"].values, [np.nan, 3, 8, 12, 13, np.nan, np.nan, 2, np.nan]
    )


def test_source_code_has_properties_of_its_own() -> None:
    code = "if x:\n    y = '(a'  # (b\n\tz"
    found = of(code, "python")
    assert marks(found["inside a string"]) == " " * 14 + "111"
    assert marks(found["inside a comment"]) == " " * 20 + "1111"
    assert marks(found["inside a condition"]) == "  11"
    assert marks(found["bracket depth"]) == ""
    assert found["indentation depth"].values.tolist() == [0] * 6 + [1, 2, 3] + [4] * 15 + [0, 8, 8]
    assert "speaker's name" not in found
