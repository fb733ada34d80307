"""Train a classifier on labelled sentences."""

from __future__ import annotations

import sys
from functools import partial

from s2s.cli import command, training_command


def train(arguments: list[str]) -> int:
    """Train with the recipe that the arguments name; return the exit code."""
    options = training_command.parse(
        arguments,
        description="Train a classifier on labelled sentences, one a line: label, tab, sentence. A recipe names "
        "the files and sets everything else.",
        recipes="labelling/recipes",
    )

    from labelling.pretraining import Start
    from labelling.recipe import ClassifierRecipe
    from labelling.train import build

    start, usage = Start(), "s2s classify --model {model} FILE"
    return training_command.train(
        options, ClassifierRecipe, partial(build, start=start), usage=usage, complete=start.take_over
    )


def main() -> int:
    """Entry point."""
    return command.run(train)


if __name__ == "__main__":
    sys.exit(main())
