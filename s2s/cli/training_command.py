"""What the commands that train share: `python -m translation.train`, `python -m captioning.train`.

An application adds its recipe, and what comes of it, in a module that imports them only when the arguments are sound:

    def train(arguments: list[str]) -> int:
        options = training_command.parse(arguments, prog="python -m translation.train", description="Train ...")
        from translation.recipe import Recipe
        return training_command.train(options, Recipe, build, usage="translate --model {model} FILE")

    def build(recipe: Recipe, device: torch.device) -> Training: ...

The recipe is a frozen dataclass for s2s/config.py with a field `training`, a `TrainingConfig`. `build` prepares the
data and makes a fresh model from the recipe's seed; it is called with the run directory locked. What it raises leaves
a run that has not begun, whose recipe may still be changed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from s2s import config
from s2s.cli import command
from s2s.errors import check
from s2s.files import atomic_file, check_readable
from s2s.storage.run_directory import RECIPE, RunDirectory

if TYPE_CHECKING:
    import torch
    from torch import nn

    from s2s.training.configuration import TrainingConfig
    from s2s.training.task import Task


class Recipe(Protocol):
    """What every recipe has: how to train."""

    @property
    def training(self) -> TrainingConfig:
        """The section that the trainer reads."""
        ...


R = TypeVar("R", bound=Recipe)


@dataclass(frozen=True)
class Training:
    """What a recipe comes to.

    Attributes:
        task: what to train.
        network: fresh, and on its device.
        data: names the content that is trained on: a run goes on only where it is the same.
        start: likewise, what is kept of the model that is gone on from: its vocabularies, and what is frozen.
    """

    task: Task
    network: nn.Module
    data: str
    start: str | None = None


def parse(arguments: Sequence[str], *, prog: str, description: str) -> argparse.Namespace:
    """The options of a training command; nothing heavy is imported.

    Raises:
        UserError: for what can be known to be wrong before anything is loaded.
    """
    parser = command.Parser(prog=prog, description=description)
    add = parser.add_argument
    add("recipe", type=Path, help=f"a TOML file; see {prog.split()[-1].partition('.')[0]}/recipes")
    add("--run", type=Path, required=True, metavar="DIR", help="new folder; DIR/best will be the model")
    add("--resume", action="store_true", help="go on with the training in DIR, exactly; only epochs may have changed")
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="change a key of the recipe: training.epochs=5")
    add("--device", choices=["auto", "cpu", "cuda"], default="auto", help="auto takes a GPU where there is one")
    add("--threads", type=command.positive, metavar="N", help="processor cores to use (default: all)")
    options = parser.parse_args(arguments)
    check_readable(options.recipe)
    return options


def train(
    options: argparse.Namespace, schema: type[R], build: Callable[[R, torch.device], Training], *, usage: str
) -> int:
    """Train what `build` makes of the recipe, to the end; return the exit code.

    Standard output gets one JSON object: the model's directory, its best validation figure, and the steps made.

    Args:
        options: from `parse`.
        schema: the recipe's dataclass.
        build: see `Training`.
        usage: the command that uses the model, for the last message; `{model}` becomes its directory.
    """
    import torch

    from s2s.nn.precision import choose_device
    from s2s.training.trainer import Trainer

    own = options.run / RECIPE
    check(
        options.resume or not own.exists() or not own.samefile(options.recipe),
        f"{options.recipe}: would be replaced by the run's copy of it; keep your recipe outside of --run",
    )
    recipe = config.load(options.recipe, schema, options.set)
    if options.threads:
        torch.set_num_threads(options.threads)
    device = choose_device(options.device)
    text = config.to_toml(recipe)
    with RunDirectory.resume(options.run) if options.resume else RunDirectory.create(options.run, text) as run:
        if options.resume:
            _check_same(run, recipe)
        training = build(recipe, device)
        print(f"{sum(p.numel() for p in training.network.parameters()):,} parameters, on {device}", file=sys.stderr)
        content = {"data": training.data, "start": training.start}
        about = {"recipe": config.to_dict(recipe), **content, "torch": torch.__version__}
        trainer = Trainer(training.task, training.network, recipe.training, run, about)
        if options.resume:
            trainer.check_resumable()
            _take_over(run, text)
        position = trainer.train()
    print(f"use it: {usage.format(model=run.best)}", file=sys.stderr)
    print(json.dumps({"model": str(run.best), "best": position.best, "steps": position.step}))
    return 0


def check_same_shape(start: Path | None, old: Any, new: Any, *, free: Sequence[str], names: Mapping[str, str]) -> None:
    """Whether a model of the new shape can go on from one of the old.

    Args:
        start: the directory of the old one, for the message.
        old, new: dataclasses.
        free: keys that may differ, beside those of dropout.
        names: what the recipe calls their keys and sections, where it calls them otherwise.

    Raises:
        UserError: naming the recipe's keys in which they differ.
    """
    changed = [key for key in config.differences(old, new) if "dropout" not in key and key not in free]
    parts = [key.partition(".") for key in changed]
    keys = ", ".join(names.get(first, first) + dot + rest for first, dot, rest in parts)
    check(not changed, f"{start}: the recipe differs from it in {keys}: make them agree")


def _check_same(run: RunDirectory, recipe: Recipe) -> None:
    """Raise a UserError unless `recipe` is the run's, but for the number of epochs."""
    if run.has_state():  # else it has not begun, and its old recipe binds nobody
        changes = config.differences(config.load(run.recipe, type(recipe)), recipe)
        changed = [key for key in changes if key != "training.epochs"]
        advice = "go on with the old one, or start another --run"
        check(not changed, f"--resume: the recipe differs from {run.recipe} in {', '.join(changed)}: {advice}")


def _take_over(run: RunDirectory, text: str) -> None:
    """Let the recipe be the run's."""
    with atomic_file(run.recipe) as aside:
        aside.write_text(text, encoding="utf-8", newline="")
