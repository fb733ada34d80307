"""Numbers in the form of another language: `1,234.5` in English is `1.234,5` in German and `1 234,5` in French."""

from __future__ import annotations

import re

from s2s.text.languages import primary_subtag

# The mark between groups of three digits, and that before the decimals. Narrow no-break space in French (CLDR 46).
_POINT, _COMMA, _SPACE = (",", "."), (".", ","), ("\u202f", ",")
_MARKS = {
    **dict.fromkeys(("en", "zh", "ja", "ko", "th", "he"), _POINT),
    **dict.fromkeys(("de", "nl", "es", "it", "pt", "da", "id", "tr", "el", "ro"), _COMMA),
    **dict.fromkeys(("fr", "cs", "pl", "ru", "uk", "sv", "fi", "no", "nb", "sk", "hu", "bg"), _SPACE),
}


def localise_number(text: str, source: str, target: str) -> str:
    """The number in the form of the target language; a text that is no such number as it is.

    Only numbers that the source language would write so are changed: a date, a version or a telephone number is none.

    Args:
        text: such as `1,234.5`, with or without a sign, a currency or a unit
        source, target: language codes; a language whose form is not known here changes nothing
    """
    marks, other = _MARKS.get(primary_subtag(source)), _MARKS.get(primary_subtag(target))
    if marks is None or other is None or marks == other:
        return text
    group, point = (re.escape(mark) for mark in marks)
    if marks == _SPACE:
        group = "[ \u00a0\u202f]"
    number = rf"(?:\d{{1,3}}(?:{group}\d{{3}})+(?:{point}\d+)?|\d+{point}\d+)"
    found = re.fullmatch(rf"([^\w.,]*)({number})((?:\s?[^\d.,\s]+)?)", text)
    if not found:
        return text
    before, digits, after = found.groups()
    whole, _, decimals = digits.partition(marks[1])
    whole = re.sub(rf"{group}", other[0], whole)
    return before + (f"{whole}{other[1]}{decimals}" if decimals else whole) + after
