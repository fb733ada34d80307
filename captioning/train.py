"""Train a captioning model on pictures and captions."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from s2s import cache, seeds
from s2s.cli import command, training_command
from s2s.errors import UserError, check, warn

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from captioning.model import CaptioningModel
    from captioning.prepare import Example, PreparedPictures
    from captioning.recipe import Recipe
    from s2s.cli.training_command import Training
    from s2s.vision.backbones import Backbone
    from s2s.vision.crops import Augmentation
    from s2s.vision.inputs import PictureInputs

_NAMES = {"backbone": "image.backbone", "preprocessing": "image.preprocessing"}  # the model's, and the recipe's


def train(arguments: list[str]) -> int:
    """Train with the recipe that the arguments name; return the exit code."""
    options = training_command.parse(
        arguments,
        description="Train a captioning model on pictures and captions. A recipe names the data and sets everything "
        "else.",
        recipes="captioning/recipes",
    )
    from captioning.recipe import Recipe

    return training_command.train(options, Recipe, build, usage="caption --model {model} PICTURE")


def build(recipe: Recipe, device: torch.device) -> Training:
    """Data, features and network of a recipe."""
    from captioning.model import CaptioningModel
    from captioning.prepare import prepare_pictures
    from captioning.self_critical import SelfCriticalTask
    from captioning.task import CaptioningTask
    from s2s.cli.training_command import Training

    start = CaptioningModel.load(recipe.start) if recipe.start else None
    data = prepare_pictures(recipe, start.vocabulary if start else None)
    model = _model(recipe, data, start)
    backbone, tuned = model.encoder.backbone, recipe.image.tuned_stages
    cnn = backbone.fingerprint()
    model.network.to(device)
    kind = SelfCriticalTask if recipe.self_critical else CaptioningTask
    backbone.unfreeze(tuned)
    backbone.learning_rate_share = recipe.image.tuning_rate
    if tuned == len(backbone.stages):
        data, train, validation = _decoded(data, recipe)
    else:
        data, train, validation = _extracted(data, backbone.frozen_part(), recipe)
    # A picture that can no longer be read, or another CNN, is other data: such a run is not gone on with.
    key = cache.key([data.key(), cnn])
    kept = cache.key([start.vocabulary.to_bytes().hex(), cnn]) if start else None
    task = kind(recipe, data, model, (train, validation), device)
    return Training(task, task.network, key, kept)


def _model(recipe: Recipe, data: PreparedPictures, start: CaptioningModel | None) -> CaptioningModel:
    """A model in the recipe's shape, its weights drawn from the recipe's seed, or those of the model it starts from."""
    import torch

    from captioning.model import MAX_CAPTION_LENGTH, CaptioningConfig, CaptioningModel, build_network
    from s2s.storage.weights import load_weights
    from s2s.vision.backbones import build_backbone

    lengths = (len(ids) for example in data.train for ids in data.vocabulary.encode_all(example.captions))
    shape = CaptioningConfig(
        backbone=recipe.image.backbone,
        vocabulary_kind=data.vocabulary.kind,
        max_caption_length=min(MAX_CAPTION_LENGTH, max(lengths)),
        preprocessing=recipe.image.preprocessing,
        encoder=recipe.encoder,
        decoder=recipe.decoder,
    )
    if start:
        training_command.check_same_shape(recipe.start, start.config, shape, free=["max_caption_length"], names=_NAMES)
        longest = max(shape.max_caption_length, start.config.max_caption_length)  # what it could write, it still can
        shape = replace(shape, max_caption_length=longest)
    torch.manual_seed(seeds.of_weights(recipe.training.seed))
    backbone = start.encoder.backbone if start else build_backbone(recipe.image.backbone, recipe.image.weights)
    network = build_network(shape, backbone, len(data.vocabulary))
    if start:
        load_weights(network, start.network.state_dict())
    return CaptioningModel(shape, data.vocabulary, network)


def _extracted(
    data: PreparedPictures, backbone: Backbone, recipe: Recipe
) -> tuple[PreparedPictures, PictureInputs, PictureInputs]:
    """The features of what is frozen of the CNN, and the data without the pictures that could not be read."""
    from s2s.vision.crops import WHOLE
    from s2s.vision.extract import Extraction, extract
    from s2s.vision.inputs import StoredFeatures

    def features(side: Sequence[Example], view: Augmentation) -> Extraction:
        paths = [example.picture.path for example in side]
        return extract(paths, backbone, recipe.image.preprocessing, view=view, precision=recipe.training.precision)

    def of(side: Sequence[Example], others: Sequence[Augmentation]) -> tuple[list[Example], StoredFeatures]:
        """The examples of a side whose pictures could be read, and their features, seen whole and in other views."""
        whole = features(side, WHOLE)
        for error in whole.failed:
            warn(f"left out: {error}")
        check(whole.kept, "no picture could be read; see the warnings above")
        kept, files = [side[i] for i in whole.kept], {WHOLE: whole.features}
        for view in others:
            found = features(kept, view)
            for error in found.failed:  # or the rows of the two would be of different pictures
                raise UserError(f"{error} (it could be read a moment ago; try again)")
            files[view] = found.features
        return kept, StoredFeatures(files)

    train, train_inputs = of(data.train, [view for view in recipe.image.views() if view != WHOLE])
    validation, validation_inputs = of(data.validation, [])
    return replace(data, train=train, validation=validation), train_inputs, validation_inputs


def _decoded(data: PreparedPictures, recipe: Recipe) -> tuple[PreparedPictures, PictureInputs, PictureInputs]:
    """The pictures themselves, each read once now, and the data without those that could not be."""
    from concurrent.futures import ThreadPoolExecutor

    from s2s.vision.images import ImageError, read_image
    from s2s.vision.inputs import DecodedPixels

    def is_readable(example: Example) -> bool:
        try:
            read_image(example.picture.path)
        except ImageError as error:
            warn(f"left out: {error}")
            return False
        return True

    def of(side: Sequence[Example]) -> tuple[list[Example], DecodedPixels]:
        with ThreadPoolExecutor() as pool:
            kept = [example for example, readable in zip(side, pool.map(is_readable, side)) if readable]
        check(kept, "no picture could be read; see the warnings above")
        return kept, DecodedPixels([example.picture.path for example in kept], recipe.image.preprocessing)

    train, train_inputs = of(data.train)
    validation, validation_inputs = of(data.validation)
    return replace(data, train=train, validation=validation), train_inputs, validation_inputs


def main() -> int:
    """Entry point."""
    return command.run(train)


if __name__ == "__main__":
    sys.exit(main())
