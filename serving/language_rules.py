"""What a language model on the page needs beside its network (serving/data/engine/generator.js), as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from language_model.configuration import LENGTH
from s2s.decoding.search import SamplingOptions
from serving.vocabulary import vocabulary_data

if TYPE_CHECKING:
    from language_model.configuration import LanguageModelConfig
    from s2s.text.vocabulary import Vocabulary

_TOKENS = {"character": "characters", "word": "words", "bpe": "subwords", "unigram": "subwords"}


def generator_data(config: LanguageModelConfig, vocabulary: Vocabulary) -> dict[str, Any]:
    """The data of a language model: its vocabulary, and the widths of its state's arrays by name."""
    return {"vocabulary": vocabulary_data(vocabulary), "states": config.model.states}


def sampling_defaults() -> dict[str, Any]:
    """What the page's options say at first, which is what they are by default in Python."""
    options = SamplingOptions()
    drawing = {name: getattr(options, name) for name in ("temperature", "top_k", "top_p", "seed")}
    return {**drawing, "length": LENGTH}


def tokens_in_words(vocabulary: Vocabulary) -> str:
    """What the tokens of a vocabulary are, in the plural."""
    return _TOKENS[vocabulary.kind]
