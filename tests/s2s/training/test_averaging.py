"""Averages of weights: their values, their exchange with the model's own, and what is kept of them on the disk."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
import torch
from torch import nn

from s2s.errors import UserError
from s2s.training.averaging import Average
from s2s.training.configuration import AveragingConfig
from s2s.training.task import Validation

SCORES = [3.0, 9.0, 5.0, 7.0]  # BLEU after steps 1 to 4


class Tied(nn.Module):
    """Two names for one matrix, and a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(2, 2)
        self.projection = nn.Linear(2, 2)
        self.projection.weight = self.embedding.weight
        self.register_buffer("count", torch.zeros(()))

    def fill(self, value: float) -> None:
        """Set all weights."""
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.fill_(value)

    def values(self) -> set[float]:
        """All weights there are."""
        return {value for parameter in self.parameters() for value in parameter.flatten().tolist()}


def folders(path: Path) -> list[str]:
    return sorted(folder.name for folder in path.iterdir())


def keep_all(average: Average, model: Tied, *, higher_is_better: bool = True) -> None:
    """Validations after steps 1 to 4, whose weights all equal the step."""
    for step, score in enumerate(SCORES, start=1):
        model.fill(step)
        average.add_checkpoint(step, Validation(-score, {"figure": score}, "figure", higher_is_better))
        average.delete_old_checkpoints()


def test_a_running_average_follows_the_weights_warming_up(tmp_path: Path) -> None:
    model = Tied()
    model.fill(0)
    average = Average(AveragingConfig(decay=0.5), model, tmp_path)
    expected = 0.0
    for step in range(1, 21):
        model.fill(step)
        average.update(step)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * step
        with average.running_average():
            assert list(model.values()) == [pytest.approx(expected, rel=1e-6)]
            assert model.projection.weight is model.embedding.weight
        assert model.values() == {step}


def test_without_a_running_average_the_model_has_its_own_weights(tmp_path: Path) -> None:
    model = Tied()
    model.fill(1)
    average = Average(AveragingConfig(), model, tmp_path)
    model.fill(2)
    average.update(1)
    with average.running_average():
        assert model.values() == {2}
    assert not average.tensors()


def test_the_models_own_weights_come_back_after_a_failure(tmp_path: Path) -> None:
    model = Tied()
    model.fill(0)
    average = Average(AveragingConfig(decay=0.5), model, tmp_path)
    model.fill(4)

    def fail() -> None:
        with average.running_average():
            assert model.values() == {0}
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert model.values() == {4}


@pytest.mark.parametrize(
    ("choose", "higher_is_better", "steps"), [("last", True, [3, 4]), ("best", True, [2, 4]), ("best", False, [1, 3])]
)
def test_the_mean_is_that_of_the_last_or_the_best(
    choose: Literal["last", "best"], higher_is_better: bool, steps: list[int], tmp_path: Path
) -> None:
    model = Tied()
    average = Average(AveragingConfig(keep=2, choose=choose), model, tmp_path / "kept")
    assert average.checkpoints == []
    keep_all(average, model, higher_is_better=higher_is_better)
    assert len(average.checkpoints) == 2
    assert folders(tmp_path / "kept") == [f"step-{step}" for step in steps]
    with average.checkpoint_mean():
        assert model.values() == {sum(steps) / 2}
        assert model.projection.weight is model.embedding.weight
    assert model.values() == {4}


def test_of_equal_scores_the_later_is_the_better(tmp_path: Path) -> None:
    average = Average(AveragingConfig(keep=1, choose="best"), Tied(), tmp_path / "kept")
    for step in (1, 2):
        average.add_checkpoint(step, Validation(1.0, {"BLEU": 5.0}, "BLEU", higher_is_better=True))
    assert [checkpoint.step for checkpoint in average.checkpoints] == [2]


def test_scores_that_are_noise_rank_by_loss_below_all_others(tmp_path: Path) -> None:
    average = Average(AveragingConfig(keep=3, choose="best"), Tied(), tmp_path / "kept")
    for step, (loss, score, noise) in enumerate(
        [(3.0, 0.2, True), (2.0, 0.1, True), (4.0, 5.0, False), (5.0, 0.3, True)]
    ):
        average.add_checkpoint(step, Validation(loss, {"BLEU": score}, "BLEU", higher_is_better=True, noise=noise))
    assert [checkpoint.step for checkpoint in average.checkpoints] == [0, 1, 2]


def test_nothing_is_kept_unless_asked_for(tmp_path: Path) -> None:
    model = Tied()
    average = Average(AveragingConfig(decay=0.5), model, tmp_path / "kept")
    keep_all(average, model)
    assert average.record() == []
    assert not (tmp_path / "kept").exists()


def test_what_is_no_longer_kept_stays_until_it_may_go(tmp_path: Path) -> None:
    """A state saved before may still name it."""
    average = Average(AveragingConfig(keep=1), Tied(), tmp_path / "kept")
    for step in (1, 2):
        average.add_checkpoint(step, Validation(1.0, {"BLEU": 5.0}, "BLEU", higher_is_better=True))
    assert folders(tmp_path / "kept") == ["step-1", "step-2"]
    average.delete_old_checkpoints()
    assert folders(tmp_path / "kept") == ["step-2"]


def test_a_restored_average_goes_on_exactly(tmp_path: Path) -> None:
    config = AveragingConfig(decay=0.9, keep=2)
    model, other = Tied(), Tied()
    average = Average(config, model, tmp_path / "kept")
    average.update(1)
    keep_all(average, model)
    average.update(2)
    resumed = Average(config, other, tmp_path / "kept")
    resumed.restore({name: tensor.clone() for name, tensor in average.tensors().items()}, average.record())
    assert resumed.checkpoints == average.checkpoints
    for each, weights in ((average, model), (resumed, other)):
        weights.fill(5)
        each.update(3)
    with average.running_average(), resumed.running_average():
        assert all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters()))
    with resumed.checkpoint_mean():
        assert other.values() == {3.5}


def test_kept_weights_that_are_gone_are_named(tmp_path: Path) -> None:
    model = Tied()
    average = Average(AveragingConfig(keep=2), model, tmp_path / "kept")
    keep_all(average, model)
    (tmp_path / "kept" / "step-3").rename(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="step-3"), average.checkpoint_mean():
        pass
