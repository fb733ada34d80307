"""The language of a set of captions: how many different words, how many alike, what is repeated, what is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from captioning.metrics.content import agreed_nouns, repeated_ngrams

Words = Sequence[str]

AGREED = 3  # references of a picture that must have a noun


@dataclass(frozen=True)
class Variety:
    """Counts, or their means over several sets of captions.

    Attributes:
        words: different words in all captions
        distinct: different captions
        repeated_phrases: captions that say a phrase twice: the same two words or more, a content word among them
        repeated_words: captions that say a content word twice
        length: words per caption, mean
        agreed_nouns: captions with a noun that at least three references of their picture have, in percent
            (captioning/metrics/content.py says what counts as a noun)
    """

    words: float
    distinct: float
    repeated_phrases: float
    repeated_words: float
    length: float
    agreed_nouns: float

    def __str__(self) -> str:
        return (
            f"{self.words:,.0f} different words, {self.distinct:,.0f} distinct captions, {self.length:.1f} words per "
            f"caption; captions that repeat a phrase: {self.repeated_phrases:g}, a content word: "
            f"{self.repeated_words:g}; with a noun of {AGREED} references or more: {self.agreed_nouns:.1f} %"
        )


def variety(captions: Sequence[Words], references: Sequence[Sequence[Words]]) -> Variety:
    """Measure tokenised captions, one for each picture, beside the references of the pictures."""
    right = [
        not agreed_nouns(known, AGREED).isdisjoint(words) for words, known in zip(captions, references, strict=True)
    ]
    return Variety(
        words=len({word for words in captions for word in words}),
        distinct=len(set(map(tuple, captions))),
        repeated_phrases=sum(repeated_ngrams(words, 2) > 0 for words in captions),
        repeated_words=sum(repeated_ngrams(words, 1) > 0 for words in captions),
        length=sum(map(len, captions)) / len(captions),
        agreed_nouns=100 * sum(right) / len(captions),
    )
