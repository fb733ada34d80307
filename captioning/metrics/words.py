"""The words of a caption, as the metrics count them: lower-cased, without punctuation.

English is tokenised as published scores are, by Stanford's rules (captioning/metrics/ptb.py). They know English
contractions, abbreviations and money, and cut `schwarz/weiße` into `schwarz/wei ße`. So in other languages a word is a
run of letters, marks and digits, with hyphens and the like inside; and where no spaces are written, an ideograph.
"""

from __future__ import annotations

import re

from captioning.metrics.ptb import tokenise
from s2s.text.languages import ENGLISH, IDEOGRAPHS, primary_subtag, writes_spaces
from s2s.text.punctuation import word_parts

_BETWEEN_WORDS = re.compile(r"(?<=[^\W\d_])[/&](?=[^\W\d_])")  # schwarz/weiß
_IDEOGRAPH = re.compile(f"([{IDEOGRAPHS}])")


def metric_words(caption: str, language: str) -> list[str]:
    """The words of a raw caption in a language; punctuation alone gives none."""
    if primary_subtag(language) == ENGLISH:
        return tokenise(caption)
    if not writes_spaces(language):
        caption = _IDEOGRAPH.sub(r" \1 ", caption)
    return list(word_parts(_BETWEEN_WORDS.sub(" ", caption).lower()))
