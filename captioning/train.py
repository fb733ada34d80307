"""Train a captioning model on pictures and captions."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
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
    """Prepare the data and the pictures, build the model and the task of a recipe.

    Raises:
        UserError: a file of the recipe cannot be used, or the model in `start` does not fit the recipe.
    """
    from captioning.model import CaptioningModel
    from captioning.prepare import prepare_pictures
    from captioning.self_critical import SelfCriticalTask
    from captioning.task import CaptioningTask
    from s2s.cli.training_command import Training

    start = CaptioningModel.load(recipe.start) if recipe.start else None
    data = prepare_pictures(recipe, start.vocabulary if start else None)
    model = _build_model(recipe, data, start)
    backbone, tuned = model.encoder.backbone, recipe.image.tuned_stages
    cnn = backbone.fingerprint()
    model.network.to(device)
    backbone.unfreeze(tuned)
    backbone.learning_rate_share = recipe.image.tuning_rate
    if tuned == len(backbone.stages):
        data, inputs = _with_pixels(data, recipe)
    else:
        data, inputs = _with_features(data, backbone.frozen_part(), recipe)
    # A picture that can no longer be read, or another CNN, makes other data: such a run is not resumed.
    data_key = cache.key([data.key(), cnn])
    start_key = cache.key([start.vocabulary.to_bytes().hex(), cnn]) if start else None
    task_class = SelfCriticalTask if recipe.self_critical else CaptioningTask
    task = task_class(recipe, data, model, inputs, device)

    def calibrate(best: Path) -> None:
        from captioning.calibration import calibrate_trained

        calibrate_trained(best, data.train, data.validation, device.type)

    return Training(task, task.network, data_key, start_key, calibrate)


def _build_model(recipe: Recipe, data: PreparedPictures, start: CaptioningModel | None) -> CaptioningModel:
    """Build the recipe's model, with the weights of `start` or with random ones drawn from the recipe's seed."""
    import torch

    from captioning.configuration import MAX_CAPTION_LENGTH, CaptioningConfig
    from captioning.model import CaptioningModel, build_network
    from s2s.storage.weights import load_weights
    from s2s.vision.backbones import build_backbone

    lengths = (len(ids) for example in data.train for ids in data.vocabulary.encode_all(example.captions))
    config = CaptioningConfig(
        backbone=recipe.image.backbone,
        vocabulary_kind=data.vocabulary.kind,
        max_caption_length=min(MAX_CAPTION_LENGTH, max(lengths)),
        preprocessing=recipe.image.preprocessing,
        encoder=recipe.encoder,
        decoder=recipe.decoder,
    )
    if start:
        training_command.check_same_shape(recipe.start, start.config, config, free=["max_caption_length"], names=_NAMES)
        longest = max(config.max_caption_length, start.config.max_caption_length)  # it can still write what it could
        config = replace(config, max_caption_length=longest)
    torch.manual_seed(seeds.of_weights(recipe.training.seed))
    backbone = start.encoder.backbone if start else build_backbone(recipe.image.backbone, recipe.image.weights)
    network = build_network(config, backbone, len(data.vocabulary))
    if start:
        load_weights(network, start.network.state_dict())
    return CaptioningModel(config, data.vocabulary, network)


def _with_features(
    data: PreparedPictures, backbone: Backbone, recipe: Recipe
) -> tuple[PreparedPictures, tuple[PictureInputs, PictureInputs]]:
    """Extract the features of the CNN's frozen part, and leave out the pictures that cannot be read.

    Args:
        data: all pictures
        backbone: the frozen part
        recipe: says how pictures are preprocessed and seen

    Returns:
        the data without those pictures, and the inputs of the training and of the validation pictures.
    """
    from s2s.vision.crops import WHOLE
    from s2s.vision.extract import Extraction, extract
    from s2s.vision.inputs import StoredFeatures

    def features(examples: Sequence[Example], view: Augmentation) -> Extraction:
        paths = [example.picture.path for example in examples]
        return extract(paths, backbone, recipe.image.preprocessing, view=view, precision=recipe.training.precision)

    def readable(examples: Sequence[Example], views: Sequence[Augmentation]) -> tuple[list[Example], StoredFeatures]:
        """Return the examples whose pictures can be read, and their features, of the whole and of other views."""
        whole = features(examples, WHOLE)
        for error in whole.failed:
            warn(f"left out: {error}")
        check(whole.kept, "no picture could be read; see the warnings above")
        examples, files = [examples[i] for i in whole.kept], {WHOLE: whole.features}
        for view in views:
            seen = features(examples, view)
            for error in seen.failed:  # else a row would be another picture in this view than in the whole one
                raise UserError(f"{error} (it could be read a moment ago; try again)")
            files[view] = seen.features
        return examples, StoredFeatures(files)

    train, train_inputs = readable(data.train, [view for view in recipe.image.views() if view != WHOLE])
    validation, validation_inputs = readable(data.validation, [])
    return replace(data, train=train, validation=validation), (train_inputs, validation_inputs)


def _with_pixels(
    data: PreparedPictures, recipe: Recipe
) -> tuple[PreparedPictures, tuple[PictureInputs, PictureInputs]]:
    """Read every picture once, and leave out those that cannot be read; else as `_with_features`."""
    from concurrent.futures import ThreadPoolExecutor

    from s2s.vision.extract import warn_of_flat
    from s2s.vision.images import ImageError, read_image
    from s2s.vision.inputs import DecodedPixels
    from s2s.vision.rgb import is_flat

    def flatness(example: Example) -> bool | None:
        """Whether a picture is one colour; None if it cannot be read."""
        try:
            return is_flat(read_image(example.picture.path))
        except ImageError as error:
            warn(f"left out: {error}")
            return None

    def readable(examples: Sequence[Example]) -> tuple[list[Example], DecodedPixels]:
        with ThreadPoolExecutor() as pool:
            found = [(each, flat) for each, flat in zip(examples, pool.map(flatness, examples)) if flat is not None]
        check(found, "no picture could be read; see the warnings above")
        warn_of_flat([example.picture.path for example, flat in found if flat])
        examples = [example for example, _ in found]
        return examples, DecodedPixels([example.picture.path for example in examples], recipe.image.preprocessing)

    train, train_inputs = readable(data.train)
    validation, validation_inputs = readable(data.validation)
    return replace(data, train=train, validation=validation), (train_inputs, validation_inputs)


def main() -> int:
    """Entry point."""
    return command.run(train)


if __name__ == "__main__":
    sys.exit(main())
