"""s2s.text.languages: which codes name a language, and which one."""

from __future__ import annotations

import pytest

from s2s.errors import UserError
from s2s.text.languages import checked_subtag, is_language_code, primary_subtag


def test_regions_scripts_and_case_do_not_matter() -> None:
    assert {primary_subtag(code) for code in ("de", "DE", "de-AT", "de_CH", "De-Latn-DE")} == {"de"}


@pytest.mark.parametrize(
    ("code", "known"), [("de", True), ("yue", True), ("german", False), ("", False), ("d3", False)]
)
def test_a_code_has_two_letters_or_three(code: str, known: bool) -> None:
    assert is_language_code(code) == known
    if known:
        assert checked_subtag(code) == code
    else:
        with pytest.raises(UserError, match=f"'{code}' is not a language code; use one such as de, en or pt-BR"):
            checked_subtag(code)
