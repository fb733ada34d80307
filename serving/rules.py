"""The rules of the translator for the page: patterns, tables and numbers of Python, none of them written twice.

The modules of serving/data/engine have the names of those of Python and do the same with these rules.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any

from s2s.config import to_dict
from s2s.decoding import confidence as calibrated
from s2s.decoding import loops
from s2s.text import casing, lines, sentences, spans
from s2s.text.abbreviations import abbreviations
from s2s.text.languages import primary_subtag, writes_spaces
from serving.regular_expressions import javascript_pattern
from serving.vocabulary import vocabulary_data
from translation import confidence, cutting, piece, reading, splitting, writing

if TYPE_CHECKING:
    from s2s.decoding.confidence import Calibration
    from s2s.text.vocabulary import Vocabulary
    from translation.model import TranslationConfig

# The constants that a module of the engine uses, from the module of Python that it repeats.
_CONSTANTS: Mapping[str, tuple[ModuleType, str]] = MappingProxyType(
    {
        "spans": (spans, "_PLAIN"),
        "sentences": (
            sentences,
            "_CLEAR _SEPARATOR _FIRST _END _NEXT _PROTECTED _NO_START _ENCLOSED _LETTER_OR_DIGIT _DOTTED _LIST_NUMBER "
            "_ORDINAL _ROMAN _FILE_ENDING _NAME _WINDOW",
        ),
        "casing": (casing, "_SHORTEST_LINE _SHORT_WORD _WORD _WORD_AND_REST"),
        "lines": (lines, "_INVISIBLE"),
        "cutting": (cutting, "_BETWEEN_CELLS _BEFORE"),
        "splitting": (splitting, "_CLAUSE _WORD"),
        "reading": (
            reading,
            "_BETWEEN_SPACES WORD_OR_SIGN _CAPITALS _CLOSING _FOLDED _CLAUSE _APOSTROPHE _SPACED_STOP _ODD",
        ),
        "piece": (piece, "PAIRED _FINAL _LONGEST"),
        "writing": (writing, "_NO_LINE_ENDS _FINAL _STOP_BEFORE_COPY"),
        "loops": (loops, "WORDS"),
        "confidence": (calibrated, "LIMIT MOST_REASONS SURE _NOTABLE"),
    }
)


def translator_data(
    config: TranslationConfig, source: Vocabulary, target: Vocabulary, calibration: Calibration | None
) -> dict[str, Any]:
    """All that `Translator` of serving/data/engine/translator.js needs beside the network, as a JSON object."""
    return {
        "rules": {**_shared_rules(), **_rules_of(config, source, target)},
        "source": vocabulary_data(source),
        "target": None if target is source else vocabulary_data(target),
        "calibration": None if calibration is None else to_dict(calibration),
    }


def _shared_rules() -> dict[str, dict[str, Any]]:
    """The rules that hold for every model."""
    rules: dict[str, dict[str, Any]] = {
        name: {constant.strip("_"): _plain(getattr(module, constant)) for constant in constants.split()}
        for name, (module, constants) in _CONSTANTS.items()
    }
    rules["spans"] |= {
        "SPAN": _plain(spans.span_pattern()),
        "STANDS_LIKE_A_WORD": {kind.name: kind.word for kind in spans.KINDS},
    }
    rules["confidence"]["WORDS"] = dict(confidence.WORDS)
    rules["confidence"]["UNREAD"] = confidence.UNREAD
    return rules


def _rules_of(config: TranslationConfig, source: Vocabulary, target: Vocabulary) -> dict[str, dict[str, Any]]:
    """The rules of one model: its languages, its limits, and what its guard against loops knows of words."""
    language = primary_subtag(config.source_language)
    words = abbreviations(language)
    tables = {
        "source": loops.word_table(source, config.source_language),
        "target": loops.word_table(target, config.target_language),
    }
    return {
        "language": {
            "abbreviations": {
                "inside": sorted(words.inside),
                "may_end": sorted(words.may_end),
                "before_number": sorted(words.before_number),
                "openers": sorted(words.openers),
                "ordinals": words.ordinals,
            },
            "small_words": casing.small_words(language),
            "rare_characters": config.rare_characters,
            "spaces": writes_spaces(config.target_language) or target.whole_words,
        },
        "model": {"max_source_length": config.max_source_length, "length_ratio": config.length_ratio},
        "words": {
            side: {"doubled": sorted(table.doubled), "signs": sorted(table.signs)} for side, table in tables.items()
        },
    }


def _plain(value: Any) -> Any:
    """A constant as JSON has it: patterns in the syntax of JavaScript, and tables from characters to texts."""
    match value:
        case re.Pattern():
            return asdict(javascript_pattern(value))
        case frozenset():
            return "".join(sorted(value))
        case dict():
            return {chr(key): text if isinstance(text, str) else chr(text) for key, text in value.items()}
    return value
