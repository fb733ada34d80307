"""The trainer on a task of a few milliseconds: it stops anywhere and goes on as if it had not."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from s2s.errors import Terminated, UserError
from s2s.storage.model_directory import read_model, write_model
from s2s.storage.run_directory import RunDirectory
from s2s.storage.training_state import read_state, write_state
from s2s.training import state as state_module
from s2s.training import trainer as trainer_module
from s2s.training.configuration import AveragingConfig, OptimiserConfig, ScheduleConfig, TrainingConfig
from s2s.training.progress import Progress
from s2s.training.signals import StepSignals
from s2s.training.state import Position
from s2s.training.task import Loss, Mark, Task, TaskState, Validation
from s2s.training.trainer import Trainer

BATCHES = 7  # of an epoch: with two to a step, the last step has one
CONFIG = TrainingConfig(
    epochs=4,
    precision="float32",
    accumulate=2,
    save_every=3,
    optimiser=OptimiserConfig(learning_rate=0.03),
    schedule=ScheduleConfig("plateau", warmup_steps=3, patience=1),
    averaging=AveragingConfig(decay=0.5, keep=2),
)
STEPS = 4  # of an epoch


class Killed(BaseException):
    """Stands for a SIGKILL: nothing of ours catches it, so nothing is saved on its account."""


class Network(nn.Module):
    """All that a state must hold: weights, tied ones, buffers that training changes; and random numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Dropout(0.3), nn.Linear(6, 1))
        self.alias = self.layers[0]

    def forward(self, inputs: Tensor) -> Tensor:
        return self.layers(inputs).squeeze(1)


class Regression(Task[tuple[Tensor, Tensor]]):
    """Learns a function of 27 points. `before` is called before each batch is made, with its place in the training."""

    unit = "rows"

    def __init__(self, before: Callable[[int, int], None] = lambda epoch, position: None) -> None:
        self.before = before
        self.poison: Callable[[Tensor], Tensor] = lambda total: total
        self.validations, self.rehearsed = 0, False
        generator = torch.Generator().manual_seed(0)
        self.inputs = torch.randn(40, 3, generator=generator)
        self.outputs = self.inputs.prod(1) + 0.1 * torch.randn(40, generator=generator)

    def plan(self, epoch: int) -> list[list[int]]:
        order = torch.randperm(27, generator=torch.Generator().manual_seed(epoch)).tolist()
        return [order[first : first + 4] for first in range(0, 27, 4)]

    def longest(self) -> list[int]:
        return [0, 1, 2, 3]

    def batch(self, epoch: int, position: int, examples: Sequence[int]) -> tuple[Tensor, Tensor]:
        self.before(epoch, position)
        return self.inputs[examples], self.outputs[examples]

    def loss(self, model: nn.Module, batch: tuple[Tensor, Tensor]) -> Loss:
        inputs, outputs = batch
        total = self.poison((model(inputs) - outputs).square().sum())
        return Loss(total, len(outputs), len(outputs), {"train_loss": total.detach()})

    def validate(self, model: nn.Module) -> Validation:
        self.validations += 1
        torch.rand(self.validations)
        return Validation((model(self.inputs[27:]) - self.outputs[27:]).square().mean().item())

    def rehearse(self, model: nn.Module) -> None:
        self.rehearsed = True
        torch.rand(1)
        model(self.inputs[27:31])

    def whereabouts(self, examples: Sequence[int]) -> str:
        return f"rows {', '.join(map(str, sorted(examples)))}"

    def save(self, model: nn.Module, directory: Path, about: Mapping[str, Any]) -> None:
        write_model(directory, kind="regression", config={}, tensors=model.state_dict(), about=about)


