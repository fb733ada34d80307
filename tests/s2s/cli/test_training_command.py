"""What training commands share, around a task of a few milliseconds."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from s2s.cli import command, training_command
from s2s.cli.training_command import Training
from s2s.config import option
from s2s.errors import UserError, check
from s2s.kernels.operators import uses_operators
from s2s.storage.model_directory import read_model, write_model
from s2s.storage.training_state import read_state, write_state
from s2s.training.configuration import TrainingConfig
from s2s.training.task import Loss, Task, Validation

INPUTS = torch.arange(12.0)[:, None] / 12


@dataclass(frozen=True)
class Recipe:
    """Learn to multiply."""

    factor: float = option(2.0)
    training: TrainingConfig = TrainingConfig()


class Multiplication(Task[Tensor]):
    """Two batches of six numbers an epoch."""

    def __init__(self, factor: float) -> None:
        self.factor = factor

    def plan(self, epoch: int) -> list[list[int]]:
        return [[0, 2, 4, 6, 8, 10], [1, 3, 5, 7, 9, 11]]

    def longest(self) -> list[int]:
        return self.plan(0)[0]

    def batch(self, epoch: int, position: int, examples: Sequence[int]) -> Tensor:
        return INPUTS[examples]

    def loss(self, model: nn.Module, batch: Tensor) -> Loss:
        total = (model(batch) - self.factor * batch).square().sum()
        return Loss(total, len(batch), len(batch), {"error": total.detach()})

    def validate(self, model: nn.Module) -> Validation:
        return Validation((model(INPUTS) - self.factor * INPUTS).square().sum().item())

    def rehearse(self, model: nn.Module) -> None:
        self.validate(model)

    def whereabouts(self, examples: Sequence[int]) -> str:
        return f"numbers {examples}"

    def save(self, model: nn.Module, directory: Path, about: Mapping[str, Any]) -> None:
        write_model(directory, kind="multiplication", config={}, tensors=model.state_dict(), about=about)


def build(recipe: Recipe, device: torch.device) -> Training:
    torch.manual_seed(recipe.training.seed)
    return Training(Multiplication(recipe.factor), nn.Linear(1, 1).to(device), f"times {recipe.factor}")


def train_with(build: Callable[[Recipe, torch.device], Training]) -> Callable[[list[str]], int]:
    """The command of an application."""

    def train(arguments: list[str]) -> int:
        options = training_command.parse(arguments, description="Learn sums.", recipes="sums/recipes")
        return training_command.train(options, Recipe, build, usage="multiply --model {model} NUMBER")

    return train


train = train_with(build)


def test_a_recipe_is_not_replaced_by_the_runs_copy_of_it(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text("factor = 3.0  # my comment")
    with pytest.raises(UserError, match=r"recipe\.toml: the run would overwrite this file with its copy of the"):
        train([str(recipe), "--run", str(tmp_path)])
    assert recipe.read_text() == "factor = 3.0  # my comment"


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('[training]\nepochs = 2\nprecision = "float32"\n')
    return [str(recipe), "--run", str(tmp_path / "run"), "--device", "cpu"]


def test_a_model_comes_of_a_recipe(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train([*arguments, "--set", "factor=3"]) == 0
    printed = capsys.readouterr()
    best = tmp_path / "run" / "best"
    result = json.loads(printed.out)
    assert (result["model"], result["steps"]) == (str(best), 4)
    assert result["best"] == min(json.loads(line)["loss"] for line in (tmp_path / "run" / "log.jsonl").open())
    assert "2 parameters, on cpu" in printed.err
    assert printed.err.splitlines()[-1] == f"to use the model: multiply --model {best} NUMBER"
    about = read_model(best).about
    assert about["recipe"]["factor"] == 3
    assert (about["data"], about["torch"]) == ("times 3.0", torch.__version__)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_stops_a_training_is_told_how_it_goes_on(
    number: signal.Signals, arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Stopped(Multiplication):
        def plan(self, epoch: int) -> list[list[int]]:
            if epoch == 1:
                signal.raise_signal(number)
            return super().plan(epoch)

    def stop(recipe: Recipe, device: torch.device) -> Training:
        return replace(build(recipe, device), task=Stopped(recipe.factor))

    assert command.run(train_with(stop), arguments) == 128 + number
    told = f"{tmp_path / 'run'}: the training is saved; go on with the same command and --resume"
    assert capsys.readouterr().err.splitlines()[-2] == told
    assert train([*arguments, "--resume"]) == 0


def used_operators(arguments: list[str]) -> set[bool]:
    """Train; return whether steps used compiled operators."""
    found = set[bool]()

    class Watched(Multiplication):
        def loss(self, model: nn.Module, batch: Tensor) -> Loss:
            found.add(uses_operators())
            return super().loss(model, batch)

    def watched(recipe: Recipe, device: torch.device) -> Training:
        return replace(build(recipe, device), task=Watched(recipe.factor))

    assert train_with(watched)(arguments) == 0
    assert not uses_operators()  # nothing is left behind
    return found


@pytest.mark.parametrize("without", [False, True])
def test_a_run_goes_on_with_or_without_compiled_operators_as_it_began(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, *, without: bool
) -> None:
    monkeypatch.setattr("s2s.kernels.build.build", lambda announce: Path("operators.so"))
    monkeypatch.setattr("s2s.kernels.operators.Operators", lambda library: library)
    assert used_operators([*arguments, *["--no-kernels"] * without]) == {not without}
    assert used_operators([*arguments, "--set", "training.epochs=3", "--resume"]) == {not without}


def test_without_a_compiler_training_goes_without_operators_and_says_so(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CXX", "false")
    assert used_operators(arguments) == {False}
    assert "training without compiled operators, which would be faster: false failed" in capsys.readouterr().err


def test_more_epochs_later_are_as_many_at_once(arguments: list[str], tmp_path: Path) -> None:
    steady = ["--set", "training.schedule.name=constant", "--set"]
    assert train([*arguments, *steady, "training.epochs=2"]) == 0
    assert train([*arguments, *steady, "training.epochs=5", "--resume"]) == 0
    arguments[2] = str(tmp_path / "other")
    assert train([*arguments, *steady, "training.epochs=5"]) == 0
    one, other = (read_state(tmp_path / name / "last")[0] for name in ("run", "other"))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_run_that_has_begun_keeps_its_recipe(arguments: list[str], tmp_path: Path) -> None:
    assert train(arguments) == 0
    before = (tmp_path / "run" / "recipe.toml").read_text()
    with pytest.raises(UserError, match=r"differs from .*recipe\.toml in factor, training\.seed; resume with the old"):
        train([*arguments, "--resume", "--set", "factor=3", "--set", "training.seed=2"])
    assert (tmp_path / "run" / "recipe.toml").read_text() == before


def test_a_run_that_is_refused_keeps_its_recipe(arguments: list[str], tmp_path: Path) -> None:
    assert train(arguments) == 0
    before = (tmp_path / "run" / "recipe.toml").read_text()
    tensors, record = read_state(tmp_path / "run" / "last")
    write_state(tmp_path / "run" / "last", tensors, {**record, "version": 0})
    with pytest.raises(UserError, match="was started with another version"):
        train([*arguments, "--resume", "--set", "training.epochs=50"])
    assert (tmp_path / "run" / "recipe.toml").read_text() == before


def test_a_run_that_has_not_begun_may_get_another_recipe(arguments: list[str], tmp_path: Path) -> None:
    def picky(recipe: Recipe, device: torch.device) -> Training:
        check(recipe.factor == 3, "this factor is too hard")
        return build(recipe, device)

    with pytest.raises(UserError, match="too hard"):
        train_with(picky)(arguments)
    assert train_with(picky)([*arguments, "--resume", "--set", "factor=3"]) == 0
    assert "factor = 3.0\n" in (tmp_path / "run" / "recipe.toml").read_text()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--threads", "0"], "argument --threads: '0' is not a whole number from 1"),
        (["--resume"], "nothing to resume"),
        (["--set", "facter=3"], "unknown key 'facter' (did you mean 'factor'?)"),
        (["--threads", "many"], "'many' is not a whole number from 1 (see s2s train sums --help)"),
    ],
)
def test_mistakes_are_told_before_anything_is_made(
    more: list[str],
    message: str,
    arguments: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "argv", ["s2s train sums"])
    assert command.run(train, [*arguments, *more]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_help_names_the_recipes_of_the_application(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(train, ["--help"]) == 0
    assert "see sums/recipes" in capsys.readouterr().out


def test_arguments_are_looked_at_before_torch_is_loaded() -> None:
    script = (
        "import sys\n"
        "from s2s.cli import command, training_command\n"
        "arguments = ['nowhere.toml', '--run', 'nowhere']\n"
        "code = command.run(lambda a: training_command.parse(a, description='d', recipes='r') and 0, arguments)\n"
        "assert code == 2 and 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == "error: nowhere.toml: no such file (relative to the current folder); check the path\n"
