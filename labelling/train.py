"""What the trainings of classifiers and taggers share: from a recipe to a model and its task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s2s import seeds

if TYPE_CHECKING:
    import torch

    from labelling.pretraining import Start
    from labelling.recipe import Recipe
    from s2s.cli.training_command import Training


def build(recipe: Recipe, device: torch.device, start: Start | None = None) -> Training:
    """Read the data, build the model and the task of a recipe.

    Args:
        recipe: of a classifier or a tagger
        device: that the model is put on
        start: what completed the recipe, with the model that it has loaded; None to load `recipe.start` here

    Raises:
        UserError: a file of the recipe cannot be used.
    """
    import torch

    from labelling.assets import Assets
    from labelling.configuration import LabellingConfig
    from labelling.model import LabellingModel
    from labelling.prepare import prepare
    from labelling.pretraining import Start
    from labelling.recipe import TaggerRecipe
    from labelling.task import ClassifierTask, TaggerTask
    from s2s.cli.training_command import Training

    data = prepare(recipe)
    tags = isinstance(recipe, TaggerRecipe)
    written = recipe.data.scheme if isinstance(recipe, TaggerRecipe) else "none"
    learned = recipe.learned_scheme if isinstance(recipe, TaggerRecipe) else "none"
    config = LabellingConfig(
        labels=data.labels,
        head=recipe.head,
        embedding_dim=recipe.embedding_dim,
        lower_case=recipe.vocabulary.lower_case,
        tokenise=not isinstance(recipe, TaggerRecipe) and recipe.data.tokenise,
        spelling=recipe.spelling,
        encoder=recipe.encoder,
        scheme=learned,
        written_scheme=written,
    )
    torch.manual_seed(seeds.of_weights(recipe.training.seed))
    model = LabellingModel.fresh(Assets(config, data.words, data.characters))
    if recipe.start:
        (start or Start()).begin(model, recipe.start)
    model.network.to(device)
    task = (TaggerTask if tags else ClassifierTask)(recipe, data, model, device)
    return Training(task, model.network, data.key)
