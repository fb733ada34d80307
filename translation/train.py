"""Train a translation model on parallel text."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s2s import cache, seeds
from s2s.cli import command, training_command
from s2s.cli.start import fill_shape
from s2s.errors import check

if TYPE_CHECKING:
    import torch

    from translation.configuration import TranslationConfig
    from translation.examples import TrainingData
    from translation.model import TranslationModel
    from translation.pair_pictures import PairPictures
    from translation.recipe import Recipe

_NAMES = {  # what the recipe calls keys of the model's configuration
    "source_language": "data.source_language",
    "target_language": "data.target_language",
    "joint_vocabulary": "vocabulary.joint",
}


def train(arguments: list[str]) -> int:
    """Train with the recipe that the arguments name; return the exit code."""
    options = training_command.parse(
        arguments,
        description="Train a translation model on parallel text: two files, where line n of one translates line n of "
        "the other. A recipe names the files and sets everything else.",
        recipes="translation/recipes",
    )

    from translation.recipe import Recipe

    return training_command.train(options, Recipe, build, usage="translate --model {model} FILE", complete=take_over)


def take_over(table: dict[str, Any]) -> Iterator[str]:
    """Fill in the keys that a recipe may leave out: a prepared corpus knows some, and the model in `start` others.

    Args:
        table: the recipe as read from TOML; changed in place.

    Yields:
        mistakes: a vocabulary in the recipe that is not the model's.
    """
    from s2s.storage.model_directory import read_model
    from translation.model import TranslationModel
    from translation.prepared_corpus import fill_in

    fill_in(table)
    start, vocabulary = table.get("start"), table.setdefault("vocabulary", {})
    if not isinstance(start, str) or not Path(start).is_dir() or not isinstance(vocabulary, dict):
        return  # the recipe's own mistakes are told when it is read
    model, made_by = TranslationModel.load(start), read_model(start).about
    fill_shape(table, "encoder", model.config.encoder)
    fill_shape(table, "decoder", model.config.decoder)
    table.setdefault("tie_embeddings", model.config.tie_embeddings)
    vocabulary.setdefault("joint", model.config.joint_vocabulary)
    size, kind = len(model.source), model.config.vocabulary_kind
    sizes = {size, size - model.config.placeholders, _asked_size(made_by) or size}  # a small text gives fewer tokens
    used = "leave it out of the recipe, for the vocabulary of the model in start is used"
    if vocabulary.setdefault("kind", kind) != kind:
        yield f"vocabulary.kind is {vocabulary['kind']!r}, but that of {start} is {kind!r}: {used}"
    elif kind in ("bpe", "unigram") and vocabulary.setdefault("size", max(sizes)) not in sizes:
        yield f"vocabulary.size is {vocabulary['size']}, but that of {start} is {size}: {used}"


def _asked_size(about: Mapping[str, Any]) -> int | None:
    """Return `vocabulary.size` of the recipe that a model was trained with."""
    value: Any = about
    for key in ("recipe", "vocabulary", "size"):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, int) else None


def build(recipe: Recipe, device: torch.device) -> training_command.Training:
    """Prepare the data, build the model and the task of a recipe.

    Raises:
        UserError: a file of the recipe cannot be used, or the model in `start` does not fit the recipe.
    """
    from translation.minimum_risk import MinimumRiskTask
    from translation.model import TranslationModel
    from translation.prepare import prepare_pairs
    from translation.prepared_corpus import read_corpus
    from translation.task import TranslationTask

    start = TranslationModel.load(recipe.start) if recipe.start else None
    read = read_corpus if recipe.data.prepared else prepare_pairs
    data = read(recipe, (start.source, start.target) if start else None)
    model = _build_model(recipe, data, start)
    model.network.to(device)
    task_class = MinimumRiskTask if recipe.minimum_risk else TranslationTask
    task = task_class(recipe, data, model, device, _pictures(recipe, data, model))
    print(task.report(), file=sys.stderr)
    start_key = cache.key([side.to_bytes().hex() for side in (start.source, start.target)]) if start else None

    def calibrate(best: Path) -> None:
        from translation.calibration import calibrate_trained

        calibrate_trained(best, data.validation, device.type)

    key = cache.key([data.key, task.pictures.key]) if task.pictures else data.key
    return training_command.Training(task, task.network, key, start_key, calibrate, _files(recipe))


def _files(recipe: Recipe) -> dict[str, str]:
    """The SHA-256 of the files that are read: of a prepared corpus, the validation text alone."""
    from s2s.files import sha256

    paths = [recipe.data.validation_source, recipe.data.validation_target]
    if recipe.data.prepared is None:
        paths += [path for corpus in recipe.data.training for path in corpus.paths]
    return {str(path): sha256(path) for path in paths}


def _pictures(recipe: Recipe, data: TrainingData, model: TranslationModel) -> PairPictures | None:
    """The photographs beside the pairs, seen by the model's CNN; None for a recipe without any."""
    if recipe.picture is None:
        return None
    from translation.pair_pictures import pair_pictures
    from translation.prepare import PreparedPairs

    assert model.backbone is not None
    assert isinstance(data, PreparedPairs)  # the recipe refuses pictures beside a prepared corpus
    return pair_pictures(recipe, recipe.picture, data, model.backbone)


