"""Train a translation model on parallel text."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from s2s import cache, seeds
from s2s.cli import command, training_command
from s2s.errors import check

if TYPE_CHECKING:
    import torch

    from translation.model import TranslationConfig, TranslationModel
    from translation.prepare import PreparedPairs
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

    return training_command.train(options, Recipe, build, usage="translate --model {model} FILE")


def build(recipe: Recipe, device: torch.device) -> training_command.Training:
    """The data, a model and the task that the recipe describes."""
    from translation.minimum_risk import MinimumRiskTask
    from translation.model import TranslationModel
    from translation.prepare import prepare_pairs
    from translation.task import TranslationTask

    start = TranslationModel.load(recipe.start) if recipe.start else None
    data = prepare_pairs(recipe, (start.source, start.target) if start else None)
    model = _model(recipe, data, start)
    model.network.to(device)
    kind = MinimumRiskTask if recipe.minimum_risk else TranslationTask
    task = kind(recipe, data, model, device)
    print(task.report(), file=sys.stderr)
    kept = cache.key([side.to_bytes().hex() for side in (start.source, start.target)]) if start else None
    return training_command.Training(task, model.network, data.key, kept)


def _model(recipe: Recipe, data: PreparedPairs, start: TranslationModel | None) -> TranslationModel:
    """A model in the recipe's shape, its weights drawn from the recipe's seed, or those of the model it starts from."""
    import torch

    from s2s.storage.weights import load_weights
    from translation.model import MAX_LENGTH_RATIO, MAX_SOURCE_LENGTH, TranslationConfig, TranslationModel

    sources, targets = data.tokens
    ratios = sorted(len(target) / len(source) for source, target in zip(sources, targets))
    shape = TranslationConfig(
        source_language=recipe.data.source_language,
        target_language=recipe.data.target_language,
        vocabulary_kind=data.source.kind,
        joint_vocabulary=recipe.vocabulary.joint,
        tie_embeddings=recipe.tie_embeddings,
        max_source_length=min(MAX_SOURCE_LENGTH, max(map(len, sources))),
        length_ratio=min(MAX_LENGTH_RATIO, max(1.0, ratios[int(0.999 * (len(ratios) - 1))])),
        encoder=recipe.encoder,
        decoder=recipe.decoder,
    )
    if start:
        shape = _gone_on(recipe, start, shape)
    torch.manual_seed(seeds.of_weights(recipe.training.seed))
    model = TranslationModel.fresh(shape, data.source, data.target)
    if start:
        load_weights(model.network, start.network.state_dict())
    return model


def _gone_on(recipe: Recipe, start: TranslationModel, shape: TranslationConfig) -> TranslationConfig:
    """The shape of what goes on from a model, which must fit; what that could read and write, this still can."""
    lengths = ("max_source_length", "length_ratio")
    training_command.check_same_shape(recipe.start, start.config, shape, free=lengths, names=_NAMES)
    check(
        not recipe.vocabulary.bpe_dropout or start.source.kind == "bpe",
        f"{recipe.start}: its vocabulary is of kind {start.source.kind}, and vocabulary.bpe_dropout drops BPE's "
        "merges: leave it out",
    )
    return replace(
        shape,
        max_source_length=max(shape.max_source_length, start.config.max_source_length),
        length_ratio=max(shape.length_ratio, start.config.length_ratio),
    )


def main() -> int:
    """Entry point."""
    return command.run(train)


if __name__ == "__main__":
    sys.exit(main())
