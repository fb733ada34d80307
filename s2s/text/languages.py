"""Language codes: `de`, `DE`, `de-AT` and `de_AT` name the same language."""

from __future__ import annotations

from s2s.errors import check

ENGLISH = "en"
CHINESE = ("zh", "zho", "chi", "cmn", "yue")
JAPANESE = ("ja", "jpn")
IDEOGRAPHS = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"  # of scripts without spaces, in which a word has no ends


def primary_subtag(code: str) -> str:
    """Return the part of a code that names the language, in lower case: `de` for `de-AT`."""
    return code.lower().replace("_", "-").partition("-")[0]


def is_same_language(code: str, other: str) -> bool:
    """Whether two codes name the same language: `de` and `de-AT`."""
    return primary_subtag(code) == primary_subtag(other)


def writes_spaces(code: str) -> bool:
    """Whether a language writes spaces between sentences."""
    return primary_subtag(code) not in CHINESE + JAPANESE


def is_language_code(code: str) -> bool:
    """Whether `code` has the form of a language code: two or three letters, then an optional region."""
    return primary_subtag(code).isalpha() and len(primary_subtag(code)) in (2, 3)


def checked_subtag(code: str) -> str:
    """Return the primary subtag of `code`; raise a UserError if it does not have the form of a language code."""
    check(is_language_code(code), unknown_code_message(code))
    return primary_subtag(code)


def unknown_code_message(code: str) -> str:
    """Return the message for a `code` that does not have the form of a language code."""
    return f"{code!r} is not a language code; use one such as de, en or pt-BR"
