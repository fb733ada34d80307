"""The vocabulary of captions; captioning/writing.py says how they are written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from captioning.metrics.content import content_words
from captioning.recipe import VocabularyConfig
from s2s.errors import check, counted
from s2s.text.subwords import train_subwords
from s2s.text.tokens import SPECIALS
from s2s.text.vocabulary import Vocabulary, WordVocabulary

_RARE = 0.05  # share of unknown words up to which a threshold is not lowered
_THRESHOLD = 5  # how often a word must occur to be known, where there are enough captions


def unique_words(vocabulary: Vocabulary, language: str) -> list[int]:
    """The ids of words that a caption says only once, if it is not to repeat itself: content words.

    Of subwords there are none, because the same piece begins different words; nor are there in a language whose content
    words are not known.
    """
    content = content_words(language)
    if content is None or not isinstance(vocabulary, WordVocabulary):
        return []
    tokens = enumerate(vocabulary.tokens(range(len(vocabulary))))
    return [i for i, token in tokens if i >= len(SPECIALS) and content.includes(token.lower())]


def learn_vocabulary(captions: Sequence[str], config: VocabularyConfig) -> Vocabulary:
    """From the normalised captions of the training pictures alone; a UserError where no word is frequent enough."""
    if config.kind != "word":
        return train_subwords(captions, config.size, kind=config.kind)
    threshold = config.threshold or fitting_threshold(captions)
    words = WordVocabulary.from_lines(captions, threshold=threshold)
    spaced = sum(len(caption.split()) for caption in captions) >= 2 * len(captions)
    advice = (
        "lower vocabulary.threshold" if spaced else 'these have no spaces between words: set vocabulary.kind = "bpe"'
    )
    check(len(words) > len(SPECIALS), f"no word of the training captions occurs {counted(threshold, 'time')}: {advice}")
    return words


def fitting_threshold(captions: Sequence[str]) -> int:
    """The highest threshold that leaves few words unknown, `_THRESHOLD` at most."""
    counts = Counter(word for caption in captions for word in caption.split())
    for threshold in range(_THRESHOLD, 1, -1):
        if sum(count for count in counts.values() if count < threshold) <= _RARE * counts.total():
            return threshold
    return 1