class Carrying(Regression):
    """Carries a vector from batch to batch, as a language model does its hidden state; each epoch starts from zeros."""

    def __init__(self, before: Callable[[int, int], None] = lambda epoch, position: None) -> None:
        super().__init__(before)
        self.hidden: Tensor | None = None
        self.batches = 0

    def batch(self, epoch: int, position: int, examples: Sequence[int]) -> tuple[Tensor, Tensor]:
        inputs, outputs = super().batch(epoch, position, examples)
        if position == 0 or self.hidden is None:
            self.hidden = torch.zeros(3)
        return inputs + self.hidden, outputs

    def loss(self, model: nn.Module, batch: tuple[Tensor, Tensor]) -> Loss:
        self.batches += 1
        self.hidden = (0.7 * batch[0].mean(0) + 0.01 * self.batches).tanh()
        return super().loss(model, batch)

    def state(self) -> TaskState:
        return TaskState({} if self.hidden is None else {"hidden": self.hidden}, {"batches": self.batches})

    def restore(self, state: TaskState) -> None:
        self.hidden, self.batches = state.tensors.get("hidden"), state.values.get("batches", 0)


def trainer_of(
    run: RunDirectory,
    task: Regression | None = None,
    config: TrainingConfig = CONFIG,
    data: str = "rows",
    start: str | None = None,
    files: dict[str, str] | None = None,
) -> Trainer:
    torch.manual_seed(1)
    about = {"data": data, "start": start, "files": files}
    return Trainer(task or Regression(), Network(), config, run, about)


def train(path: Path, task: Regression | None = None, config: TrainingConfig = CONFIG) -> Position:
    """Start the run at `path`, or go on with it."""
    started = (path / "recipe.toml").exists()
    with RunDirectory.resume(path) if started else RunDirectory.create(path, "") as run:
        return trainer_of(run, task, config).train()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for the disk: nobody cuts the power here."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


def log_of(path: Path) -> list[dict[str, Any]]:
    """The log without what the clock says."""
    entries = [json.loads(line) for line in (path / "log.jsonl").read_text().splitlines()]
    return [{key: value for key, value in entry.items() if key != "seconds"} for entry in entries]


def record_of(path: Path) -> dict[str, Any]:
    """The record of the state without what the clock says."""
    record = read_state(path / "last")[1]
    return {**record, "position": {**record["position"], "seconds": 0}}


