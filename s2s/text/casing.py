"""Casing: lines and words in capitals, and how a vocabulary would rather read them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from enum import Enum

# Words that stay small in a title. In a language that is not listed, as in German, every word of a title has a capital.
_SMALL = {
    "en": "a an and as at but by for from in into is nor of off on or over per the to up via vs with",
    "fr": "à au aux avec d dans de des du en et l la le les ou par pour sur un une",
}
_SHORTEST_LINE = 4  # letters of a single word in capitals that is a line in capitals; "TV" is none
_SHORT_WORD = 3  # letters of articles, prepositions and conjunctions, which have capitals in titles alone
_WORD = re.compile(r"[^\W\d_]+")


class Case(Enum):
    """How a line is written."""

    MIXED = "mixed"
    UPPER = "upper"
    TITLE = "title"

    def apply(self, text: str) -> str:
        """The text in this case: all letters, or the first one of each word, in capitals; mixed changes nothing."""
        if self is Case.UPPER:
            # One character for one: "ẞ" instead of "SS", so that the word can be told again.
            return "".join(c.upper() if len(c.upper()) == 1 else c for c in text.replace("ß", "ẞ"))
        if self is Case.TITLE:
            return _WORD_AND_REST.sub(lambda match: match[0][:1].upper() + match[0][1:], text)
        return text


_WORD_AND_REST = re.compile(r"[^\W\d_][\w'’]*")  # of "man's" the "s" begins no word


def is_upper(word: str) -> bool:
    """Whether a word is in capitals; an "ß" among them, which often stays small, does not count."""
    return word.replace("ß", "").isupper()


def in_small_letters(text: str) -> str:
    """The text in small letters, one character for one, so that offsets stay valid."""
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def small_words(language: str) -> list[str]:
    """The words that stay small in a title; none in a language whose titles have a capital in every word."""
    return _SMALL.get(language, "").split()


def case_of(text: str, language: str) -> Case:
    """The case of a line. A title has at least three words, each with a capital, but for small words like "of"."""
    words = [word for word in _WORD.findall(text) if word.lower() != word.upper()]
    if not words:
        return Case.MIXED
    if all(map(is_upper, words)):
        long = [word for word in words if len(word) > 1]
        return Case.UPPER if len(long) > 1 or any(len(word) >= _SHORTEST_LINE for word in long) else Case.MIXED
    small = small_words(language)
    capitals = sum(word[0].isupper() for word in words)
    whole = all(word[0].isupper() or word in small for word in words)
    title = whole and capitals >= 3 and not any(is_upper(word) and len(word) > 1 for word in words)
    if not small:  # German nouns have capitals anyway: "Männer, Frauen, Kinder" is no title
        title = title and any(len(word) <= _SHORT_WORD for word in words[1:])
    return Case.TITLE if title else Case.MIXED


def known_form(word: str, cost: Callable[[str], int]) -> str:
    """The form of a word in capitals that a vocabulary knows best: in lower case, with one capital, or as it is.

    A vocabulary of subwords has learned the usual form as one token or few, and spells the others out. Of forms
    that cost as much the lower-case one is taken.

    Args:
        word: one word
        cost: of a form, such as how many tokens the vocabulary needs for it
    """
    forms: Sequence[str] = (word.lower(), word.capitalize(), word)
    return min(forms, key=cost)
