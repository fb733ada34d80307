"""TensorBoard's own reader sees the figures of the log, as one curve, however often the run was resumed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from s2s.extras import missing_extra
from s2s.storage.run_directory import RunDirectory
from s2s.training.events import FOLDER, EventLog, check_tensorboard

ENTRIES = [
    {"step": 10 * e, "epoch": e, "train_loss": 3 / e, "loss": 4 / e, "rate": 0.1, "seconds": e} for e in range(1, 6)
]


def curves(run: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard shows of a run."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run / FOLDER))
    events.Reload()
    return {tag: [(each.step, each.value) for each in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def log(run: RunDirectory, events: EventLog | None, *entries: dict) -> None:
    for entry in entries:
        run.append_log(entry)
        if events:
            events(entry)


@pytest.mark.oldest
def test_a_resumed_run_goes_on_in_the_same_curves(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with RunDirectory.create(path, "") as run:
        log(run, EventLog(run), *ENTRIES[:3])
    assert curves(path)["loss"] == [(10, 4.0), (20, 2.0), (30, pytest.approx(4 / 3))]
    (path / "last").mkdir()
    with RunDirectory.resume(path) as run:
        run.cut_log(20)  # the state was saved before the third entry
        log(run, EventLog(run), {**ENTRIES[2], "loss": 1.0}, *ENTRIES[3:])
    found = curves(path)
    assert found["loss"] == [(10, 4.0), (20, 2.0), (30, 1.0), (40, 1.0), (50, pytest.approx(0.8))]
    assert [step for step, _ in found["rate"]] == [10, 20, 30, 40, 50]
    assert set(found) == {"train_loss", "loss", "rate"}


def test_a_run_that_began_without_events_gets_all(tmp_path: Path) -> None:
    with RunDirectory.create(tmp_path / "run", "") as run:
        log(run, None, *ENTRIES[:2])
        log(run, EventLog(run), ENTRIES[2])
    assert [step for step, _ in curves(tmp_path / "run")["train_loss"]] == [10, 20, 30]


def test_the_mean_of_checkpoints_is_no_point_of_the_curve(tmp_path: Path) -> None:
    with RunDirectory.create(tmp_path / "run", "") as run:
        log(run, EventLog(run), *ENTRIES[:2], {"step": 20, "epoch": 2, "mean_of": 2, "loss": 1.5, "seconds": 3})
    found = curves(tmp_path / "run")
    assert found["loss"] == [(10, 4.0), (20, 2.0)]
    assert found["mean of checkpoints/loss"] == [(20, 1.5)]


def test_without_tensorboard_the_command_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    check_tensorboard()
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(ModuleNotFoundError) as error:
        check_tensorboard()
    advice = missing_extra(error.value, "s2s train translation")
    assert advice.startswith("s2s train translation needs tensorboard, which is not installed; run: pip install ")
    assert "s2s-attention[tensorboard]" in advice
