"""Calibrating: fit the confidence of outputs whose quality was measured (see s2s/decoding/confidence.py).

Regularised logistic regression by Newton's method. A feature whose weight would be negative is left out, the worst one
first, because features are numbers that are higher the worse the output is likely to be.

The probabilities by which a fit is judged are cross-fitted: the outputs are divided into folds, and those of a fold get
theirs from a fit on the other folds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from s2s.decoding.confidence import LIMIT, Calibration, Features
from s2s.errors import check

BINS = 10  # of the expected calibration error and of the reliability picture
THRESHOLD = 0.5
_FOLDS = 5
_PENALTY = 1.0  # times the squared weights, in units of one output's log-likelihood
_STEPS, _TOLERANCE = 50, 1e-8  # of Newton's method


@dataclass(frozen=True)
class Fit:
    """A fitted calibration, and the outputs by which it can be judged.

    Attributes:
        calibration: fitted on all outputs
        confidences: (outputs,) float64, cross-fitted: none was used for its own
        acceptable: (outputs,) bool
        ordinary: (outputs,) bool
    """

    calibration: Calibration
    confidences: NDArray[np.float64]
    acceptable: NDArray[np.bool_]
    ordinary: NDArray[np.bool_]


class Bin(NamedTuple):
    """The outputs whose confidence lies in one range.

    Attributes:
        outputs: how many they are, at least 1
        confidence: their mean confidence
        acceptable: the share of them that is acceptable
    """

    outputs: int
    confidence: float
    acceptable: float


def fit(
    features: Sequence[Features],
    acceptable: Sequence[bool],
    *,
    meaning: str,
    ordinary: Sequence[bool] | None = None,
    groups: Sequence[int] | None = None,
    most_doubtful: float = 1.0,
) -> Fit:
    """Fit a calibration on outputs whose quality is known.

    Args:
        features: of each output, all with the same names
        acceptable: whether each output is
        meaning: of "acceptable", in words
        ordinary: which outputs come from inputs as they are, and not from inputs that were spoiled on purpose; the
            expected calibration error and the means are theirs. All of them by default.
        groups: outputs with the same number stay in one fold, such as those of an input and of its spoiled versions; by
            default every output is a group
        most_doubtful: at most this share of the ordinary outputs is called doubtful: the threshold is `THRESHOLD`, at
            which an output is as likely acceptable as not, or lower where that would call more of them so

    Raises:
        UserError: there are fewer than 20 outputs, or all or none are acceptable: nothing can be learned from them.
    """
    labels = np.asarray(acceptable, dtype=bool)
    usual = np.ones(len(labels), bool) if ordinary is None else np.asarray(ordinary, dtype=bool)
    folds = np.asarray(range(len(labels)) if groups is None else groups) % _FOLDS
    check(len(labels) >= 20 and usual.any(), "confidence cannot be calibrated on fewer than 20 outputs; give more data")
    check(
        labels.any() and not labels.all(),
        f"confidence cannot be calibrated: {'all' if labels.all() else 'none'} of the {len(labels):,} outputs are "
        "acceptable; use other text, or a better model",
    )
    names = tuple(features[0])
    values = np.array([[each[name] for name in names] for each in features], dtype=np.float64)  # (outputs, features)
    means, scales = values[usual].mean(0), values.std(0)  # (features,) each
    scales[scales < 1e-6] = 1.0  # constant: the weight becomes 0
    z = np.clip((values - means) / scales, -LIMIT, LIMIT)
    confidences = np.empty(len(labels))
    for fold in range(_FOLDS):
        inside = folds == fold
        weights, bias = _fit_weights(z[~inside], labels[~inside], usual[~inside])
        confidences[inside] = _sigmoid(bias - z[inside] @ weights)
    weights, bias = _fit_weights(z, labels, usual)
    error = expected_calibration_error(confidences[usual], labels[usual])
    lowest = np.sort(confidences[usual])
    threshold = min(THRESHOLD, float(lowest[min(int(most_doubtful * len(lowest)), len(lowest) - 1)]))
    calibration = Calibration(
        features=names,
        means=tuple(map(float, means)),
        scales=tuple(map(float, scales)),
        weights=tuple(map(float, weights)),
        bias=float(bias),
        threshold=threshold,
        acceptable=meaning,
        outputs=len(labels),
        calibration_error=error,
    )
    return Fit(calibration, confidences, labels, usual)


def reliability(confidences: NDArray[np.float64], acceptable: NDArray[np.bool_]) -> list[Bin]:
    """The outputs in `BINS` ranges of confidence of one width, lowest first; empty ranges are left out."""
    numbers = np.minimum((np.asarray(confidences) * BINS).astype(int), BINS - 1)
    found = []
    for number in range(BINS):
        inside = numbers == number
        if inside.any():
            found.append(Bin(int(inside.sum()), float(confidences[inside].mean()), float(acceptable[inside].mean())))
    return found


def expected_calibration_error(confidences: NDArray[np.float64], acceptable: NDArray[np.bool_]) -> float:
    """The mean difference, over all outputs, of confidence and share of acceptable ones in its range, 0 to 1.

    See Guo et al. (2017), "On calibration of modern neural networks", eq. 3.
    """
    bins = reliability(confidences, acceptable)
    total = sum(each.outputs for each in bins)
    return sum(each.outputs * abs(each.confidence - each.acceptable) for each in bins) / max(total, 1)


def _fit_weights(
    z: NDArray[np.float64], labels: NDArray[np.bool_], usual: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], float]:
    """The weights, (features,), none negative, and the bias.

    The weights are fitted on all outputs, and the bias then on the ordinary ones. Otherwise it would depend on how many
    spoiled ones there are, and the confidence of ordinary outputs would be too low on average.
    """
    kept = list(range(z.shape[1]))
    while True:
        fitted, bias = _newton(-z[:, kept], labels)
        if not (fitted < 0).any():
            break
        kept.pop(int(fitted.argmin()))
    weights = np.zeros(z.shape[1])
    weights[kept] = fitted
    if usual.any() and not usual.all():
        bias = _fit_bias(-z[usual] @ weights, labels[usual])
    return weights, bias


def _fit_bias(log_odds: NDArray[np.float64], labels: NDArray[np.bool_]) -> float:
    """What is added to the log-odds so that their mean probability is the share of acceptable outputs."""
    share = min(max(float(labels.mean()), 1e-3), 1 - 1e-3)
    low, high = -500.0, 500.0
    for _ in range(60):  # halving: the mean probability rises with the bias
        middle = (low + high) / 2
        low, high = (middle, high) if _sigmoid(log_odds + middle).mean() < share else (low, middle)
    return (low + high) / 2


def _newton(inputs: NDArray[np.float64], labels: NDArray[np.bool_]) -> tuple[NDArray[np.float64], float]:
    """Logistic regression without constraints: weights and bias."""
    design = np.column_stack([inputs, np.ones(len(inputs))])  # (outputs, features + 1)
    penalty = np.full(design.shape[1], _PENALTY)
    penalty[-1] = 1e-3  # the bias is hardly penalised: enough to stay finite where all labels of a fold are equal
    weights = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        probabilities = _sigmoid(design @ weights)
        gradient = design.T @ (labels - probabilities) - penalty * weights
        curvature = (design * (probabilities * (1 - probabilities))[:, None]).T @ design + np.diag(penalty)
        step = np.linalg.solve(curvature, gradient)
        step *= min(1.0, 5.0 / np.abs(step).max())  # a full step may overshoot where the labels are nearly separable
        weights += step
        if np.abs(step).max() < _TOLERANCE:
            break
    return weights[:-1], float(weights[-1])


def _sigmoid(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-np.clip(log_odds, -500, 500)))
