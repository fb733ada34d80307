"""Train a captioning model on pictures and captions."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from s2s import cache, seeds
from s2s.cli import command, training_command
from s2s.errors import check
from s2s.storage.run_directory import RunDirectory

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from captioning.model import CaptioningModel
    from captioning.prepare import Example, PreparedPictures
    from captioning.recipe import Recipe
    from captioning.writing import Writing
    from s2s.cli.training_command import Training
    from s2s.vision.backbones import Backbone
    from s2s.vision.crops import Augmentation
    from s2s.vision.inputs import PictureInputs
    from s2s.vision.readable import Readable

_NAMES = {"backbone": "image.backbone", "preprocessing": "image.preprocessing"}  # the model's, and the recipe's


def train(arguments: list[str]) -> int:
    """Train with the recipe that the arguments name; return the exit code."""
    options = training_command.parse(
        arguments,
        description="Train a captioning model on pictures and captions. A recipe names the data and sets everything "
        "else.",
        recipes="captioning/recipes",
    )
    from captioning.completion import complete
    from captioning.recipe import Recipe

    run = RunDirectory.watch(options.run)
    fill_in = partial(complete, before=run.recipe if options.resume and run.has_state() else None)
    return training_command.train(options, Recipe, build, usage="caption --model {model} PICTURE", complete=fill_in)


def build(recipe: Recipe, device: torch.device) -> Training:
    """Prepare the data and the pictures, build the model and the task of a recipe.

    Raises:
        UserError: a file of the recipe cannot be used, or the model in `start` does not fit the recipe.
    """
    from captioning.configuration import KIND
    from captioning.model import CaptioningModel
    from captioning.prepare import prepare_pictures
    from captioning.self_critical import SelfCriticalTask
    from captioning.task import CaptioningTask
    from s2s.cli.training_command import Training
    from s2s.storage.bundled import find_model
    from s2s.text.languages import is_same_language

    start = CaptioningModel.load(find_model(recipe.start, KIND)) if recipe.start else None
    writing = _writing(recipe, start)
    same = start is not None and is_same_language(start.config.language, writing.language)
    if start and not same:
        other = f"start writes {start.config.language}, and these captions are in {writing.language}: all its weights"
        print(f"{other} are kept but those of words, which are learned anew", file=sys.stderr)
    data = prepare_pictures(recipe, start.vocabulary if start and same else None, writing)
    model = _build_model(recipe, data, writing, start)
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


def _writing(recipe: Recipe, start: CaptioningModel | None) -> Writing:
    """How captions are written: as `start` writes them, or by the recipe where that writes another language."""
    from captioning.writing import Writing
    from s2s.text.languages import ENGLISH, is_same_language

    language = recipe.language or (start.config.language if start else ENGLISH)
    problems = list(recipe.language_problems(language))
    check(not problems, "; ".join(problems))
    if start and is_same_language(start.config.language, language):
        return start.config.writing
    return Writing(recipe.vocabulary.text, words=recipe.vocabulary.kind == "word", language=language)


def _build_model(
    recipe: Recipe, data: PreparedPictures, writing: Writing, start: CaptioningModel | None
) -> CaptioningModel:
    """Build the recipe's model, with the weights of `start` or with random ones drawn from the recipe's seed.

    Where `start` has another vocabulary, the weights of words are random ones, too.
    """
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
        text=writing.text,
        language=writing.language,
    )
    known = start is not None and data.vocabulary is start.vocabulary
    if start:
        free = ["max_caption_length", "language", *([] if known else ["vocabulary_kind", "text"])]
        training_command.check_same_shape(recipe.start, start.config, config, free=free, names=_NAMES)
        longest = max(config.max_caption_length, start.config.max_caption_length)  # it can still write what it could
        config = replace(config, max_caption_length=longest)
    torch.manual_seed(seeds.of_weights(recipe.training.seed))
    backbone = start.encoder.backbone if start else build_backbone(recipe.image.backbone, recipe.image.weights)
    network = build_network(config, backbone, len(data.vocabulary))
    if start:
        own = {} if known else {name: each for name, each in network.state_dict().items() if _of_words(name)}
        load_weights(network, start.network.state_dict() | own)
    return CaptioningModel(config, data.vocabulary, network)


def _of_words(name: str) -> bool:
    """Whether a tensor of the network has a row per token: the embeddings and the output layer of every decoder."""
    return name.startswith(("decoder.embedding.", "decoder.projection."))


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
    from s2s.vision.readable import readable_features

    def readable(paths: Sequence[Path], views: Sequence[Augmentation]) -> Readable:
        return readable_features(paths, backbone, recipe.image.preprocessing, views, recipe.training.precision)

    train = readable(_paths(data.train), [view for view in recipe.image.views() if view != WHOLE])
    return _only(data, train, readable(_paths(data.validation), []))


def _with_pixels(
    data: PreparedPictures, recipe: Recipe
) -> tuple[PreparedPictures, tuple[PictureInputs, PictureInputs]]:
    """Read every picture once, and leave out those that cannot be read; else as `_with_features`."""
    from s2s.vision.readable import readable_pixels

    train, validation = (
        readable_pixels(_paths(side), recipe.image.preprocessing) for side in (data.train, data.validation)
    )
    return _only(data, train, validation)


def _paths(examples: Sequence[Example]) -> list[Path]:
    return [example.picture.path for example in examples]


def _only(
    data: PreparedPictures, train: Readable, validation: Readable
) -> tuple[PreparedPictures, tuple[PictureInputs, PictureInputs]]:
    """The data with the pictures that can be read, and their inputs."""
    data = replace(
        data,
        train=[data.train[i] for i in train.kept],
        validation=[data.validation[i] for i in validation.kept],
    )
    return data, (train.inputs, validation.inputs)


def main() -> int:
    """Entry point."""
    return command.run(train)


if __name__ == "__main__":
    sys.exit(main())
