"""Train a language model on plain text."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from s2s import seeds
from s2s.cli import command, training_command

if TYPE_CHECKING:
    import torch

    from language_model.recipe import Recipe


def train(arguments: list[str]) -> int:
    """Train with the recipe that the arguments name; return the exit code."""
    options = training_command.parse(
        arguments,
        description="Train a language model on plain text: characters, words or subwords. A recipe names the files and "
        "sets everything else.",
        recipes="language_model/recipes",
    )

    from language_model.recipe import Recipe

    return training_command.train(options, Recipe, build, usage="s2s sample --model {model}")


def build(recipe: Recipe, device: torch.device) -> training_command.Training:
    """Prepare the data, build the model and the task of a recipe.

    Raises:
        UserError: a file of the recipe cannot be used, or the text is too short.
    """
    import torch

    from language_model.configuration import LanguageModelConfig
    from language_model.example import example_line
    from language_model.model import LanguageModel
    from language_model.prepare import prepare_text
    from language_model.task import LanguageModelTask

    data = prepare_text(recipe)
    torch.manual_seed(seeds.of_weights(recipe.training.seed))
    config = LanguageModelConfig(data.vocabulary.kind, recipe.model, example_line(data.train, data.vocabulary))
    model = LanguageModel.fresh(config, data.vocabulary)
    model.decoder.to(device)
    task = LanguageModelTask(recipe, data, model, device)
    print(task.report(), file=sys.stderr)
    return training_command.Training(task, task.network, data.key)


def main() -> int:
    """Entry point."""
    return command.run(train)


if __name__ == "__main__":
    sys.exit(main())
