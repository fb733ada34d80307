"""Train an answerer on questions about pictures, with their answers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from s2s import cache, seeds
from s2s.cli import command, training_command

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from question_answering.configuration import PictureConfig
    from question_answering.model import AnswererModel
    from question_answering.prepare import PreparedQuestions
    from question_answering.recipe import Recipe
    from s2s.cli.training_command import Training
    from s2s.vision.backbones import Backbone
    from s2s.vision.images import Preprocessing
    from s2s.vision.readable import Readable


def train(arguments: list[str]) -> int:
    """Train with the recipe that the arguments name; return the exit code."""
    options = training_command.parse(
        arguments,
        description="Train an answerer on questions about pictures. A recipe names the data and sets everything else. "
        "A blind network, which reads the question alone, is trained beside it.",
        recipes="question_answering/recipes",
    )
    from question_answering.recipe import Recipe

    return training_command.train(options, Recipe, build, usage='s2s answer --model {model} PHOTO "QUESTION"')


def build(recipe: Recipe, device: torch.device) -> Training:
    """Prepare the data and the pictures, build the model and the task of a recipe.

    Raises:
        UserError: a file of the recipe cannot be used.
    """
    from question_answering.prepare import prepare
    from question_answering.task import AnswererTask
    from s2s.cli.training_command import Training

    data = prepare(recipe)
    model, preprocessing = _build_model(recipe, data)
    backbone, tuned = model.encoder.backbone, recipe.picture.tuned_stages
    cnn = backbone.fingerprint()
    model.network.to(device)
    backbone.unfreeze(tuned)
    sides = [sorted({each.picture for each in side}) for side in (data.train, data.validation)]
    train, validation = (
        _readable(paths, backbone, preprocessing, recipe, varied=side == 0) for side, paths in enumerate(sides)
    )
    pictures = tuple([paths[i] for i in side.kept] for paths, side in zip(sides, (train, validation)))
    data = data.without(frozenset(sides[0] + sides[1]) - frozenset(pictures[0] + pictures[1]))
    task = AnswererTask(recipe, data, model, (pictures[0], pictures[1]), (train.inputs, validation.inputs), device)
    # A picture that can no longer be read, or another CNN, makes other data: such a run is not resumed.
    return Training(task, task.network, cache.key([data.key(), cnn]))


def _build_model(recipe: Recipe, data: PreparedQuestions) -> tuple[AnswererModel, Preprocessing]:
    """Build the recipe's model, with random weights drawn from the recipe's seed, and say how it sees pictures."""
    import torch

    from question_answering.assets import Assets
    from question_answering.configuration import AnswererConfig
    from question_answering.model import AnswererModel, build_network

    torch.manual_seed(seeds.of_weights(recipe.training.seed))
    picture, backbone = _pictures(recipe)
    config = AnswererConfig(
        answers=data.answers,
        picture=picture,
        embedding_dim=recipe.embedding_dim,
        encoder=recipe.encoder,
        attention=recipe.attention,
        decoder=recipe.written.decoder if recipe.written else None,
        max_answer_length=max(len(answer.split()) for answer in data.answers),
    )
    assets = Assets(config, data.words, data.written if recipe.written else None, data.frequent)
    return AnswererModel(assets, build_network(assets, backbone)), picture.preprocessing


def _pictures(recipe: Recipe) -> tuple[PictureConfig, Backbone]:
    """The picture encoder of the recipe, and what the model directory says of it."""
    from question_answering.configuration import OwnPictureConfig, SharedPictureConfig
    from question_answering.eyes import is_bundled
    from question_answering.recipe import CaptionerPictureConfig
    from s2s.models.pretrained import load_eyes
    from s2s.storage.bundled import find_model
    from s2s.storage.model_record import read_record, read_whole
    from s2s.vision.backbones import build_backbone

    chosen = recipe.picture
    if not isinstance(chosen, CaptionerPictureConfig):
        backbone = build_backbone(chosen.backbone, chosen.weights)
        backbone.learning_rate_share = chosen.tuning_rate
        return OwnPictureConfig(chosen.backbone, None, chosen.preprocessing), backbone
    backbone, preprocessing = load_eyes(chosen.model)
    if is_bundled(chosen.model):
        checksum = read_whole(find_model(chosen.model), read_record).checksum
        return SharedPictureConfig(str(chosen.model), str(checksum), backbone.dim, preprocessing), backbone
    name = backbone.name.partition(",")[0]
    return OwnPictureConfig(name, backbone.dim, preprocessing), backbone


def _readable(
    paths: Sequence[Path], backbone: Backbone, preprocessing: Preprocessing, recipe: Recipe, *, varied: bool
) -> Readable:
    """The pictures that can be read; `varied` pictures are seen in all views of the recipe."""
    from question_answering.recipe import views
    from s2s.vision.crops import WHOLE
    from s2s.vision.readable import readable_features, readable_pixels

    if recipe.picture.tuned_stages == len(backbone.stages):
        return readable_pixels(paths, preprocessing)
    further = [view for view in views(recipe.picture) if view != WHOLE] if varied else []
    return readable_features(paths, backbone.frozen_part(), preprocessing, further, recipe.training.precision)


def main() -> int:
    """Entry point."""
    return command.run(train)


if __name__ == "__main__":
    sys.exit(main())
