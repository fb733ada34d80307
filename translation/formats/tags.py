"""Numbered tags, which stand in a segment for the inline markup of a format: `A <0>red <1/></0> hat, see {2}.`

The translator protects them like all tags and placeholders (see s2s/text/spans.py), and puts them where their words
are in the translation. `<0>` and `</0>` are around words, `<1/>` is between words, and `{2}` is a word itself, such as
a formula. A translation can be used if it has the tags of its segment, each once and properly nested; otherwise the
texts between the tags are translated one by one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

TAG = re.compile(r"<(/?)(\d{1,6})(/?)>|\{(\d{1,6})\}")
_EMPTY = re.compile(r"<(\d{1,6})>\s*</\1>")
_SPACE = re.compile(r"(\s*)(.*?)(\s*)", re.DOTALL)


def keeps_tags(segment: str, translation: str) -> bool:
    """Whether a translation has the tags of its segment, each once, and properly nested.

    An element around words must have some in the translation too.
    """
    emptied = set(_EMPTY.findall(translation)) - set(_EMPTY.findall(segment))
    left = [tag[0] for tag in TAG.finditer(segment)]
    if left == [tag[0] for tag in TAG.finditer(translation)]:
        return not emptied
    opened: list[str] = []
    for tag in TAG.finditer(translation):
        if tag[0] not in left:
            return False
        left.remove(tag[0])
        if tag[1]:
            if not opened or opened.pop() != tag[2]:
                return False
        elif tag[2] and not tag[3]:
            opened.append(tag[2])
    return not left and not opened and not emptied


def first_free_number(text: str) -> int:
    """The first number from which on tags are not in a text already: it may be a text about such tags."""
    return max((int(tag[2] or tag[4]) + 1 for tag in TAG.finditer(text)), default=0)


def texts_between(segment: str) -> list[str]:
    """The texts between the tags of a segment that have letters, without the white space around them."""
    return [text.strip() for text in _parts(segment) if _has_letters(text)]


def join_texts(segment: str, translations: Iterator[str]) -> str:
    """The segment with the next of the translations in place of each of its `texts_between`."""
    return "".join(_replaced(part, next(translations)) if _has_letters(part) else part for part in _parts(segment))


def _parts(segment: str) -> Iterator[str]:
    """The texts and the tags of a segment, in turn."""
    end = 0
    for tag in TAG.finditer(segment):
        yield segment[end : tag.start()]
        yield tag[0]
        end = tag.end()
    yield segment[end:]


def _has_letters(part: str) -> bool:
    return any(map(str.isalpha, part))


def _replaced(part: str, translation: str) -> str:
    spaces = _SPACE.fullmatch(part)
    return f"{spaces[1]}{translation}{spaces[3]}" if spaces else translation
