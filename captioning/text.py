"""Captions as the model writes them: lower-cased, in the Penn Treebank's tokens, without punctuation."""

from __future__ import annotations

import re
from collections.abc import Sequence

from captioning.ptb import tokenise
from captioning.recipe import VocabularyConfig
from s2s.vocabulary import Vocabulary, WordVocabulary, train_subwords

_SIDES = {"left": "right", "right": "left"}
_PARTS = re.compile(r" (?=('s|'re|'ve|'ll|'d|'m|n't)\b)")  # what the tokeniser took off a word


def normalised(caption: str) -> str:
    """What is learned of a caption: its tokens, with spaces between; empty where it has no word."""
    return " ".join(tokenise(caption))


def readable(text: str) -> str:
    """A normalised caption as one would write it: `a man 's hat` is `a man's hat`."""
    return _PARTS.sub("", text)


def mirrored(text: str) -> str:
    """The caption of the mirrored picture: left is right (Desai & Johnson, 2021, "VirTex", do so)."""
    return " ".join(_SIDES.get(word, word) for word in text.split(" "))


def learn_vocabulary(captions: Sequence[str], config: VocabularyConfig) -> Vocabulary:
    """From the normalised captions of the training pictures alone."""
    if config.kind == "word":
        return WordVocabulary.from_lines(captions, threshold=config.threshold)
    return train_subwords(captions, config.size, kind=config.kind)
