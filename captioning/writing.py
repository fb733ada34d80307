"""How captions are written for a model: as people wrote them, or in the metrics' tokens.

In `own` text a word keeps its capitals, accents and marks, and punctuation stays. For a vocabulary of words,
punctuation is split off, and a joiner says where it was joined: `A man (here).` is `A man (￭ here ￭) ￭.`. For subwords
the text stays as it is. `treebank` text is what models of earlier versions know: lower-cased Penn Treebank tokens
without punctuation, with `-lrb-` for a bracket.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from captioning.metrics.ptb import tokenise

TextKind = Literal["own", "treebank"]
JOINER = "￭"
_INNER = frozenset("'’-.,:/&")  # between two letters or digits they belong to the word: don't, t-shirt, 1/2, 10:30
_ZWJ = "\u200d"
_JOINED = re.compile(f" ?{JOINER} ?")
_PARTS = re.compile(r" (?=('s|'re|'ve|'ll|'d|'m|n't)\b)")  # what Stanford's tokeniser takes off a word


@dataclass(frozen=True)
class Writing:
    """How the captions of a model are written.

    Attributes:
        text: of what kind
        words: whether the vocabulary is one of words
    """

    text: TextKind = "treebank"
    words: bool = True

    def normalise(self, caption: str) -> str:
        """What is learned of a caption: its tokens, with spaces between; empty where it has no letter and no digit."""
        if self.text == "treebank":
            return " ".join(tokenise(caption))
        if not any(map(str.isalnum, caption)):
            return ""
        plain = caption.replace(JOINER, "")
        return " ".join(split_punctuation(plain) if self.words else plain.split())

    def metric_words(self, text: str) -> list[str]:
        """The words of a normalised caption, as the caption metrics count them."""
        return text.split() if self.text == "treebank" else tokenise(detokenise_caption(text))


def detokenise_caption(text: str) -> str:
    """A normalised caption as one would write it: `a man 's hat` is `a man's hat`, without a subword's spare spaces."""
    return _PARTS.sub("", _JOINED.sub("", " ".join(text.split())))


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
