"""Calibrating: the fit finds what made outputs acceptable, and is judged on outputs that it has not seen."""

from __future__ import annotations

import numpy as np
import pytest

from s2s.decoding.calibrating import expected_calibration_error, fit, reliability
from s2s.errors import UserError


def drawn(outputs: int, seed: int = 0) -> tuple[list[dict[str, float]], list[bool], np.ndarray]:
    """Outputs whose true log-odds are 1 - 2 * bad; `noise` says nothing, and `good` is higher the better."""
    generator = np.random.default_rng(seed)
    bad, noise = generator.normal(size=(2, outputs))
    probabilities = 1 / (1 + np.exp(-(1 - 2 * bad)))
    features = [{"bad": b, "noise": n, "good": 3 - b, "constant": 0.0} for b, n in zip(bad.tolist(), noise.tolist())]
    return features, (generator.random(outputs) < probabilities).tolist(), probabilities


def test_the_fit_finds_the_probabilities_that_the_outputs_were_drawn_with() -> None:
    features, acceptable, _ = drawn(4000)
    found = fit(features, acceptable, meaning="drawn").calibration
    others, _, probabilities = drawn(500, seed=1)
    confidences = [found.probability(each) for each in others]
    assert np.abs(np.array(confidences) - probabilities).mean() < 0.02
    assert (found.outputs, found.acceptable) == (4000, "drawn")
    assert found.calibration_error < 0.04


def test_a_feature_that_is_higher_the_better_has_no_weight() -> None:
    features, acceptable, _ = drawn(1000)
    found = fit(features, acceptable, meaning="drawn").calibration
    weights = dict(zip(found.features, found.weights))
    assert weights["bad"] > 1
    assert weights["good"] == weights["constant"] == 0
    assert min(weights.values()) >= 0


def test_confidences_are_cross_fitted() -> None:
    """The confidence of an output does not depend on whether it is acceptable itself."""
    features, acceptable, _ = drawn(200)
    found = fit(features, acceptable, meaning="drawn")
    other = fit(features, [not acceptable[0], *acceptable[1:]], meaning="drawn")
    assert other.confidences[0] == found.confidences[0]
    assert other.confidences[1] != found.confidences[1]
    assert other.calibration != found.calibration


def test_outputs_of_one_group_are_in_one_fold() -> None:
    """Every output has a double: if the double were used for its fit, the confidence would give its label away."""
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(40, 20)).tolist()
    acceptable = (generator.random(40) < 0.5).tolist()
    features = [dict(zip("abcdefghijklmnopqrst", row)) for row in rows + rows]
    found = fit(features, acceptable * 2, meaning="chance", groups=list(range(40)) * 2)
    assert found.confidences[:40] == pytest.approx(found.confidences[40:])


def test_the_means_and_the_error_are_those_of_ordinary_outputs() -> None:
    features, acceptable, _ = drawn(1000)
    spoiled = [{**each, "bad": each["bad"] + 5} for each in features]
    found = fit(
        features + spoiled, acceptable + [False] * 1000, meaning="drawn", ordinary=[True] * 1000 + [False] * 1000
    )
    bad = dict(zip(found.calibration.features, found.calibration.means))["bad"]
    assert bad == pytest.approx(np.mean([each["bad"] for each in features]))
    error = expected_calibration_error(found.confidences[:1000], found.acceptable[:1000])
    assert found.calibration.calibration_error == pytest.approx(error)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.1])
def test_no_more_ordinary_outputs_are_doubtful_than_asked_for(share: float) -> None:
    features, acceptable, _ = drawn(1000)
    found = fit(features, acceptable, meaning="drawn", most_doubtful=share)
    assert (found.confidences < found.calibration.threshold).mean() == pytest.approx(share)
    assert fit(features, acceptable, meaning="drawn").calibration.threshold == 0.5


@pytest.mark.parametrize(
    ("outputs", "label", "message"), [(10, True, "fewer than 20"), (30, True, "all of the 30"), (30, False, "none of")]
)
def test_what_nothing_can_be_learned_from_is_an_error(outputs: int, label: bool, message: str) -> None:
    with pytest.raises(UserError, match=message):
        fit([{"bad": 1.0}] * outputs, [label] * outputs, meaning="x")


def test_outputs_that_a_feature_separates_give_finite_weights() -> None:
    features = [{"bad": float(i)} for i in range(100)]
    found = fit(features, [i < 50 for i in range(100)], meaning="low")
    assert found.calibration.probability({"bad": 0.0}) > 0.95
    assert found.calibration.probability({"bad": 99.0}) < 0.05


def test_the_expected_calibration_error_of_an_example() -> None:
    confidences = np.array([0.05, 0.05, 0.85, 0.85, 1.0])
    acceptable = np.array([False, True, True, True, True])
    bins = reliability(confidences, acceptable)
    assert [each.outputs for each in bins] == [2, 2, 1]
    assert [each.confidence for each in bins] == pytest.approx([0.05, 0.85, 1.0])
    assert [each.acceptable for each in bins] == [0.5, 1.0, 1.0]
    assert expected_calibration_error(confidences, acceptable) == pytest.approx((2 * 0.45 + 2 * 0.15 + 0) / 5)


@pytest.mark.parametrize("spoiled", [100, 1000])
def test_the_confidence_of_ordinary_outputs_is_right_on_average_however_many_are_spoiled(spoiled: int) -> None:
    """Spoiled outputs that are worse than their features say would else make all others look worse."""
    features, acceptable, _ = drawn(1000)
    count = len(features)
    labels, ordinary = [*acceptable, *[False] * spoiled], [True] * count + [False] * spoiled
    found = fit([*features, *features[:spoiled]], labels, meaning="drawn", ordinary=ordinary)
    assert found.confidences[:count].mean() == pytest.approx(np.mean(acceptable), abs=0.01)
