"""What a training shows: figures that are means, times that are true, a bar on a terminal alone."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Sequence
from types import SimpleNamespace

import pytest
import torch

from s2s.training import progress as module
from s2s.training.progress import Means, Progress, duration
from s2s.training.task import Loss


class Clock:
    """Time as a test wants it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=clock.monotonic))
    return clock


def loss(total: float, weight: float = 1.0, size: int = 100) -> Loss:
    return Loss(torch.tensor(total), weight, size, {"train_loss": torch.tensor(total)})


def take(progress: Progress, means: Means, losses: Sequence[Loss]) -> None:
    """What the trainer does after a step."""
    for each in losses:
        means.add(each)
    progress.step(losses, 1e-3, torch.tensor(0.25), epoch=2)


def test_means_are_over_all_the_weight() -> None:
    means = Means()
    assert means.read() == {}
    means.add(loss(6.0, weight=2))
    means.add(loss(2.0, weight=6))
    assert means.read() == {"train_loss": 1.0}
    means.clear()
    means.add(loss(3.0, weight=1))
    assert means.read() == {"train_loss": 3.0}


def test_means_go_on_from_a_record_bit_for_bit() -> None:
    whole, stopped, resumed = Means(), Means(), Means()
    losses = [loss(0.1 + i / 3, weight=1 + i) for i in range(20)]
    for each in losses:
        whole.add(each)
    for each in losses[:7]:
        stopped.add(each)
    resumed.restore(json.loads(json.dumps(stopped.record())))
    for each in losses[7:]:
        resumed.add(each)
    assert resumed.read() == whole.read()
    assert resumed.record() == whole.record()


def test_a_plain_log_has_a_line_now_and_then(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    means = Means()
    with Progress(means, 10, 20, unit="tokens", seconds=30) as progress:
        for _ in range(5):
            clock.now += 14
            take(progress, means, [loss(6.0, weight=2), loss(2.0, weight=2, size=180)])
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (  # after 42 s, and 28 s more are not enough for a second line
        "step 13 of 20, epoch 2, train loss 2.000, rate 1.0e-03, 20 tokens/s, 98 s left, gradient 0.25\n"
    )


def test_the_speed_is_that_of_training_alone(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    """The time left, however, knows that validations take time."""
    means = Means()
    with Progress(means, 0, 20, unit="characters", seconds=10) as progress:
        for validation in (200, 0):
            for _ in range(5):
                clock.now += 2
                take(progress, means, [loss(1.0)])
            clock.now += validation
            progress.say("validated")
    first, said, second, _ = capsys.readouterr().err.splitlines()
    assert said == "validated"
    assert first.startswith("step 5 of 20")
    assert "50 characters/s, 30 s left" in first
    assert second.startswith("step 10 of 20")
    assert "50 characters/s, 4 min left" in second


def test_more_steps_than_expected_are_no_mistake(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    means = Means()
    with Progress(means, 0, 1, unit="tokens", seconds=0) as progress:
        for _ in range(2):
            clock.now += 1
            take(progress, means, [loss(1.0)])
    assert capsys.readouterr().err.splitlines()[1].startswith("step 2 of 2,")


@pytest.mark.oldest
def test_on_a_terminal_there_is_a_bar(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal, means = Terminal(), Means()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "120")
    with Progress(means, 0, 4, unit="pictures") as progress:
        clock.now += 2
        take(progress, means, [loss(2.0)])
        assert " 25%|" in terminal.getvalue()
        assert "epoch 2, train loss 2.000, rate 1.0e-03, 50 pictures/s, 6 s left, gradient 0.25" in terminal.getvalue()
        progress.say("a line that stays")
        take(progress, means, [loss(2.0)])
    assert "a line that stays\n" in terminal.getvalue()
    assert " 50%|" in terminal.getvalue().splitlines()[-1]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (99, "99 s"), (120, "2 min"), (5400, "90 min"), (11100, "3 h 05 min")]
)
def test_durations_are_told_as_people_tell_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text
