"""Captions as the model writes them: lower-cased, in the Penn Treebank's tokens, without punctuation."""

from __future__ import annotations

import re
from collections.abc import Sequence

from captioning.metrics.content import is_content
from captioning.metrics.ptb import tokenise
from captioning.recipe import VocabularyConfig
from s2s.errors import check, counted
from s2s.text.subwords import train_subwords
from s2s.text.tokens import SPECIALS
from s2s.text.vocabulary import Vocabulary, WordVocabulary

_SIDES = {"left": "right", "right": "left"}
_SIDE = re.compile(r"\b(?:left|right)\b")
_PARTS = re.compile(r" (?=('s|'re|'ve|'ll|'d|'m|n't)\b)")  # what the tokeniser took off a word


def normalise_caption(caption: str) -> str:
    """What is learned of a caption: its tokens, with spaces between; empty where it has no word."""
    return " ".join(tokenise(caption))


def detokenise_caption(text: str) -> str:
    """A normalised caption as one would write it: `a man 's hat` is `a man's hat`, without a subword's spare spaces."""
    return _PARTS.sub("", " ".join(text.split()))


def mirror_caption(text: str) -> str:
    """The caption of the mirrored picture: left is right, also in `left-hand` (Desai & Johnson, 2021, "VirTex")."""
    return _SIDE.sub(lambda side: _SIDES[side[0]], text)


def unique_words(vocabulary: Vocabulary) -> list[int]:
    """The ids of words that a caption says only once, if it is not to repeat itself: content words.

    Of subwords there are none, because the same piece begins different words.
    """
    if not isinstance(vocabulary, WordVocabulary):
        return []
    tokens = enumerate(vocabulary.tokens(range(len(vocabulary))))
    return [i for i, token in tokens if i >= len(SPECIALS) and is_content(token)]


def learn_vocabulary(captions: Sequence[str], config: VocabularyConfig) -> Vocabulary:
    """From the normalised captions of the training pictures alone; a UserError where no word is frequent enough."""
    if config.kind == "word":
        words = WordVocabulary.from_lines(captions, threshold=config.threshold)
        check(
            len(words) > len(SPECIALS),
            f"no word of the training captions occurs {counted(config.threshold, 'time')}: lower vocabulary.threshold",
        )
        return words
    return train_subwords(captions, config.size, kind=config.kind)
