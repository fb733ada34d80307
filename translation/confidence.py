"""Confidence of a translation: its features, read from what the search left behind (see s2s/decoding/confidence.py).

All are read from the best hypothesis and its source, so that they cost almost nothing beside the search. Each is higher
the worse the translation is likely to be. How well they tell, fitted under the bundled English-German model, stands in
RESULTS.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from s2s.decoding.confidence import Judgement
from s2s.text.spans import find_spans
from translation.piece import Piece

if TYPE_CHECKING:
    from s2s.decoding.confidence import Calibration, Features
    from s2s.decoding.search import Hypothesis

_UNLIKELY = "the model finds its own translation unlikely"
_UNKNOWN = "many words that the model does not know"
UNREAD = "words in letters that the model does not know were copied"
WORDS: Mapping[str, str] = MappingProxyType(
    {
        "surprise": _UNLIKELY,
        "log_surprise": _UNLIKELY,
        "spread": "it is unclear which words were translated",
        "uncovered": "words were left untranslated",
        "fragments": _UNKNOWN,
        "unknown": _UNKNOWN,
        "brevity": "a line shorter than those that the model knows",
        "longer": "much longer than its source",
        "shorter": "much shorter than its source",
        "repetition": "repeats itself",
    }
)


def features(piece: Piece, hypothesis: Hypothesis) -> Features:
    """The features of one hypothesis for a piece; cheap: with the judgement, 1 % of the time of the search.

    surprise      mean negated log-probability of a token, whatever the length penalty of the search; without the
                  tokens of terms that a glossary asks for
    log_surprise  its logarithm, because the likeliest translations differ in it by small amounts
    spread        entropy of the attention, mean over the target tokens, divided by that of even attention
    uncovered     how much attention a source token lacks to 1, mean over the source tokens
    fragments     source tokens per word: words of other domains are cut finer
    unknown       share of source tokens that stand for a text to be copied
    brevity       1 / source tokens
    longer        logarithm of target tokens per source token, at least 0
    shorter       logarithm of source tokens per target token, at least 0
    repetition    share of the pairs of neighbouring target tokens that occurred before
    """
    tokens, source = hypothesis.tokens, piece.ids
    steps, positions = len(tokens) + hypothesis.finished, len(source)
    given = hypothesis.given
    surprise = (given.log_probability - hypothesis.log_probability) / max(steps - given.tokens, 1)
    spread = uncovered = 0.0
    if hypothesis.attention is not None:
        weights = hypothesis.attention[:, : positions + 1]  # (steps, positions): END last, no padding
        entropies = -(weights * np.log(np.maximum(weights, 1e-9))).sum(1)  # (steps,), in nats
        spread = float(entropies.mean() / np.log(positions + 2))
        uncovered = float(np.maximum(1 - weights[:, :-1].sum(0), 0).mean()) if positions else 0.0
    ratio = float(np.log(max(len(tokens), 1) / max(positions, 1)))
    pairs = list(pairwise(tokens))
    return {
        "surprise": surprise,
        "log_surprise": float(np.log(max(surprise, 0) + 0.05)),
        "spread": spread,
        "uncovered": uncovered,
        "fragments": positions / max(len(piece.text.split()), 1),
        "unknown": len(piece.copies) / max(positions, 1),
        "brevity": 1 / max(positions, 1),
        "longer": max(ratio, 0.0),
        "shorter": max(-ratio, 0.0),
        "repetition": 1 - len(set(pairs)) / len(pairs) if pairs else 0.0,
    }


def judge(
    pieces: Sequence[Piece], hypotheses: Sequence[Sequence[Hypothesis]], calibration: Calibration
) -> Judgement | None:
    """Judge the best translation of a line by the worst of its pieces; None if none of them has words.

    Under this measure a line of several sentences is acceptable if each of them is. Of two sentences, one of the domain
    and one of another, the minimum tells this as well as the product and better than any mean; the product would call
    every long paragraph doubtful.

    Args:
        pieces: of the line
        hypotheses: those for each piece, best first; none for a piece that was copied
        calibration: of the model
    """
    judgements = [
        calibration.judge(features(piece, found[0]), WORDS) if found else Judgement(0.0, True, (UNREAD,))
        for piece, found in zip(pieces, hypotheses)
        if found or _has_words(piece)
    ]
    return min(judgements, key=lambda judgement: judgement.confidence, default=None)


def _has_words(piece: Piece) -> bool:
    """Whether a copied piece has letters outside protected spans, such as addresses, and terms of a glossary."""
    if piece.terms:
        return False
    text = piece.text
    for span in reversed(find_spans(text)):
        text = text[: span.start] + text[span.end :]
    return any(map(str.isalpha, text))