def _build_model(recipe: Recipe, data: TrainingData, start: TranslationModel | None) -> TranslationModel:
    """Build the recipe's model, with the weights of `start` or with random ones drawn from the recipe's seed."""
    import torch

    from s2s.storage.weights import add_rows, load_weights
    from s2s.text.tokens import UNK
    from translation.configuration import MAX_LENGTH_RATIO, MAX_SOURCE_LENGTH, TranslationConfig
    from translation.model import TranslationModel

    config = TranslationConfig(
        source_language=recipe.data.source_language,
        target_language=recipe.data.target_language,
        vocabulary_kind=data.source.kind,
        joint_vocabulary=recipe.vocabulary.joint,
        tie_embeddings=recipe.tie_embeddings,
        max_source_length=min(MAX_SOURCE_LENGTH, data.longest_source),
        length_ratio=min(MAX_LENGTH_RATIO, max(1.0, data.length_ratio)),
        placeholders=data.source.placeholders,
        rare_characters=data.rare_characters(recipe.vocabulary.rare_character),
        encoder=recipe.encoder,
        decoder=recipe.decoder,
        picture=recipe.picture.model if recipe.picture else None,
    )
    if start:
        config = _continued(recipe, start, config)
    torch.manual_seed(seeds.of_weights(recipe.training.seed))
    backbone = start.backbone if start else None
    if recipe.picture and backbone is None:
        from s2s.vision.backbones import build_backbone

        backbone = build_backbone(recipe.picture.backbone, recipe.picture.weights)
    model = TranslationModel.fresh(config, data.source, data.target, backbone)
    if start:
        weights, added = start.network.state_dict(), data.source.placeholders - start.source.placeholders
        # A new placeholder begins as a copy of UNK, which the model learned to copy.
        load_weights(model.network, add_rows(weights, model.network, added, like=UNK) if added else weights)
    return model


def _continued(recipe: Recipe, start: TranslationModel, config: TranslationConfig) -> TranslationConfig:
    """Return `config` with lengths at least as large as those of the model that training starts from.

    Raises:
        UserError: the recipe does not fit the model.
    """
    free = ("max_source_length", "length_ratio", "placeholders", "rare_characters")
    training_command.check_same_shape(recipe.start, start.config, config, free=free, names=_NAMES)
    check(
        not recipe.vocabulary.bpe_dropout or start.source.kind == "bpe",
        f"{recipe.start}: its vocabulary is of kind {start.source.kind}, and vocabulary.bpe_dropout needs one of kind "
        "bpe: leave it out",
    )
    rare = config.rare_characters
    if start.config.placeholders:  # what the model has learned before, and a smaller text has not, is not rare
        rare = "".join(character for character in rare if character in start.config.rare_characters)
    return replace(
        config,
        rare_characters=rare,
        max_source_length=max(config.max_source_length, start.config.max_source_length),
        length_ratio=max(config.length_ratio, start.config.length_ratio),
    )


def main() -> int:
    """Entry point."""
    return command.run(train)


if __name__ == "__main__":
    sys.exit(main())
