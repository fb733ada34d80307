"""Train a model from a recipe: what the commands `s2s train ...` share.

An application adds its recipe, and how to build a model and a task from it. It imports both only after the arguments
have been checked:

    def train(arguments: list[str]) -> int:
        options = training_command.parse(arguments, description="Train ...", recipes="translation/recipes")
        from translation.recipe import Recipe
        return training_command.train(options, Recipe, build, usage="translate --model {model} FILE")

    def build(recipe: Recipe, device: torch.device) -> Training: ...

The recipe is a frozen dataclass for s2s/config.py with a field `training`, a `TrainingConfig`. `build` prepares the
data and makes a new model from the seed of the recipe. It is called while the run directory is locked. If it raises an
exception, the run has not begun, and may be started again with another recipe.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from s2s import config
from s2s.cli.arguments import Parser, add_device, add_threads
from s2s.errors import Terminated, check
from s2s.files import atomic_file, check_readable
from s2s.storage.run_directory import RECIPE, RunDirectory

if TYPE_CHECKING:
    import torch
    from torch import nn

    from s2s.training.configuration import TrainingConfig
    from s2s.training.distributed import Ranks
    from s2s.training.events import EventLog
    from s2s.training.task import Task
    from s2s.training.trainer import Trainer


class Recipe(Protocol):
    """The field that every recipe has."""

    @property
    def training(self) -> TrainingConfig:
        """The section `[training]`, which the trainer reads."""
        ...


R = TypeVar("R", bound=Recipe)


@dataclass(frozen=True)
class Training:
    """What to train, built from a recipe.

    Attributes:
        task: the task.
        network: the untrained or pretrained network, on its device.
        data: a key of the training data. A run is resumed only if the key is the same.
        start: a key of what stays fixed of the model in `start`: its vocabularies, and its frozen CNN. A run is
            resumed only if the key is the same.
        calibrate: called with the directory of the best model after the last step: it calibrates the confidence of the
            model, and stores it there; None if this kind of model has none.
        files: the SHA-256 of files that `data` depends on, by their paths. If one has changed, the message names it.
    """

    task: Task
    network: nn.Module
    data: str
    start: str | None = None
    calibrate: Callable[[Path], None] | None = None
    files: Mapping[str, str] = field(default_factory=dict)


def parse(arguments: Sequence[str], *, description: str, recipes: str) -> argparse.Namespace:
    """Parse the arguments of a training command; nothing heavy is imported.

    Args:
        arguments: of the command.
        description: of the command, for --help.
        recipes: the folder of the recipes that come with the application, for --help.

    Raises:
        UserError: the arguments are wrong, or the recipe cannot be read.
    """
    parser = Parser(description=description)
    add = parser.add_argument
    add("recipe", type=Path, metavar="RECIPE", help=f"a TOML file; see {recipes}")
    add("--run", type=Path, required=True, metavar="DIR", help="a new folder; the best model is written to DIR/best")
    add("--resume", action="store_true", help="resume the training in DIR; only the number of epochs may have changed")
    add(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="override a key of the recipe, such as training.epochs=5; may be repeated",
    )
    add(
        "--tensorboard",
        action="store_true",
        help="also write the figures of the log as TensorBoard events, into DIR/tensorboard; a resumed run goes on in "
        "the same curves",
    )
    add(
        "--no-kernels",
        action="store_true",
        help="train without the operators that a C++ compiler makes for this processor; they are faster, and differ in "
        "last bits. A run that began without goes on without",
    )
    add_device(parser)
    add_threads(parser)
    options = parser.parse_args(arguments)
    check_readable(options.recipe)
    return options


def train(
    options: argparse.Namespace,
    schema: type[R],
    build: Callable[[R, torch.device], Training],
    *,
    usage: str,
    complete: Callable[[dict[str, Any]], Iterable[str]] | None = None,
) -> int:
    """Train to the end and return the exit code.

    One JSON object is printed on standard output: the directory of the model, its best validation figure, and the
    number of steps.

    Args:
        options: from `parse`.
        schema: the dataclass of the recipe.
        build: makes the `Training` from the recipe.
        usage: the command that uses the model, for the last message; `{model}` is replaced by its directory.
        complete: fills in the table of the recipe, see `config.load`.
    """
    from s2s.nn.precision import choose_device, use_threads
    from s2s.training.distributed import device_of_rank, joined
    from s2s.training.events import check_tensorboard

    if options.tensorboard:
        check_tensorboard()

    copy = options.run / RECIPE
    check(
        options.resume or not copy.exists() or not copy.samefile(options.recipe),
        f"{options.recipe}: the run would overwrite this file with its copy of the recipe; move it out of --run",
    )
    recipe = config.load(options.recipe, schema, options.set, complete)
    use_threads(options.threads)
    device = device_of_rank(choose_device(options.device))
    with joined(device) as ranks, _compiled_operators(options, device):
        if ranks.first:
            return _train_here(options, recipe, build, device, ranks, usage)
        with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere), redirect_stdout(nowhere):
            return _train_beside(options, recipe, build, device, ranks)


@contextmanager
def _compiled_operators(options: argparse.Namespace, device: torch.device) -> Iterator[None]:
    """A context that uses compiled operators where they are possible and wanted; a line says what hinders."""
    from s2s.kernels.build import BuildError, build
    from s2s.kernels.operators import Operators, using

    operators = None
    if device.type == "cpu" and not options.no_kernels:
        try:
            operators = Operators(build(partial(print, file=sys.stderr)))
        except (BuildError, OSError) as error:
            print(f"training without compiled operators, which would be faster: {error}", file=sys.stderr)
    with using(operators):
        yield


def _train_here(
    options: argparse.Namespace,
    recipe: R,
    build: Callable[[R, torch.device], Training],
    device: torch.device,
    ranks: Ranks,
    usage: str,
) -> int:
    """Train in the process that locks and writes the run, alone or as the first of several."""
    from s2s.training.events import EventLog

    text = config.to_toml(recipe)
    with RunDirectory.resume(options.run) if options.resume else RunDirectory.create(options.run, text) as run:
        if options.resume:
            _check_same_recipe(run, recipe)
        training = build(recipe, device)
        ranks.wait()  # the others read what `build` has put into the cache
        print(f"{sum(p.numel() for p in training.network.parameters()):,} parameters, on {device}", file=sys.stderr)
        follow = {"follow": EventLog(run)} if options.tensorboard else {}
        trainer = _trainer(training, recipe, run, ranks, **follow)
        if options.resume:
            trainer.check_resumable()
            _replace_recipe(run, text)
        ranks.wait()
        with _advice_when_stopped(run):
            position = trainer.train()
            if training.calibrate and run.best.is_dir():
                print("calibrating the confidence of the best model", file=sys.stderr)
                training.calibrate(run.best)
    print(f"to use the model: {usage.format(model=run.best)}", file=sys.stderr)
    print(json.dumps({"model": str(run.best), "best": position.best and position.best.value, "steps": position.step}))
    return 0


@contextmanager
def _advice_when_stopped(run: RunDirectory) -> Iterator[None]:
    """Where a signal ends the training, say that it can go on."""
    try:
        yield
    except (KeyboardInterrupt, Terminated):
        if run.has_state():
            print(f"{run.path}: the training is saved; go on with the same command and --resume", file=sys.stderr)
        raise


def _train_beside(
    options: argparse.Namespace,
    recipe: R,
    build: Callable[[R, torch.device], Training],
    device: torch.device,
    ranks: Ranks,
) -> int:
    """Train in another process than the first of several: it writes nothing."""
    ranks.wait()
    training = build(recipe, device)
    trainer = _trainer(training, recipe, RunDirectory.watch(options.run), ranks)
    ranks.wait()
    trainer.train()
    return 0


def _trainer(training: Training, recipe: Recipe, run: RunDirectory, ranks: Ranks, **follow: EventLog) -> Trainer:
    """The trainer of a training, in one process."""
    import torch

    from s2s.training.trainer import Trainer

    content = {"data": training.data, "files": dict(training.files), "start": training.start}
    about = {"recipe": config.to_dict(recipe), **content, "torch": torch.__version__}
    return Trainer(training.task, training.network, recipe.training, run, about, ranks=ranks, **follow)


def check_same_shape(start: Path | None, old: Any, new: Any, *, free: Sequence[str], names: Mapping[str, str]) -> None:
    """Check that a model of the new configuration can start from the weights of the old one.

    Args:
        start: the directory of the old model, for the message.
        old, new: configurations; dataclasses.
        free: keys that may differ, besides those of dropout.
        names: the names of keys and sections in the recipe, where they differ from those in the configuration.

    Raises:
        UserError: they differ in other keys; the message names the keys in the recipe, and both values.
    """
    changed = [key for key in config.differences(old, new) if "dropout" not in key and key not in free]
    parts = [(key, *key.partition(".")) for key in changed]
    keys = ", ".join(
        f"{names.get(first, first)}{dot}{rest} ({config.shown(new, key)}, the model has {config.shown(old, key)})"
        for key, first, dot, rest in parts
    )
    check(not changed, f"{start}: the recipe differs from this model in {keys}; change the recipe")


def _check_same_recipe(run: RunDirectory, recipe: Recipe) -> None:
    """Raise a UserError unless `recipe` is that of the run, except for the number of epochs."""
    if run.has_state():  # otherwise the training has not begun, and the recipe may change
        changes = config.differences(config.load(run.recipe, type(recipe)), recipe)
        changed = [key for key in changes if key != "training.epochs"]
        advice = "resume with the old recipe, or start another --run"
        check(not changed, f"--resume: the recipe differs from {run.recipe} in {', '.join(changed)}; {advice}")


def _replace_recipe(run: RunDirectory, text: str) -> None:
    """Write the recipe with the new number of epochs into the run directory."""
    with atomic_file(run.recipe) as aside:
        aside.write_text(text, encoding="utf-8", newline="")