def assert_equal_weights(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    assert [name for name in one if not torch.equal(one[name], other[name])] == []


def assert_equal_runs(one: Path, other: Path) -> None:
    """All that two runs leave is the same, bit for bit."""
    assert_equal_weights(read_state(one / "last")[0], read_state(other / "last")[0])
    assert record_of(one) == record_of(other)
    assert log_of(one) == log_of(other)
    assert_equal_weights(read_model(one / "best").tensors, read_model(other / "best").tensors)
    assert read_model(one / "best").about == read_model(other / "best").about
    for folder in (one / "kept").iterdir():
        assert_equal_weights(read_state(folder)[0], read_state(other / "kept" / folder.name)[0])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing interrupted."""
    path = tmp_path_factory.mktemp("whole") / "run"
    position = train(path)
    assert (position.step, position.epoch) == (4 * STEPS, 4)
    record = record_of(path)
    assert record["schedule"]["reductions"] > 0, "the plateau schedule has nothing to remember"
    assert len(record["kept"]) == 2
    return path


# ------------------------------------------------------------------------------------------------------- stopping


@pytest.mark.parametrize("batch", range(1, 4 * BATCHES))
def test_killed_before_any_batch_it_goes_on_as_if_nothing_had_been(batch: int, whole: Path, tmp_path: Path) -> None:
    def before(epoch: int, position: int) -> None:
        if (epoch, position) == divmod(batch, BATCHES):
            raise Killed

    config = replace(CONFIG, save_every=(1, 3, 100)[batch % 3])
    with pytest.raises(Killed):
        train(tmp_path / "run", Regression(before), config)
    train(tmp_path / "run", config=config)
    assert_equal_runs(tmp_path / "run", whole)


@pytest.mark.parametrize(
    ("place", "call", "late"),
    [
        ("rehearse", 1, False),
        *(("validate", call, False) for call in (2, 5)),  # in an epoch, of the mean
        *(("save", call, late) for call in (1, 2, 4) for late in (False, True)),
        *(("append_log", call, late) for call in (1, 4, 5) for late in (False, True)),
        *(("write_state", call, True) for call in (1, 3, 4, 5)),  # of the rehearsal, before and after a validation
    ],
)
def test_killed_around_a_validation_it_goes_on_as_if_nothing_had_been(
    place: str, call: int, late: bool, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The calls of `save` and `write_state` count the rehearsal's; `late` is after the work, before anything else."""
    calls = 0

    def dying(work: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call and not late:
            raise Killed
        result = work(*arguments, **options)
        if calls == call:
            raise Killed
        return result

    owner = {"append_log": RunDirectory, "write_state": state_module}.get(place, Regression)
    original = getattr(owner, place)
    if owner is state_module:
        monkeypatch.setattr(owner, place, partial(dying, original))
    else:
        monkeypatch.setattr(owner, place, lambda self, *a, **o: dying(partial(original, self), *a, **o))
    with pytest.raises(Killed):
        train(tmp_path / "run")
    monkeypatch.undo()
    train(tmp_path / "run")
    assert_equal_runs(tmp_path / "run", whole)


@pytest.fixture(scope="module")
def whole_carrying(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a task that carries a state from batch to batch, which nothing interrupted."""
    path = tmp_path_factory.mktemp("whole") / "run"
    task = Carrying()
    train(path, task)
    assert task.batches == 4 * BATCHES, "the rehearsal's batch counts"
    tensors, record = read_state(path / "last")
    assert task.hidden is not None
    assert torch.equal(tensors["task/hidden"], task.hidden)
    assert record["task"] == {"batches": 4 * BATCHES}
    return path


@pytest.mark.parametrize("batch", [1, 2, 9, 2 * BATCHES, 2 * BATCHES + 5])
def test_what_a_task_carries_from_batch_to_batch_is_resumed_exactly(
    batch: int, whole_carrying: Path, tmp_path: Path
) -> None:
    def before(epoch: int, position: int) -> None:
        if (epoch, position) == divmod(batch, BATCHES):
            raise Killed

    config = replace(CONFIG, save_every=(1, 3)[batch % 2])
    with pytest.raises(Killed):
        train(tmp_path / "run", Carrying(before), config)
    train(tmp_path / "run", Carrying(), config)
    assert_equal_runs(tmp_path / "run", whole_carrying)


def test_the_carried_state_matters(whole_carrying: Path, tmp_path: Path) -> None:
    """Else the test above would show nothing: without it another training comes of the same stop."""

    class Forgetful(Carrying):
        def restore(self, state: TaskState) -> None:
            super().restore(TaskState())

    def before(epoch: int, position: int) -> None:
        if (epoch, position) == (1, 2):
            raise Killed

    config = replace(CONFIG, save_every=1)
    with pytest.raises(Killed):
        train(tmp_path / "run", Carrying(before), config)
    train(tmp_path / "run", Forgetful(), config)
    assert log_of(tmp_path / "run") != log_of(whole_carrying)


def test_a_run_that_has_ended_does_not_go_on(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {file: file.stat().st_mtime_ns for file in whole.rglob("*") if file.is_file() and file.name != "lock"}
    position = train(whole)
    assert position.step == 4 * STEPS
    assert all(file.stat().st_mtime_ns == time for file, time in before.items())
    assert (
        "this run has already finished: 4 epochs of 4; to train for longer, raise training.epochs"
        in capsys.readouterr().err
    )


@pytest.mark.parametrize(("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)])
@pytest.mark.parametrize("batch", [0, 3, 2 * BATCHES - 1, 4 * BATCHES - 1])
def test_a_signal_ends_the_step_saves_and_leaves(
    batch: int, number: signal.Signals, error: type[BaseException], whole: Path, tmp_path: Path
) -> None:
    armed = True

    def before(epoch: int, position: int) -> None:
        nonlocal armed
        if armed and task.rehearsed and (epoch, position) == divmod(batch, BATCHES):
            armed = False
            os.kill(os.getpid(), number)

    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    task = Regression(before)
    config = replace(CONFIG, save_every=100)
    with pytest.raises(error):
        train(tmp_path / "run", task, config)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers
    epoch, position = divmod(batch, BATCHES)
    assert record_of(tmp_path / "run")["position"]["step"] == epoch * STEPS + position // 2 + 1
    train(tmp_path / "run", config=config)
    assert_equal_runs(tmp_path / "run", whole)


def test_a_signal_in_the_last_moment_of_an_epoch_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes when the state has been saved and the last look at signals is over."""

    def too_early(signals: StepSignals) -> None:
        raise_received(signals)
        signal.raise_signal(signal.SIGINT)

    raise_received = StepSignals.raise_received
    monkeypatch.setattr(StepSignals, "raise_received", too_early)
    task = Regression()
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "run", task, replace(CONFIG, save_every=100))
    assert task.validations == 0


def test_a_second_signal_does_not_wait(tmp_path: Path) -> None:
    def before(epoch: int, position: int) -> None:
        if (epoch, position) == (0, 2):
            os.kill(os.getpid(), signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "run", Regression(before))
    assert record_of(tmp_path / "run")["position"]["step"] == 0


def test_a_validation_does_not_make_a_signal_wait(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(task: Regression, model: nn.Module) -> Validation:
        signal.raise_signal(signal.SIGINT)
        return validate(task, model)

    validate = Regression.validate
    monkeypatch.setattr(Regression, "validate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "run")
    assert record_of(tmp_path / "run")["position"]["step"] == STEPS
    monkeypatch.undo()
    train(tmp_path / "run")
    assert_equal_runs(tmp_path / "run", whole)


# --------------------------------------------------------------------------------------------------------- running


def test_neither_validation_nor_saving_nor_showing_changes_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = replace(CONFIG, schedule=ScheduleConfig("constant", warmup_steps=3), averaging=AveragingConfig(decay=0.5))
    train(tmp_path / "quiet", config=config)
    assert "rows/s" not in capsys.readouterr().err
    monkeypatch.setattr(trainer_module, "Progress", partial(Progress, seconds=0))
    train(tmp_path / "loud", config=replace(config, validate_every=3, save_every=1))
    assert capsys.readouterr().err.count("rows/s") == 4 * STEPS
    one, other = (read_state(tmp_path / name / "last")[0] for name in ("quiet", "loud"))
    assert_equal_weights(one, other)
    quiet, loud = log_of(tmp_path / "quiet"), log_of(tmp_path / "loud")
    assert [entry["step"] for entry in quiet] == [4, 8, 12, 16]
    assert [entry["step"] for entry in loud] == [12, 16]
    assert [entry["loss"] for entry in loud] == [quiet[2]["loss"], quiet[3]["loss"]]
    assert loud[0]["train_loss"] == pytest.approx(sum(entry["train_loss"] for entry in quiet[:3]) / 3)


def test_the_seed_changes_training(tmp_path: Path, whole: Path) -> None:
    train(tmp_path / "run", config=replace(CONFIG, seed=2))
    assert log_of(tmp_path / "run") != log_of(whole)


def test_accumulated_batches_are_one_large_batch(tmp_path: Path) -> None:
    class Plain(Regression):
        """Whose loss of a batch is the sum of its rows', and whose batches can be of any size."""

        size = 4

        def plan(self, epoch: int) -> list[list[int]]:
            order = [example for batch in super().plan(epoch) for example in batch]
            return [order[first : first + self.size] for first in range(0, 27, self.size)]

        def loss(self, model: nn.Module, batch: tuple[Tensor, Tensor]) -> Loss:
            return super().loss(model.eval(), batch)

    config = replace(CONFIG, epochs=1, averaging=AveragingConfig())
    train(tmp_path / "four", Plain(), config)
    large = Plain()
    large.size = 8
    train(tmp_path / "eight", large, replace(config, accumulate=1))
    one, other = (read_state(tmp_path / name / "last")[0] for name in ("four", "eight"))
    for name in one:
        torch.testing.assert_close(one[name], other[name])


def test_epochs_may_be_raised(tmp_path: Path) -> None:
    config = replace(CONFIG, schedule=ScheduleConfig("constant"), averaging=AveragingConfig())
    train(tmp_path / "run", config=replace(config, epochs=2))
    train(tmp_path / "run", config=config)
    train(tmp_path / "whole", config=config)
    assert_equal_weights(read_state(tmp_path / "run" / "last")[0], read_state(tmp_path / "whole" / "last")[0])
    assert log_of(tmp_path / "run") == log_of(tmp_path / "whole")


def test_other_data_is_refused(tmp_path: Path) -> None:
    with RunDirectory.create(tmp_path, "") as run:
        trainer_of(run, config=replace(CONFIG, epochs=1)).train()
        with pytest.raises(
            UserError, match="the data or its preparation has changed since this run was started: restore the old files"
        ):
            trainer_of(run, data="other rows").train()


def test_a_file_that_has_changed_is_named(tmp_path: Path) -> None:
    once = replace(CONFIG, epochs=1)
    with RunDirectory.create(tmp_path, "") as run:
        trainer_of(run, config=once, files={"train.en": "1", "val.en": "2"}).train()
        with pytest.raises(UserError, match=r"the data \(val.en\) has changed since this run was started"):
            trainer_of(run, data="other rows", files={"train.en": "1", "val.en": "3"}).train()


def test_another_model_to_go_on_from_is_refused_by_its_name(tmp_path: Path) -> None:
    """Its vocabularies make the data other, too."""
    once = replace(CONFIG, epochs=1)
    with RunDirectory.create(tmp_path, "") as run:
        trainer_of(run, config=once, start="model").train()
        with pytest.raises(UserError, match="the model in the recipe's start has changed since this run was started"):
            trainer_of(run, data="other rows", start="other model").train()


def test_a_state_of_the_first_version_is_resumed(tmp_path: Path) -> None:
    """It says nothing of the start, of the machine, of the task, of files and of operators."""
    with RunDirectory.create(tmp_path, "") as run:
        trainer_of(run, config=replace(CONFIG, epochs=1), start="model").train()
        tensors, record = read_state(run.last)
        later = ("start", "machine", "task", "files", "kernels")
        earlier = {name: value for name, value in record.items() if name not in later}
        assert earlier.keys() == {"position", "schedule", "kept", "means", "data", "version"}
        for name in ("best_loss", "lowest_loss"):
            del earlier["position"][name]
        assert earlier["position"].keys() == {"step", "epoch", "batch", "best", "stale", "seconds"}
        assert earlier["position"]["best"] is not None
        write_state(run.last, tensors, earlier)
        assert trainer_of(run, start="model").train().epoch == CONFIG.epochs


def test_a_run_of_another_version_is_refused(tmp_path: Path) -> None:
    with RunDirectory.create(tmp_path, "") as run:
        trainer_of(run, config=replace(CONFIG, epochs=1)).train()
        tensors, record = read_state(run.last)
        write_state(run.last, tensors, {name: value for name, value in record.items() if name != "version"})
        with pytest.raises(UserError, match="was started with another version of this toolkit"):
            trainer_of(run).train()


def test_another_machine_is_told_and_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    train(tmp_path / "run", config=replace(CONFIG, epochs=1))
    train(tmp_path / "run", config=replace(CONFIG, epochs=2))
    assert "last bits" not in capsys.readouterr().err
    monkeypatch.setattr(torch, "get_num_threads", lambda: 99)
    assert train(tmp_path / "run", config=replace(CONFIG, epochs=3)).epoch == 3
    assert "threads, resumes under PyTorch" in capsys.readouterr().err


@pytest.mark.parametrize(("warmup", "told"), [(STEPS // 2, False), (STEPS, True)])
def test_a_warm_up_that_takes_most_of_a_training_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], warmup: int, told: bool
) -> None:
    train(tmp_path / "run", config=replace(CONFIG, epochs=1, schedule=ScheduleConfig(warmup_steps=warmup)))
    assert (f"warm-up takes {warmup} of {STEPS} steps: lower training.sch" in capsys.readouterr().err) == told


# ------------------------------------------------------------------------------------------------------- validation


def test_the_best_model_is_the_one_with_the_best_figure(whole: Path) -> None:
    best = read_model(whole / "best")
    log = log_of(whole)
    assert (
        best.about["validation"]["loss"]
        == record_of(whole)["position"]["best"]
        == record_of(whole)["position"]["lowest_loss"]
    )
    assert best.about["validation"]["loss"] == min(entry["loss"] for entry in log)
    model = Network().eval()
    model.load_state_dict(best.tensors)
    with torch.no_grad():
        assert Regression().validate(model).loss == best.about["validation"]["loss"]


def test_the_loss_may_choose_the_best_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def validate(task: Regression, *_: Any) -> Validation:
        """A score that rises all the time, and a loss that is lowest after the second epoch."""
        task.validations += 1
        loss, scores = abs(task.validations - 2), {"score": float(task.validations)}
        return Validation(loss, scores, "score", higher_is_better=True)

    monkeypatch.setattr(Regression, "validate", validate)
    config = replace(CONFIG, averaging=AveragingConfig())
    for best, epoch, value in (("score", CONFIG.epochs, CONFIG.epochs), ("loss", 2, 0)):
        position = train(tmp_path / best, config=replace(config, best=best))  # type: ignore[arg-type]
        assert position.best == Mark(value)
        assert read_model(tmp_path / best / "best").about["validation"]["epoch"] == epoch


def test_the_log_has_the_rate_of_the_last_step_and_is_followed(tmp_path: Path) -> None:
    config = replace(CONFIG, schedule=ScheduleConfig("cosine", warmup_steps=0))
    followed: list[tuple[int, float | None]] = []
    with RunDirectory.create(tmp_path / "run", "") as run:

        def follow(entry: Mapping[str, Any]) -> None:
            assert json.loads(run.log.read_text().splitlines()[-1]) == entry  # it is in the log already
            followed.append((entry["step"], entry.get("rate")))

        trainer = Trainer(Regression(), Network(), config, run, {"data": "rows", "start": None}, follow)
        trainer.train()
    assert followed == [(entry["step"], entry.get("rate")) for entry in log_of(tmp_path / "run")]
    *rates, mean_of_checkpoints = followed
    expected = [config.optimiser.learning_rate * trainer.schedule.share(step - 1) for step, _ in rates]
    assert [rate for _, rate in rates] == expected == sorted(expected, reverse=True)
    assert mean_of_checkpoints[1] is None


def test_a_task_may_have_no_figure_but_the_loss(tmp_path: Path, whole: Path) -> None:
    """Then the loss chooses the best model, whatever the recipe says."""
    train(tmp_path / "run", config=replace(CONFIG, best="loss"))
    assert list(log_of(whole)[0]) == ["step", "epoch", "train_loss", "loss", "rate"]
    assert_equal_runs(tmp_path / "run", whole)


def test_of_equal_models_the_last_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Regression, "validate", lambda *_: Validation(0.0))
    position = train(tmp_path / "run", config=replace(CONFIG, averaging=AveragingConfig()))
    assert read_model(tmp_path / "run" / "best").about["validation"]["epoch"] == CONFIG.epochs
    assert position.stale == CONFIG.epochs - 1  # none of them was a new best


def test_the_mean_of_the_kept_weights_is_the_last_candidate(whole: Path) -> None:
    *_, last, mean = log_of(whole)
    assert "mean_of" not in last
    assert (mean["step"], mean["mean_of"]) == (4 * STEPS, 2)
    model = Network().eval()
    model.load_state_dict(dict.fromkeys(model.state_dict(), torch.zeros(())) | _model_of(whole), strict=False)
    kept = [read_state(folder)[0] for folder in (whole / "kept").iterdir()]
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.stack([state[name] for state in kept]).mean(0))
        assert Regression().validate(model).loss == pytest.approx(mean["loss"], rel=1e-5)


def _model_of(path: Path) -> dict[str, Tensor]:
    tensors = read_state(path / "last")[0]
    return {name.removeprefix("model/"): t for name, t in tensors.items() if name.startswith("model/")}


def test_the_last_epoch_validates_whatever_the_interval(tmp_path: Path) -> None:
    train(tmp_path / "run", config=replace(CONFIG, epochs=2, validate_every=5))
    assert [entry["epoch"] for entry in log_of(tmp_path / "run")] == [2]
    assert read_model(tmp_path / "run" / "best").about["validation"]["epoch"] == 2


def test_it_stops_early_and_stays_stopped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Worsening(Regression):
        def validate(self, model: nn.Module) -> Validation:
            super().validate(model)
            return Validation(self.validations)

    config = replace(CONFIG, epochs=9, patience=2)
    position = train(tmp_path / "run", Worsening(), config)
    assert (position.epoch, position.stale) == (3, 2)
    assert "stopped early: 2 validations in a row improved neither the score nor the loss\n" in capsys.readouterr().err
    assert train(tmp_path / "run", Worsening(), replace(config, epochs=20)).epoch == 3
    printed = capsys.readouterr().err
    assert (
        "this run has already finished (early stopping) after epoch 3: 2 validations in a row improved nei" in printed
    )
    assert "start another --run with a higher training.patience, or 0" in printed
    assert "resuming" not in printed
    assert read_model(tmp_path / "run" / "best").about["validation"]["epoch"] == 1


NOISE = [0.27, 0.19, 0.31, 0.25, 0.21, 0.20]


class Scored(Regression):
    """Gives the figures of a list, validation after validation: (loss, score), scores below 1 being noise."""

    def __init__(self, figures: Sequence[tuple[float, float]]) -> None:
        super().__init__()
        self.figures = list(figures)

    def validate(self, model: nn.Module) -> Validation:
        loss, score = self.figures[self.validations]
        self.validations += 1
        return Validation(loss, {"score": score}, "score", higher_is_better=True, noise=score < 1)


PATIENT = replace(CONFIG, averaging=AveragingConfig(), epochs=6, patience=2)


@pytest.mark.parametrize(
    ("figures", "epoch", "best"),
    [
        ([(9 - i, score) for i, score in enumerate(NOISE)], 6, 6),  # scores are noise, the loss falls
        ([(1 + i, score) for i, score in enumerate(NOISE)], 3, 1),  # the loss rises from the first
        ([(9 - i, 0.0) for i in range(6)], 6, 6),
        ([(9 - i, 30 - i) for i in range(6)], 6, 1),  # the score falls and the loss does too
        ([(1 + i, 30 + i) for i in range(6)], 6, 6),  # the other way round
        ([(5, 30), (4, 29), (4, 29), (4, 30), (3, 31), (2, 32)], 4, 4),  # of equal models the last is kept
        ([(5, 0.5), (9, 2), (4, 0.9), (9, 1), (9, 1), (9, 1)], 5, 2),  # a score that tells beats one that does not
    ],
)
def test_a_validation_is_stale_if_it_improves_neither_score_nor_loss(
    figures: list[tuple[float, float]], epoch: int, best: int, tmp_path: Path
) -> None:
    assert train(tmp_path / "run", Scored(figures), PATIENT).epoch == epoch
    assert read_model(tmp_path / "run" / "best").about["validation"]["epoch"] == best


@pytest.mark.parametrize("warmup", [0, 3 * STEPS, 3 * STEPS + 1])
def test_it_never_stops_before_the_warm_up_ends(warmup: int, tmp_path: Path) -> None:
    """Validations during the warm-up do not count, so that training goes on for `patience` validations after it."""
    config = replace(PATIENT, epochs=9, schedule=ScheduleConfig("plateau", warmup_steps=warmup, patience=1))
    position = train(tmp_path / "run", Scored([(1.0 + i, 0.5) for i in range(9)]), config)
    assert position.epoch == {0: 3, 12: 4, 13: 5}[warmup]
    assert record_of(tmp_path / "run")["schedule"]["reductions"] == 2


def test_a_state_that_an_earlier_version_stopped_inside_the_warm_up_goes_on(tmp_path: Path) -> None:
    config = replace(PATIENT, schedule=ScheduleConfig(warmup_steps=5 * STEPS))
    falling = [(9.0 - i, 0.0) for i in range(6)]
    train(tmp_path / "run", Scored(falling), replace(config, epochs=3))
    tensors, record = read_state(tmp_path / "run" / "last")
    record["position"]["stale"] = 2
    write_state(tmp_path / "run" / "last", tensors, record)
    assert train(tmp_path / "run", Scored(falling), config).epoch == 6


def test_stale_validations_and_the_lowest_loss_are_resumed(tmp_path: Path) -> None:
    figures = [(5.0, 30.0), (4.0, 0.5), (6.0, 0.6), (7.0, 0.2), (8.0, 0.1), (9.0, 0.1)]
    task = Scored(figures)
    for epochs in (1, 2, 3, 6):
        position = train(tmp_path / "run", task, replace(PATIENT, epochs=epochs))
    assert (position.epoch, position.stale, position.lowest_loss, position.best) == (4, 2, 4.0, Mark(30.0))


def test_what_is_printed_of_the_best_model_is_true(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = [(5, 0.5), (6, 0.6), (4, 0.2), (3, 30), (2, 30), (1, 29)]
    train(tmp_path / "run", Scored(figures), PATIENT)
    printed = [line.partition("score ")[2] for line in capsys.readouterr().err.splitlines() if "validation:" in line]
    by_loss = " (best so far, by its loss: score rests on too few matches)"
    equal = " (as good as the best so far, and kept in its place)"
    assert printed == [f"0.5{by_loss}", "0.6", f"0.2{by_loss}", "30 (best so far)", f"30{equal}", "29"]


# -------------------------------------------------------------------------------------------- what is not finite


@pytest.mark.parametrize("check_every", [1, 50])
@pytest.mark.parametrize("gradient", [True, False])
def test_a_loss_that_is_not_finite_stops_the_run_and_names_its_rows(
    check_every: int, gradient: bool, tmp_path: Path
) -> None:
    def before(epoch: int, position: int) -> None:
        task.poison = poison if (epoch, position) == (1, 3) else lambda total: total

    def poison(total: Tensor) -> Tensor:
        return total * torch.inf if gradient else total + torch.nan

    task = Regression(before)
    rows = ", ".join(map(str, sorted([*task.plan(1)[2], *task.plan(1)[3]])))
    with RunDirectory.create(tmp_path, "") as run:
        trainer = trainer_of(run, task)
        trainer.updater.check_every = check_every
        with pytest.raises(UserError) as stop:
            trainer.train()
    assert str(stop.value).startswith(f"step {STEPS + 2}: the loss or its gradient is not finite, in the batch of rows")
    assert f"batch of rows {rows}: lower the learning rate or check these examples; the last good" in str(stop.value)
    assert str(stop.value).endswith(str(tmp_path / "last"))
    tensors, record = read_state(tmp_path / "last")
    assert record["position"]["step"] == STEPS
    assert all(tensor.isfinite().all() for tensor in tensors.values())
    assert all(tensor.isfinite().all() for tensor in read_model(tmp_path / "best").tensors.values())


# ------------------------------------------------------------------------------------------------------- rehearsal


@pytest.mark.parametrize("place", ["batch", "loss", "rehearse", "save"])
def test_what_will_fail_fails_before_the_first_step(
    place: str, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise UserError("no")

    monkeypatch.setattr(Regression, place, fail)
    monkeypatch.setattr(Trainer, "_step", None)
    with pytest.raises(UserError, match="no"):
        train(tmp_path / "run")
    monkeypatch.undo()
    train(tmp_path / "run")
    assert_equal_runs(tmp_path / "run", whole)


def test_the_rehearsal_takes_the_largest_batch_and_names_its_rows(tmp_path: Path) -> None:
    task = Regression()
    task.longest = lambda: [5, 7]  # type: ignore[method-assign]
    task.inputs[7] = torch.inf
    with pytest.raises(UserError, match="largest batch is not finite before the first step: check rows 5, 7"):
        train(tmp_path / "run", task)


def test_the_rehearsal_reads_back_what_it_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(directory: Path, tensors: Mapping[str, Tensor], record: Mapping[str, Any]) -> None:
        write(directory, tensors, record)
        with (directory / "state.safetensors").open("r+b") as file:
            file.seek(-1, os.SEEK_END)
            file.write(b"\x55")

    write = state_module.write_state
    monkeypatch.setattr(state_module, "write_state", careless)
    with pytest.raises(UserError, match=r"state\.safetensors: is damaged"):
        train(tmp_path / "run")


def test_the_rehearsal_leaves_no_trace(whole: Path, tmp_path: Path) -> None:
    task = Regression()
    task.longest = lambda: list(range(20))  # type: ignore[method-assign]
    train(tmp_path / "run", task)
    assert_equal_runs(tmp_path / "run", whole)
    names = {child.name for child in (tmp_path / "run").iterdir()}
    assert names == {"recipe.toml", "log.jsonl", "best", "last", "kept", "lock"}
