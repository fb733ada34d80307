"""CIDEr-D: how much a caption says what people say of the same picture, and of few others.

Vedantam et al., 2015, "CIDEr: Consensus-based Image Description Evaluation", in the variant D of its section 6 that the
COCO evaluation prints as "CIDEr": n-grams of one to four words weighted by tf-idf, counts clipped at the reference's,
a Gaussian penalty on the difference in length. Scores here are those of pycocoevalcap: 1.0 is what tables print as 100.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from s2s.errors import check, counted

Words = Sequence[Hashable]

_ORDERS = range(1, 5)
_SIGMA = 6.0
_REMEMBERED = 16_384  # pictures whose references are kept as vectors: about 50 kB each


@dataclass(frozen=True)
class _References:
    """The tf-idf vectors of one picture's references.

    `postings[ngram]` holds for each reference with it (its number, weight, weight / norm of the n-grams of this order).
    """

    lengths: Sequence[int]
    postings: Mapping[Words, Sequence[tuple[int, float, float]]]


class CiderD:
    """Scores captions of pictures whose references it has read: once for the idf, and into vectors when first needed.

    Words are anything hashable: strings, or the ids of tokens. Who wants END to count as a word appends it on both
    sides. The idf is that of the pictures given, so a score depends on how many and which they are; of one picture
    alone every score is 0.

    Args:
        references: for each picture its tokenised references, at least one
    """

    def __init__(self, references: Sequence[Sequence[Words]]) -> None:
        check(references, "CIDEr-D: there are no pictures with references to score against")
        for number, captions in enumerate(references):
            check(captions, f"CIDEr-D: picture {number} has no reference; leave it out")
        self._references = [[tuple(words) for words in captions] for captions in references]
        pictures_with: Counter[Words] = Counter()
        for captions in self._references:
            pictures_with.update({ngram for words in captions for order in _ngrams(words) for ngram in order})
        # An n-gram that no reference has is as rare as one that a single picture's references have.
        self._rarest = math.log(len(self))
        rarity = [self._rarest - math.log(count or 1) for count in range(len(self) + 1)]
        self._rarity = {ngram: rarity[count] for ngram, count in pictures_with.items()}
        self._vectors = lru_cache(_REMEMBERED)(self._read)

    def __len__(self) -> int:
        """The number of pictures."""
        return len(self._references)

    def score(self, picture: int, words: Words) -> float:
        """CIDEr-D of one tokenised caption of the picture with this number, 0 to 10."""
        references = self._vectors(picture)
        nearness = [_nearness(len(words), length) for length in references.lengths]
        total = 0.0
        for ngrams in _ngrams(tuple(words)):
            common = squares = 0.0
            for ngram, weight in self._weights(ngrams).items():
                squares += weight * weight
                for number, most, share in references.postings.get(ngram, ()):
                    common += nearness[number] * min(weight, most) * share
            if squares:
                total += common / math.sqrt(squares)
        return 10 * total / (len(_ORDERS) * len(references.lengths))

    def corpus(self, captions: Sequence[Words]) -> float:
        """The mean over all pictures, of one tokenised caption each."""
        check(
            len(captions) == len(self),
            f"CIDEr-D: {counted(len(captions), 'caption')} of {counted(len(self), 'picture')}: give one "
            "for each picture",
        )
        return sum(self.score(picture, words) for picture, words in enumerate(captions)) / len(self)

    def _weights(self, ngrams: Sequence[Words]) -> dict[Words, float]:
        """The tf-idf of each n-gram."""
        weights: dict[Words, float] = {}
        for ngram in ngrams:
            weights[ngram] = weights.get(ngram, 0.0) + self._rarity.get(ngram, self._rarest)
        return weights

    def _read(self, picture: int) -> _References:
        postings: dict[Words, list[tuple[int, float, float]]] = {}
        captions = self._references[picture]
        for number, words in enumerate(captions):
            for ngrams in _ngrams(words):
                weights = self._weights(ngrams)
                norm = math.sqrt(sum(weight * weight for weight in weights.values()))
                for ngram, weight in weights.items():
                    if weight:
                        postings.setdefault(ngram, []).append((number, weight, weight / norm))
        return _References([len(words) for words in captions], postings)


def _ngrams(words: tuple[Hashable, ...]) -> Iterator[list[Words]]:
    """For each order the n-grams, in the order of the caption."""
    for order in _ORDERS:
        yield [words[first : first + order] for first in range(len(words) - order + 1)]


@cache
def _nearness(length: int, other: int) -> float:
    """The penalty on a difference in length, as a factor; counted in bigrams, so that no word and one are alike."""
    difference = max(length, 1) - max(other, 1)
    return math.exp(-(difference**2) / (2 * _SIGMA**2))
