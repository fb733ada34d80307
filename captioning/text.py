"""The vocabulary of captions, and captions of mirrored pictures; captioning/writing.py says how they are written."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from captioning.metrics.content import is_content
from captioning.recipe import VocabularyConfig
from s2s.errors import check, counted
from s2s.text.subwords import train_subwords
from s2s.text.tokens import SPECIALS
from s2s.text.vocabulary import Vocabulary, WordVocabulary

_SIDES = {"left": "right", "right": "left"}
_SIDE = re.compile(r"\b(?:left|right)\b", re.IGNORECASE)
_RARE = 0.05  # share of unknown words up to which a threshold is not lowered
_THRESHOLD = 5  # how often a word must occur to be known, where there are enough captions


def mirror_caption(text: str) -> str:
    """The caption of the mirrored picture: left is right, also in `left-hand` (Desai & Johnson, 2021, "VirTex")."""
    return _SIDE.sub(_other_side, text)


def _other_side(side: re.Match[str]) -> str:
    other = _SIDES[side[0].lower()]
    return other.upper() if side[0].isupper() else other.title() if side[0].istitle() else other


def unique_words(vocabulary: Vocabulary) -> list[int]:
    """The ids of words that a caption says only once, if it is not to repeat itself: content words.

    Of subwords there are none, because the same piece begins different words.
    """
    if not isinstance(vocabulary, WordVocabulary):
        return []
    tokens = enumerate(vocabulary.tokens(range(len(vocabulary))))
    return [i for i, token in tokens if i >= len(SPECIALS) and is_content(token.lower())]


def learn_vocabulary(captions: Sequence[str], config: VocabularyConfig) -> Vocabulary:
    """From the normalised captions of the training pictures alone; a UserError where no word is frequent enough."""
    if config.kind != "word":
        return train_subwords(captions, config.size, kind=config.kind)
    threshold = config.threshold or _fitting_threshold(captions)
    words = WordVocabulary.from_lines(captions, threshold=threshold)
    spaced = sum(len(caption.split()) for caption in captions) >= 2 * len(captions)
    advice = (
        "lower vocabulary.threshold" if spaced else 'these have no spaces between words: set vocabulary.kind = "bpe"'
    )
    check(len(words) > len(SPECIALS), f"no word of the training captions occurs {counted(threshold, 'time')}: {advice}")
    return words


def _fitting_threshold(captions: Sequence[str]) -> int:
    """The highest threshold that leaves few words unknown, `_THRESHOLD` at most."""
    counts = Counter(word for caption in captions for word in caption.split())
    for threshold in range(_THRESHOLD, 1, -1):
        if sum(count for count in counts.values() if count < threshold) <= _RARE * counts.total():
            return threshold
    return 1
