"""Training from memory and from a prepared corpus, by turns in one process: tokens a second, and what reading takes.

    python -m tests.benchmarks.streaming RECIPE [--set KEY=VALUE ...] [--steps 5] [--rounds 4] [--output FILE]

The time is that of the processor, in one thread, so that other work on the machine does not count. Reading is all that
is done for the batches of an epoch but the model: the random changes of its text, encoding, sorting, padding.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from s2s import config
from s2s.cli.training_command import Training
from s2s.nn.precision import use_threads
from s2s.training.averaging import Average
from s2s.training.optimisation import build_optimiser
from s2s.training.schedule import Schedule
from s2s.training.updates import Updater
from translation.corpus_preparation import prepare_corpus
from translation.recipe import Recipe
from translation.train import build


@dataclass
class Side:
    """One of the two trainings, and what it took."""

    training: Training
    updater: Updater
    steps: int = 0
    seconds: float = 0.0
    tokens: int = 0
    reading: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, recipe: Recipe, folder: Path) -> Side:
        """The training of a recipe."""
        training = build(recipe, torch.device("cpu"))
        network, own = training.network, recipe.training
        changing = build_optimiser(own.optimiser, network), Schedule(own.schedule, 1000)
        average = Average(own.averaging, network, folder / "kept")
        network.train()
        return cls(training, Updater(training.task, network, own, *changing, average, folder))

    def train(self, steps: int, *, counted: bool) -> None:
        """Make some steps of the first epoch."""
        plan, began = self.training.task.plan(0), time.process_time()
        for _ in range(steps):
            update = self.updater.update(self.steps, 0, plan, [self.steps])
            self.steps += 1
            self.tokens += counted * sum(loss.size for loss in update.losses)
        self.seconds += counted * (time.process_time() - began)

    def read(self) -> None:
        """Read all batches of the second epoch."""
        task, began = self.training.task, time.process_time()
        plan, tokens = task.plan(1), 0
        for position in range(len(plan)):
            batch = task.batch(1, position, plan[position])
            tokens += int(batch.source.lengths.sum() + batch.targets.lengths.sum())
        self.reading = {"batches": len(plan), "microseconds_a_token": 1e6 * (time.process_time() - began) / tokens}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure both; print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("recipe", type=Path)
    add("--set", action="append", default=[])
    add("--steps", type=int, default=5)
    add("--rounds", type=int, default=4)
    add("--output", type=Path)
    options = parser.parse_args(arguments)
    use_threads(1)
    recipe = config.load(options.recipe, Recipe, options.set)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare_corpus(recipe, folder / "corpus", 1)
        streamed = replace(recipe, data=replace(recipe.data, prepared=folder / "corpus"))
        sides = {"memory": Side.of(recipe, folder), "streamed": Side.of(streamed, folder)}
        for side in sides.values():
            side.train(2, counted=False)
        for number in range(options.rounds):
            for side in sorted(sides, reverse=bool(number % 2)):
                sides[side].train(options.steps, counted=True)
        for side in sides.values():
            side.read()
    figures: dict[str, Any] = {
        name: {"tokens_a_second": side.tokens / side.seconds, "steps": side.steps - 2, "reading": side.reading}
        for name, side in sides.items()
    }
    figures["ratio"] = figures["streamed"]["tokens_a_second"] / figures["memory"]["tokens_a_second"]
    step = sides["memory"].seconds / sides["memory"].tokens * 1e6  # microseconds a token
    reading = [figures[name]["reading"]["microseconds_a_token"] for name in ("memory", "streamed")]
    figures["reading_share"] = {"memory": reading[0] / step, "streamed": reading[1] / step}
    print(json.dumps(figures, indent=2))
    if options.output:
        options.output.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
