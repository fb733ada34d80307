"""Confidence of a caption: its features, of the search and of the picture (see s2s/decoding/confidence.py).

Each is higher the worse the caption is likely to be. They cost almost nothing beside the CNN. Agreement among the n
best captions was tried too: it tells neither other pictures nor bad captions from good ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from captioning.familiarity import Impression
    from s2s.decoding.confidence import Features
    from s2s.decoding.search import Hypothesis

_UNLIKE = "the picture is unlike those that the model was trained on"
_MISFIT = "its words are not those that such a picture calls for"
WORDS: Mapping[str, str] = MappingProxyType(
    {
        "surprise": "the model finds its own caption unlikely",
        "strangeness": _UNLIKE,
        "unfamiliar": _UNLIKE,
        "unnamed": "the picture shows little that the model has words for",
        "misfit": _MISFIT,
        "unexpected": _MISFIT,
        "spread": "it is unclear where in the picture its words come from",
        "repetition": "repeats itself",
    }
)
_NAMED = 5  # tokens
_NOTHING_EXPECTED = 5.0  # the value of `unexpected` for a caption without any telling token: about the highest there is


def features(hypothesis: Hypothesis, impression: Impression, usual: Mapping[int, float]) -> Features:
    """The features of the best caption of a picture.

    surprise     logarithm of the mean negated log-probability of a token, whatever the length penalty of the search
    strangeness  see `captioning.familiarity.Impression`
    unfamiliar   likewise
    unnamed      the negated mean of the five highest expected shares: no word suggests itself
    misfit       how much rarer the caption's telling tokens are in captions of such pictures than in all captions: the
                 negated mean logarithm of expected by usual share
    unexpected   the negated mean logarithm of the expected shares of the caption's telling tokens
    spread       entropy of the attention weights of a token, of at most 1, mean over the tokens
    repetition   share of the pairs of neighbouring tokens that occurred before

    Args:
        hypothesis: of the search
        impression: of the picture
        usual: see `captioning.familiarity.Familiarity.usual`
    """
    tokens = hypothesis.tokens
    surprise = -hypothesis.log_probability / max(len(tokens) + hypothesis.finished, 1)
    telling = [token for token in set(tokens) if token in usual]
    expected = np.log([impression.expected[token] for token in telling])
    misfit, unexpected = 0.0, _NOTHING_EXPECTED
    if telling:
        misfit = float(np.log([usual[token] for token in telling]).mean() - expected.mean())
        unexpected = -float(expected.mean())
    spread = 0.0
    if hypothesis.attention is not None:
        weights = np.asarray(hypothesis.attention)  # (steps, positions)
        entropy = -(weights * np.log(np.maximum(weights, 1e-9))).sum(1)  # (steps,)
        spread = float(entropy.mean() / np.log(max(weights.shape[1], 2)))
    pairs = list(pairwise(tokens))
    return {
        "surprise": float(np.log(max(surprise, 0) + 0.05)),
        "strangeness": impression.strangeness,
        "unfamiliar": impression.unfamiliar,
        "unnamed": -float(np.mean(sorted(impression.expected.values())[-_NAMED:] or [0.0])),
        "misfit": misfit,
        "unexpected": unexpected,
        "spread": spread,
        "repetition": 1 - len(set(pairs)) / len(pairs) if pairs else 0.0,
    }
