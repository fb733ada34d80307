"""Language codes: `de`, `DE`, `de-AT` and `de_AT` name one language."""

from __future__ import annotations

from s2s.errors import check

CHINESE = ("zh", "zho", "chi", "cmn", "yue")
JAPANESE = ("ja", "jpn")


def primary_subtag(code: str) -> str:
    """The part of a code that names the language, in lower case: `de` of `de-AT`."""
    return code.lower().replace("_", "-").partition("-")[0]


def is_language_code(code: str) -> bool:
    """Whether it looks like a code, of two letters or three."""
    return primary_subtag(code).isalpha() and len(primary_subtag(code)) in (2, 3)


def checked_subtag(code: str) -> str:
    """`primary_subtag` of what must be a code; a `UserError` where it is none."""
    check(is_language_code(code), unknown_code_message(code))
    return primary_subtag(code)


def unknown_code_message(code: str) -> str:
    """What is said of what does not look like a code."""
    return f"{code!r} is no language code: use one such as de, en or pt-BR"
