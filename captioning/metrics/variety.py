"""The language of a set of captions: how many different words, how many alike, what is repeated, what is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from captioning.metrics.content import content_words

Words = Sequence[str]

AGREED = 3  # references of a picture that must have a noun


@dataclass(frozen=True)
class Variety:
    """Counts, or their means over several sets of captions; None for what is not known of their language.

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
    repeated_phrases: float | None
    repeated_words: float | None
    length: float
    agreed_nouns: float | None

    def __str__(self) -> str:
        text = (
            f"{self.words:,.0f} different words, {self.distinct:,.0f} distinct captions, {self.length:.1f} words per "
            "caption"
        )
        if self.repeated_words is not None:
            text += (
                f"; captions that repeat a phrase: {self.repeated_phrases:g}, a content word: {self.repeated_words:g}"
            )
        if self.agreed_nouns is not None:
            text += f"; with a noun of {AGREED} references or more: {self.agreed_nouns:.1f} %"
        return text


def variety(captions: Sequence[Words], references: Sequence[Sequence[Words]], language: str) -> Variety:
    """Measure tokenised captions in a language, one for each picture, beside the references of the pictures."""
    content, count = content_words(language), len(captions)
    right = repeated = None
    if content:
        repeated = [sum(content.repeated_ngrams(words, order) > 0 for words in captions) for order in (2, 1)]
        if content.tells_nouns:
            agreed = (content.agreed_nouns(known, AGREED) for known in references)
            right = sum(not nouns.isdisjoint(words) for words, nouns in zip(captions, agreed, strict=True))
    return Variety(
        words=len({word for words in captions for word in words}),
        distinct=len(set(map(tuple, captions))),
        repeated_phrases=repeated[0] if repeated else None,
        repeated_words=repeated[1] if repeated else None,
        length=sum(map(len, captions)) / count,
        agreed_nouns=None if right is None else 100 * right / count,
    )
