"""Train a frame labeller on films."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from s2s import seeds
from s2s.cli import command, training_command

if TYPE_CHECKING:
    import torch

    from labelling.frames.recipe import FrameLabellerRecipe
    from s2s.cli.training_command import Training


def train(arguments: list[str]) -> int:
    """Train with the recipe that the arguments name; return the exit code."""
    options = training_command.parse(
        arguments,
        description="Train a frame labeller on films: folders of frames, each with a file labels.txt that has a label "
        "a line. A recipe names the folders and sets everything else.",
        recipes="labelling/recipes",
    )

    from labelling.frames.recipe import FrameLabellerRecipe

    return training_command.train(options, FrameLabellerRecipe, build, usage="s2s label-frames --model {model} FOLDER")


def build(recipe: FrameLabellerRecipe, device: torch.device) -> Training:
    """Look at the films, build the model and the task of a recipe.

    Raises:
        UserError: a file of the recipe cannot be used.
    """
    import torch

    from labelling.frames.configuration import FrameLabellerConfig
    from labelling.frames.model import FrameLabellerModel
    from labelling.frames.prepare import prepare
    from labelling.frames.task import FrameLabellingTask
    from s2s.cli.training_command import Training
    from s2s.vision.backbones import build_backbone

    torch.manual_seed(seeds.of_weights(recipe.training.seed))
    backbone = build_backbone(recipe.image.backbone, recipe.image.weights).to(device)
    data = prepare(recipe, backbone)
    config = FrameLabellerConfig(
        labels=data.labels,
        backbone=recipe.image.backbone,
        preprocessing=recipe.image.preprocessing,
        sides=recipe.image.sides,
        encoder=recipe.encoder,
        head=recipe.head,
    )
    model = FrameLabellerModel.fresh(config, backbone)
    model.network.to(device)
    return Training(FrameLabellingTask(recipe, data, model, device), model.network, data.key)


def main() -> int:
    """Entry point."""
    return command.run(train)


if __name__ == "__main__":
    sys.exit(main())
