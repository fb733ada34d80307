"""Words and the punctuation between them, in every script; what is split off can be joined again."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

JOINER = "￭"
_INNER = frozenset("'’-.,:/&")  # between two letters or digits they belong to the word: don't, t-shirt, 1/2, 10:30
_ZWJ = "\u200d"


def word_parts(caption: str) -> Iterator[str]:
    """The words of a caption, without punctuation and symbols."""
    return (part for chunk in caption.split() for part in _parts(chunk) if _is_word(part[0]))


def split_punctuation(caption: str) -> Iterator[str]:
    """The words and the punctuation of a caption, with joiners where there was no space."""
    for chunk in caption.split():
        parts = list(_parts(chunk))
        for number, part in enumerate(parts):
            word = _is_word(part[0])
            before = JOINER if number and not word else ""
            after = JOINER if not word and number + 1 < len(parts) and _is_word(parts[number + 1][0]) else ""
            yield before + part + after


def _parts(chunk: str) -> Iterator[str]:
    """The words in a text without spaces, and the runs of one sign between them."""
    start = 0
    for end in range(1, len(chunk) + 1):
        if end == len(chunk) or not _stay_together(chunk, end):
            yield chunk[start:end]
            start = end


def _stay_together(chunk: str, place: int) -> bool:
    """Whether the characters before and behind a place belong to one part."""
    before, behind = chunk[place - 1], chunk[place]
    if before == _ZWJ or behind == _ZWJ or unicodedata.category(behind)[0] == "M":
        return True  # accents, vowel signs, and emoji of several characters
    if _is_word(before) and _is_word(behind):
        return True
    if behind in _INNER and place + 1 < len(chunk) and _is_word(before) and _is_word(chunk[place + 1]):
        return True
    if before in _INNER and place > 1 and _is_word(chunk[place - 2]) and _is_word(behind):
        return True
    return before == behind or (_is_symbol(before) and _is_symbol(behind))


def _is_word(character: str) -> bool:
    """Letters, digits, marks, and what joins letters without being seen; the underscore of tags, too."""
    return character.isalnum() or character in "_\u200c\u200d" or unicodedata.category(character)[0] == "M"


def _is_symbol(character: str) -> bool:
    """Such as the parts of an emoji, which stay together."""
    return unicodedata.category(character) in ("So", "Sk")
