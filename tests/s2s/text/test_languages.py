"""s2s.text.languages: which codes name a language, and which one."""

from __future__ import annotations

import pytest

from s2s.errors import UserError
from s2s.text.languages import is_language, primary, primary_tag


def test_regions_scripts_and_case_do_not_matter() -> None:
    assert {primary(code) for code in ("de", "DE", "de-AT", "de_CH", "De-Latn-DE")} == {"de"}


@pytest.mark.parametrize(
    ("code", "known"), [("de", True), ("yue", True), ("german", False), ("", False), ("d3", False)]
)
def test_a_code_has_two_letters_or_three(code: str, known: bool) -> None:
    assert is_language(code) == known
    if known:
        assert primary_tag(code) == code
    else:
        with pytest.raises(UserError, match=f"'{code}' is no language code: use one such as de, en or pt-BR"):
            primary_tag(code)
