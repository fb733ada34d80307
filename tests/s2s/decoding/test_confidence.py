"""Confidence: a probability from features, reasons in words, and a file that may be a stranger's."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from s2s.config import to_dict
from s2s.decoding.confidence import LIMIT, Calibration, Judgement
from s2s.errors import UserError

CALIBRATION = Calibration(
    features=("surprise", "rarity", "echo"),
    means=(0.5, 0.0, 1.0),
    scales=(0.25, 1.0, 2.0),
    weights=(2.0, 1.0, 0.0),
    bias=3.0,
    threshold=0.5,
    acceptable="chrF of at least 35",
    outputs=100,
    calibration_error=0.02,
)
WORDS = {"surprise": "unlikely", "rarity": "rare words", "echo": "an echo"}
USUAL = {"surprise": 0.5, "rarity": 0.0, "echo": 1.0}


def test_usual_features_give_the_probability_of_the_bias() -> None:
    assert CALIBRATION.probability(USUAL) == pytest.approx(1 / (1 + math.exp(-3)))


def test_the_probability_is_that_of_logistic_regression() -> None:
    features = {"surprise": 1.0, "rarity": -1.0, "echo": 5.0, "of another calibration": 7.0}
    assert CALIBRATION.probability(features) == pytest.approx(1 / (1 + math.exp(-(3 - 2 * 2 + 1))))


@pytest.mark.parametrize("extreme", [math.inf, -math.inf, 1e300])
def test_one_extreme_feature_counts_up_to_the_limit(extreme: float) -> None:
    log_odds = 3 - math.copysign(LIMIT, extreme)
    assert CALIBRATION.probability({**USUAL, "rarity": extreme}) == pytest.approx(1 / (1 + math.exp(-log_odds)))


def test_an_output_below_the_threshold_is_doubtful() -> None:
    assert CALIBRATION.doubtful(0.49)
    assert not CALIBRATION.doubtful(0.5)


def test_reasons_name_what_lowers_the_confidence_most_first() -> None:
    assert CALIBRATION.reasons(USUAL, WORDS) == ()
    assert CALIBRATION.reasons({"surprise": 0.6, "rarity": 3.0, "echo": 99.0}, WORDS) == ("rare words", "unlikely")
    assert CALIBRATION.reasons({"surprise": 1.0, "rarity": 3.0, "echo": 99.0}, {"surprise": "unlikely"}) == (
        "unlikely",
    )


def test_features_with_the_same_words_are_one_reason() -> None:
    words = {"surprise": "odd", "rarity": "odd"}
    assert CALIBRATION.reasons({"surprise": 0.54, "rarity": 0.3, "echo": 1.0}, words) == ("odd",)


def test_a_judgement_has_all_three() -> None:
    judgement = CALIBRATION.judge({"surprise": 1.0, "rarity": 0.0, "echo": 1.0}, WORDS)
    assert judgement == Judgement(pytest.approx(1 / (1 + math.exp(1))), True, ("unlikely",))  # type: ignore[arg-type]


def test_a_sure_output_needs_no_reasons() -> None:
    features = {**USUAL, "rarity": 1.0}
    assert CALIBRATION.reasons(features, WORDS) == ("rare words",)
    assert CALIBRATION.judge(features, WORDS).reasons == ()


def test_a_doubtful_output_has_a_reason_even_if_it_is_small() -> None:
    doubting = replace(CALIBRATION, bias=-1.0)
    assert doubting.judge({**USUAL, "rarity": 0.1}, WORDS).reasons == ("rare words",)
    assert doubting.judge(USUAL, WORDS).reasons == ()


def test_a_file_is_read_as_it_was_written() -> None:
    assert Calibration.from_json(CALIBRATION.to_json(), "confidence.json") == CALIBRATION


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": [1.0, 1.0]}, "lists of one length"),
        ({"features": ["a", "a", "b"]}, "named twice"),
        ({"scales": [0.25, 0.0, 2.0]}, "scales"),
        ({"weights": [2.0, -1.0, 0.0]}, "weights"),
        ({"bias": 10**400}, "bias"),
        ({"bias": "high"}, "bias"),
        ({"threshold": 1.5}, "threshold"),
        ({"features": "abc"}, "features"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_stranger_s_file_is_checked(change: dict[str, Any], message: str) -> None:
    data = json.dumps({**to_dict(CALIBRATION), **change}).encode()
    with pytest.raises(UserError, match=rf"confidence\.json.*{message}"):
        Calibration.from_json(data, "confidence.json")


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"\xff", b"[" * 100_000, b" " * 2_000_000], ids=lambda data: repr(data[:4])
)
def test_what_is_no_calibration_is_an_error(data: bytes) -> None:
    with pytest.raises(UserError, match=re.escape("confidence.json: is")):
        Calibration.from_json(data, "confidence.json")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_only_finite_numbers_are_read(number: str) -> None:
    data = CALIBRATION.to_json().replace(b"3.0", number.encode())
    with pytest.raises(UserError, match=r"confidence\.json"):
        Calibration.from_json(data, "confidence.json")


def test_a_feature_of_another_version_is_named() -> None:
    CALIBRATION.check_features(["surprise", "rarity", "echo", "more"], "confidence.json")
    with pytest.raises(UserError, match=r"confidence\.json: its feature 'rarity, echo' is unknown"):
        CALIBRATION.check_features(["surprise"], "confidence.json")


def test_reading_needs_neither_torch_nor_numpy() -> None:
    code = "import sys, s2s.decoding.confidence; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
