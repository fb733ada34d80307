"""How captions are written for a model: as people wrote them, or in the metrics' tokens.

In `own` text a word keeps its capitals, accents and marks, and punctuation stays. For a vocabulary of words,
punctuation is split off, and a joiner says where it was joined: `A man (here).` is `A man (￭ here ￭) ￭.`. For subwords
the text stays as it is. `treebank` text is what models of earlier versions know: lower-cased English Penn Treebank
tokens without punctuation, with `-lrb-` for a bracket.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from captioning.metrics.ptb import tokenise
from captioning.metrics.words import metric_words
from s2s.text.languages import ENGLISH
from s2s.text.punctuation import JOINER, split_punctuation

TextKind = Literal["own", "treebank"]
_JOINED = re.compile(f" ?{JOINER} ?")
_PARTS = re.compile(r" (?=('s|'re|'ve|'ll|'d|'m|n't)\b)")  # what Stanford's tokeniser takes off a word


@dataclass(frozen=True)
class Writing:
    """How the captions of a model are written.

    Attributes:
        text: of what kind
        words: whether the vocabulary is one of words
        language: of the captions, a code such as `de`
    """

    text: TextKind = "treebank"
    words: bool = True
    language: str = ENGLISH

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
        return text.split() if self.text == "treebank" else metric_words(self.detokenise(text), self.language)

    def detokenise(self, text: str) -> str:
        """A normalised caption as one would write it, without the space before `'s` that treebank text has."""
        plain = _JOINED.sub("", " ".join(text.split()))
        return _PARTS.sub("", plain) if self.text == "treebank" else plain
