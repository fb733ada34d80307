"""The training command in processes of its own: killed, interrupted, resumed, misused."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from forked import PATIENCE, Command
from toy_text import DATA, write_toy_text

from s2s.cli import command
from s2s.storage.model_directory import read_model
from s2s.storage.training_state import read_state
from translation.train import train

RECIPE = (
    DATA
    + """[vocabulary]
kind = "bpe"
size = 40
bpe_dropout = 0.2
unknown_copies = 0.2
[batch]
sentences = 8
[encoder]
dim = 8
[decoder]
embedding_dim = 8
dim = 8
attention.dim = 8
[training]
epochs = 4
accumulate = 2
save_every = 1
[training.averaging]
decay = 0.9
keep = 2
"""
)
STEPS = 4 * 13


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Prepared data of all tests goes where they vanish with them."""
    os.environ["S2S_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_toy_text(folder, train=208, validation=12)
    path = folder / "recipe.toml"
    path.write_text(RECIPE.format(folder=folder))
    return path


class Training(Command):
    """`python -m translation.train`, begun or gone on with."""

    def __init__(self, recipe: Path, run: Path, *more: str) -> None:
        resumed = ["--resume"] if (run / "recipe.toml").exists() else []
        super().__init__("translation.train:train", [recipe, "--run", run, *resumed, *more], run)
        self.run = run

    def wait_for(self, step: int) -> None:
        """Return once a state of at least this step is saved."""
        deadline = time.monotonic() + PATIENCE
        while _step(self.run) < step and self.process.is_alive() and time.monotonic() < deadline:
            time.sleep(0.001)


def _step(run: Path) -> int:
    try:
        return json.loads((run / "last" / "state.json").read_text())["record"]["position"]["step"]
    except FileNotFoundError:
        return -1


def contents(run: Path) -> tuple[Mapping[str, torch.Tensor], list[dict[str, float]], Mapping[str, torch.Tensor]]:
    """State, log without times, and best model."""
    log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    for entry in log:
        del entry["seconds"]
    return read_state(run / "last")[0], log, read_model(run / "best").tensors


def assert_equal_runs(one: Path, other: Path) -> None:
    ours, theirs = contents(one), contents(other)
    assert ours[1] == theirs[1]
    for mine, others in ((ours[0], theirs[0]), (ours[2], theirs[2])):
        assert mine.keys() == others.keys()
        assert all(torch.equal(mine[name], others[name]) for name in mine)


@pytest.fixture(scope="module")
def whole(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing interrupted."""
    run = tmp_path_factory.mktemp("whole") / "run"
    code, output, error = Training(recipe, run).end()
    assert code == 0
    assert list(json.loads(output)) == ["model", "best", "steps"]
    assert json.loads(output)["steps"] == STEPS
    assert f"to use the model: translate --model {run}/best FILE" in error
    return run


def test_killed_ten_times_it_ends_with_the_same_weights(recipe: Path, whole: Path, tmp_path: Path) -> None:
    moments = random.Random(1)
    run, killed = tmp_path / "run", 0
    for _ in range(10):
        started = Training(recipe, run)
        if moments.random() < 0.8:  # else it may die before it has trained at all
            started.wait_for(_step(run) + moments.randint(1, 4))
        time.sleep(moments.uniform(0, 0.02))
        killed += started.end(signal.SIGKILL)[0] == -signal.SIGKILL
    assert killed > 5, "most kills came too late: the training is too short for this machine"
    assert Training(recipe, run).end()[0] == 0
    assert_equal_runs(run, whole)


def test_minimum_risk_training_killed_ends_with_the_same_weights_too(recipe: Path, whole: Path, tmp_path: Path) -> None:
    """It goes on from a model, and searches with its beam at every step."""
    changes = ["training.epochs=2", "minimum_risk.width=3", f'start="{whole}/best"']
    settings = [part for change in changes for part in ("--set", change)]
    code, _, error = Training(recipe, tmp_path / "whole", *settings).end()
    assert code == 0, error
    assert "reward" in error
    started = Training(recipe, tmp_path / "killed", *settings)
    started.wait_for(9)
    assert started.end(signal.SIGKILL)[0] == -signal.SIGKILL
    assert Training(recipe, tmp_path / "killed", *settings).end()[0] == 0
    assert_equal_runs(tmp_path / "killed", tmp_path / "whole")


def test_hard_attention_killed_carries_its_baseline(recipe: Path, tmp_path: Path) -> None:
    settings = ["--set", "training.epochs=2", "--set", 'decoder.attention={ kind = "hard", score = "general" }']
    code, _, error = Training(recipe, tmp_path / "whole", *settings).end()
    assert code == 0, error
    started = Training(recipe, tmp_path / "killed", *settings)
    started.wait_for(9)
    assert started.end(signal.SIGKILL)[0] == -signal.SIGKILL
    assert Training(recipe, tmp_path / "killed", *settings).end()[0] == 0
    assert_equal_runs(tmp_path / "killed", tmp_path / "whole")


@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGTERM, 143, "terminated"), (signal.SIGINT, 130, "interrupted")]
)
def test_a_signal_saves_and_leaves(
    number: signal.Signals, code: int, word: str, recipe: Path, whole: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    started = Training(recipe, run, "--set", "training.save_every=1000")
    started.wait_for(0)
    time.sleep(0.05)
    found, output, error = started.end(number)
    assert (found, output) == (code, "")
    assert error.splitlines()[-1] == word
    assert 0 < _step(run) < STEPS
    assert Training(recipe, run, "--set", "training.save_every=1000").end()[0] == 0
    assert_equal_runs(run, whole)


def test_one_run_is_trained_by_one_process(recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    first = Training(recipe, run)
    first.wait_for(1)
    assert command.run(train, [str(recipe), "--run", str(run), "--resume"]) == 2
    assert f"error: {run}: is in use by process {first.process.pid};" in capsys.readouterr().err
    assert first.end(signal.SIGTERM)[0] == 143
    assert_is_refused(
        [str(recipe), "--run", str(run)], "already holds a run; continue it with --resume, or name", capsys
    )


# -------------------------------------------------------------------------------------- what is refused, and what not


def assert_is_refused(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """By one line, with 2."""
    capsys.readouterr()
    assert command.run(train, arguments) == 2
    captured = capsys.readouterr()
    last = captured.err.splitlines()[-1]
    assert last.startswith("error: ")
    assert message in last
    assert captured.out == ""


def test_there_must_be_a_run_to_resume(recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert_is_refused([str(recipe), "--run", str(tmp_path / "run"), "--resume"], "nothing to resume", capsys)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("decoder.dimm=9", "unknown key 'decoder.dimm' (did you mean 'dim'?)"),
        ("data.validation_source=nowhere.en", "nowhere.en is not a file"),
        ('data.train_source=["nowhere.en"]', "nowhere.en is not a file"),
        ("training.epochs=0", "'training.epochs': expected at least 1, got 0"),
        ("training.seed=5000000000", "'training.seed': expected at least 0 and at most 4294967295"),
    ],
)
def test_a_mistake_is_told_before_anything_is_made(
    setting: str, message: str, recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_is_refused([str(recipe), "--run", str(tmp_path / "run"), "--set", setting], message, capsys)
    assert not (tmp_path / "run").exists()


def test_arguments_are_looked_at_first(recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = ["--run", str(tmp_path / "run")]
    assert_is_refused([str(tmp_path / "no.toml"), *run], "no.toml: no such file", capsys)
    assert_is_refused([str(recipe), *run, "--threads", "0"], "--threads: '0' is not a whole number", capsys)
    assert_is_refused([str(recipe)], "the following arguments are required: --run", capsys)
    if not torch.cuda.is_available():
        assert_is_refused([str(recipe), *run, "--device", "cuda"], "no CUDA device was found", capsys)
    assert not (tmp_path / "run").exists()


def test_a_run_goes_on_with_its_own_recipe_on_its_own_data(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "recipe.toml"
    own.write_text(recipe.read_text().replace(str(recipe.parent), str(tmp_path)))
    for file in recipe.parent.iterdir():
        if file.suffix != ".toml":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    arguments = [str(own), "--run", str(tmp_path / "run"), "--set", "training.precision=float32"]
    assert command.run(train, [*arguments, "--set", "training.epochs=1"]) == 0
    arguments.append("--resume")
    changed = ["--set", "decoder.dim=9", "--set", "label_smoothing=0.2", "--set", "training.epochs=2"]
    message = f"the recipe differs from {tmp_path}/run/recipe.toml in decoder.dim, label_smoothing; resume with"
    assert_is_refused([*arguments, *changed], message, capsys)
    assert "epochs = 1\n" in (tmp_path / "run" / "recipe.toml").read_text()

    assert command.run(train, [*arguments, "--set", "training.epochs=2"]) == 0
    assert "epochs = 2\n" in (tmp_path / "run" / "recipe.toml").read_text()
    assert contents(tmp_path / "run")[1][-1]["epoch"] == 2

    validation = tmp_path / "val.reverse"
    validation.write_text("\n".join(reversed(validation.read_text().splitlines())) + "\n")
    message = "has changed since this run was started: restore the old files, or start another --run"
    assert_is_refused([*arguments, "--set", "training.epochs=2"], message, capsys)


@pytest.mark.oldest
def test_a_start_that_failed_binds_nobody(recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its recipe may be changed: here the files did not pair up."""
    arguments = [str(recipe), "--run", str(tmp_path / "run"), "--set", "training.epochs=1"]
    wrong = f'data.train_target=["{recipe.parent}/val.reverse"]'
    assert_is_refused([*arguments, "--set", wrong], "train.source has 208 lines but", capsys)
    assert command.run(train, [*arguments, "--resume"]) == 0
    assert contents(tmp_path / "run")[1][-1]["epoch"] == 1
