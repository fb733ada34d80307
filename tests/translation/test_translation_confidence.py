"""Confidence of a translation: each feature rises with what it stands for, and a line is judged by its worst piece."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from s2s.decoding.confidence import Calibration
from s2s.decoding.search import Hypothesis
from translation.confidence import WORDS, features, judge
from translation.piece import Piece

PIECE = Piece("a man sleeps", [5, 6, 7], ["a", " man", " sleeps"])
SHARP = np.eye(4, dtype=np.float32)  # every token attends to one position, the last to END


def hypothesis(
    tokens: Sequence[int] = (8, 9, 10), mean: float = -0.1, attention: NDArray[np.float32] | None = SHARP
) -> Hypothesis:
    return Hypothesis(list(tokens), mean, mean * (len(tokens) + 1), attention, True)


USUAL = features(PIECE, hypothesis())


def test_a_sure_translation_that_looks_at_each_word_once_has_low_features() -> None:
    assert USUAL["surprise"] == pytest.approx(0.1)
    zero = ("spread", "uncovered", "unknown", "longer", "shorter", "repetition")
    assert [USUAL[name] for name in zero] == pytest.approx([0] * len(zero), abs=1e-6)
    assert USUAL["fragments"] == 1
    assert USUAL["brevity"] == pytest.approx(1 / 3)
    assert list(USUAL) == list(WORDS)


@pytest.mark.parametrize(
    ("name", "piece", "found"),
    [
        ("surprise", PIECE, hypothesis(mean=-1.0)),
        ("log_surprise", PIECE, hypothesis(mean=-1.0)),
        ("spread", PIECE, hypothesis(attention=np.full((4, 4), np.float32(0.25)))),
        ("uncovered", PIECE, hypothesis(attention=SHARP[[0, 0, 0, 3]])),
        ("fragments", replace(PIECE, text="a mansleeps"), hypothesis()),
        ("unknown", replace(PIECE, copies={1: "man"}), hypothesis()),
        ("brevity", replace(PIECE, ids=[5]), hypothesis()),
        ("longer", PIECE, hypothesis([8, 9, 10, 11, 12], attention=None)),
        ("shorter", PIECE, hypothesis([8], attention=None)),
        ("repetition", PIECE, hypothesis([8, 9, 8, 9], attention=None)),
    ],
)
def test_a_feature_rises_with_what_it_stands_for(name: str, piece: Piece, found: Hypothesis) -> None:
    assert features(piece, found)[name] > USUAL[name]


def test_the_score_s_length_penalty_and_padding_change_nothing() -> None:
    padded = np.pad(SHARP, ((0, 0), (0, 3)))
    assert features(PIECE, replace(hypothesis(attention=padded), score=-7.0)) == pytest.approx(USUAL)


def test_an_empty_translation_and_an_empty_source_have_features() -> None:
    empty = Hypothesis([], -0.5, -0.5, np.ones((1, 1), np.float32), True)
    found = features(Piece("", [], []), empty)
    assert np.isfinite(list(found.values())).all()
    assert np.isfinite(list(features(PIECE, Hypothesis([], -0.5, -0.5, None, False)).values())).all()


CALIBRATION = Calibration(("surprise",), (0.1,), (0.1,), (1.0,), 2.0, 0.5, "x", 100, 0.0)


def test_a_line_is_judged_by_its_worst_piece() -> None:
    good, bad = hypothesis(), hypothesis(mean=-0.4)
    alone = judge([PIECE], [[bad]], CALIBRATION)
    assert alone == judge([PIECE, PIECE, PIECE], [[good], [bad], [good]], CALIBRATION)
    assert alone
    assert (alone.doubtful, alone.reasons) == (True, (WORDS["surprise"],))


def test_a_copied_piece_without_words_is_not_judged() -> None:
    for text in ("1 + 2 = 3 ☃", "https://example.org/a", ""):
        assert judge([Piece(text, [], [])], [[]], CALIBRATION) is None
    assert judge([], [], CALIBRATION) is None
    signs = Piece("***", [], [])
    assert judge([signs, PIECE], [[], [hypothesis()]], CALIBRATION) == judge([PIECE], [[hypothesis()]], CALIBRATION)


def test_words_that_were_copied_because_nobody_can_read_them_are_doubtful() -> None:
    found = judge([Piece("他在公园里跑步。", [], []), PIECE], [[], [hypothesis()]], CALIBRATION)
    assert found is not None
    assert (found.confidence, found.doubtful) == (0, True)
    assert found.reasons == ("words in letters that the model does not know were copied",)
