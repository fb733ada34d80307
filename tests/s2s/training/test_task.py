"""What a task returns: validations that always have a loss, and a state that can be copied."""

from __future__ import annotations

from math import nan

import pytest
import torch

from s2s.training.task import Mark, TaskState, Validation


@pytest.mark.parametrize(
    ("value", "best", "higher", "lower"),
    [
        (1.0, None, True, True),
        (2.0, 1.0, True, False),
        (1.0, 2.0, False, True),
        (1.0, 1.0, False, False),
        (1.0, nan, True, True),  # a first figure that is no number must not stay the best for ever
        (nan, 1.0, False, False),
    ],
)
def test_a_figure_beats_another(value: float, best: float | None, higher: bool, lower: bool) -> None:
    before = None if best is None else Mark(best)
    assert Validation(5.0, {"score": value}, "score", higher_is_better=True).beats(before) == higher
    assert Validation(5.0, {"score": value}, "score", higher_is_better=False).beats(before) == lower
    assert Validation(value, {"score": 5.0}, "score", higher_is_better=True).by_loss().beats(before) == lower


@pytest.mark.parametrize(
    ("loss", "noise", "best", "better"),
    [
        (5.0, True, None, True),
        (5.0, True, Mark(0.9, loss=6.0), True),
        (5.0, True, Mark(0.1, loss=4.0), False),
        (5.0, True, Mark(0.1, loss=nan), True),
        (nan, True, Mark(0.1, loss=4.0), False),
        (1.0, True, Mark(0.1), False),  # that score tells something
        (9.0, False, Mark(0.9, loss=1.0), True),
        (9.0, False, Mark(0.1), True),
        (1.0, False, Mark(0.9), False),
    ],
)
def test_the_loss_decides_between_scores_that_are_noise(
    loss: float, noise: bool, best: Mark | None, better: bool
) -> None:
    validation = Validation(loss, {"BLEU": 0.5}, "BLEU", higher_is_better=True, noise=noise)
    assert validation.beats(best) == better
    assert validation.mark == Mark(0.5, loss if noise else None) or loss != loss
    assert not validation.by_loss().noise


def test_a_loss_alone_is_a_validation() -> None:
    validation = Validation(0.5)
    assert (validation.figures, validation.primary, validation.value) == ({"loss": 0.5}, "loss", 0.5)
    assert validation.beats(Mark(0.6))
    assert not validation.beats(Mark(0.4))
    assert validation.by_loss() == validation


def test_the_loss_comes_first_among_the_figures() -> None:
    validation = Validation(0.5, {"BLEU": 30.0, "chrF": 60.0}, "BLEU", higher_is_better=True)
    assert list(validation.figures.items()) == [("loss", 0.5), ("BLEU", 30.0), ("chrF", 60.0)]
    assert validation.value == 30.0
    assert validation.by_loss().value == 0.5


def test_the_figure_that_chooses_the_best_model_must_exist() -> None:
    with pytest.raises(ValueError, match="`primary` is 'BLEU', which is none of the figures loss, chrF"):
        Validation(0.5, {"chrF": 60.0}, "BLEU")


def test_there_is_one_loss() -> None:
    with pytest.raises(ValueError, match="leave it out of `scores`"):
        Validation(0.5, {"loss": 0.4})


def test_a_validation_without_a_loss_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'loss'"):
        Validation(scores={"BLEU": 30.0}, primary="BLEU")  # type: ignore[call-arg]


def test_a_copied_state_does_not_change_with_the_original() -> None:
    hidden, seen = torch.zeros(2, requires_grad=True), {"lines": [1]}
    copied = TaskState({"hidden": hidden}, seen).copy()
    with torch.no_grad():
        hidden += 1
    seen["lines"].append(2)
    assert copied.tensors["hidden"].tolist() == [0, 0]
    assert not copied.tensors["hidden"].requires_grad
    assert copied.values == {"lines": [1]}
