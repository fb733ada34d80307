"""Confidence: the probability that an output is acceptable, from features of the output.

A feature is a number that is higher the worse the output is likely to be, such as the negated score. An application
defines its features and what "acceptable" means, and fits a `Calibration` on outputs whose quality was measured
(s2s/decoding/calibrating.py). The probability is that of a logistic regression:

    z_k = (feature_k - mean_k) / scale_k, but at most LIMIT and at least -LIMIT
    P(acceptable) = 1 / (1 + exp(-(bias - sum_k weight_k z_k))),    weight_k >= 0

The limit keeps one feature far outside of all that was fitted from deciding alone. No weight is negative, so that a
higher feature never raises the confidence, and each can be named as a reason.

Importing this module imports neither torch nor NumPy.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from s2s.config import from_dict, option, to_dict
from s2s.errors import UserError, check, warn

FILE = "confidence.json"  # the name of a calibration in a model directory
LIMIT = 4.0  # a feature counts at most so many scales from its mean
MOST_REASONS = 3
SURE = 0.8  # an output with a higher confidence needs no reasons
_NOTABLE = 0.5  # a feature is a reason if it lowers the log-odds by at least this
_MAX_BYTES, _MAX_FEATURES, _MAX_VALUE = 1 << 20, 100, 1e9  # of a file that may be a stranger's

Features = Mapping[str, float]


@dataclass(frozen=True)
class Judgement:
    """What a calibration says of one output.

    Attributes:
        confidence: the probability that it is acceptable, 0 to 1
        doubtful: whether the confidence is below the threshold
        reasons: what lowers the confidence, in words, the most important first; none if the confidence is high
    """

    confidence: float
    doubtful: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Calibration:
    """How features become a confidence; the fields are those of the file.

    Attributes:
        features: their names
        means: of each feature over ordinary outputs
        scales: of each feature: its standard deviation over all outputs that were fitted
        weights: how much each feature lowers the log-odds per scale, at least 0
        bias: the log-odds of an output whose features are the means
        threshold: an output with a confidence below it is called doubtful
        acceptable: what an acceptable output is, in words, such as "sentence chrF of at least 35"
        outputs: how many it was fitted on
        calibration_error: the expected calibration error of ordinary outputs that were not used for the fit, 0 to 1
    """

    features: tuple[str, ...] = option()
    means: tuple[float, ...] = option(low=-_MAX_VALUE, high=_MAX_VALUE)
    scales: tuple[float, ...] = option(above=0, high=_MAX_VALUE)
    weights: tuple[float, ...] = option(low=0, high=_MAX_VALUE)
    bias: float = option(low=-_MAX_VALUE, high=_MAX_VALUE)
    threshold: float = option(low=0, high=1)
    acceptable: str = option()
    outputs: int = option(low=1)
    calibration_error: float = option(low=0, high=1)

    def problems(self) -> Iterable[str]:
        """Report what does not go together, for `s2s.config`."""
        lengths = {len(self.features), len(self.means), len(self.scales), len(self.weights)}
        if len(lengths) > 1 or len(self.features) > _MAX_FEATURES:
            yield f"features, means, scales and weights must be lists of one length, at most {_MAX_FEATURES}"
        if len(set(self.features)) < len(self.features):
            yield "a feature is named twice"

    def probability(self, features: Features) -> float:
        """The probability that an output with these features is acceptable, 0 to 1; others than its own are ignored."""
        log_odds = self.bias - sum(self._losses(features).values())
        return 1 / (1 + math.exp(-log_odds)) if log_odds >= 0 else math.exp(log_odds) / (1 + math.exp(log_odds))

    def doubtful(self, confidence: float) -> bool:
        """Whether an output with this confidence is called doubtful."""
        return confidence < self.threshold

    def judge(self, features: Features, words: Mapping[str, str]) -> Judgement:
        """Judge an output by its features; `words` are those of `reasons`. A sure output has no reasons."""
        confidence = self.probability(features)
        reasons = self.reasons(features, words) if confidence < SURE else ()
        return Judgement(confidence, self.doubtful(confidence), reasons)

    def reasons(self, features: Features, words: Mapping[str, str]) -> tuple[str, ...]:
        """What lowers the confidence most, compared with ordinary outputs: the words of up to three features.

        A doubtful output has at least one reason, if any of its features with words lowers the confidence.

        Args:
            features: of the output
            words: what a high value of each feature means, such as "repeats itself". Features that share their words
                count together. A feature without words is not named.
        """
        losses = defaultdict[str, float](float)
        for name, loss in self._losses(features).items():
            if name in words:
                losses[words[name]] += loss
        ranked = sorted((each for each in losses if losses[each] > 0), key=lambda each: -losses[each])
        notable = [each for each in ranked if losses[each] >= _NOTABLE][:MOST_REASONS]
        return tuple(notable or (ranked[:1] if self.doubtful(self.probability(features)) else ()))

    def check_features(self, known: Collection[str], source: object) -> None:
        """Raise a UserError that names the file `source` if a feature is none of those that the program computes."""
        unknown = [name for name in self.features if name not in known]
        check(
            not unknown,
            f"{source}: its feature {', '.join(unknown)[:100]!r} is unknown to this version; run `s2s calibrate` again",
        )

    def to_json(self) -> bytes:
        """The content of a file that `from_json` reads."""
        return json.dumps(to_dict(self), indent=1).encode() + b"\n"

    @classmethod
    def from_json(cls, data: bytes, source: object) -> Calibration:
        """Read what `to_json` wrote; raise a UserError that names the file `source` if it is anything else."""
        check(len(data) <= _MAX_BYTES, f"{source}: is larger than expected; run `s2s calibrate` again")
        try:
            table = json.loads(data, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise UserError(f"{source}: is not a calibration in JSON; run `s2s calibrate` again") from error
        check(isinstance(table, dict), f"{source}: is not a JSON object; run `s2s calibrate` again")
        return from_dict(cls, table, source=str(source))

    def _losses(self, features: Features) -> dict[str, float]:
        """By how much each feature lowers the log-odds, against its mean."""
        fields = zip(self.features, self.means, self.scales, self.weights)
        return {
            name: weight * max(-LIMIT, min(LIMIT, (features[name] - mean) / scale))
            for name, mean, scale, weight in fields
        }


def read_calibration(data: bytes | None, source: object, known: Collection[str]) -> Calibration | None:
    """The calibration of a stored model; None if it has none, and with a warning if another version of this made it.

    Args:
        data: the content of the model's file, or None
        source: the name of the file, for messages
        known: the features that this version computes

    Raises:
        UserError: the file is anything else.
    """
    if data is None:
        return None
    calibration = Calibration.from_json(data, source)
    try:
        calibration.check_features(known, source)
    except UserError as error:
        warn(str(error))
        return None
    return calibration


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number")
