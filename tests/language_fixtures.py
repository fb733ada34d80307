"""Language models of a few hundred random weights, and a task on a small text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from language_model.configuration import LanguageModelConfig
from language_model.corpus import Text
from language_model.model import LanguageModel
from language_model.prepare import PreparedText, learn_vocabulary
from language_model.recipe import BatchConfig, DataConfig, FullSoftmax, Recipe, SampledSoftmax, VocabularyConfig
from language_model.task import LanguageModelTask
from s2s.models.language_configuration import LanguageModelDropout, RecurrentLanguageModelConfig
from s2s.nn.configuration import CellConfig, LSTMConfig

LINES = ["A man in a red hat is sleeping in the park .", "", "Two dogs play with a ball in the snow !"]
TEXT = Text(LINES * 20)
WHOLE = FullSoftmax()
NOTHING = LanguageModelDropout(embedding=0, hidden=0, output=0, weight=0)


def tiny_language_model(
    kind: str = "character", *, cell: CellConfig | None = None, tied: bool = False, layers: int = 2
) -> LanguageModel:
    """It writes nonsense."""
    vocabulary = learn_vocabulary(TEXT, VocabularyConfig(kind, size=60))  # type: ignore[arg-type]
    shape = RecurrentLanguageModelConfig(cell or LSTMConfig(), 6, 8, layers, tied, NOTHING)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        model = LanguageModel.fresh(LanguageModelConfig(vocabulary.kind, shape, example="Two dogs"), vocabulary)
        with torch.no_grad():
            for parameter in model.decoder.parameters():
                parameter.copy_(torch.randn_like(parameter).half())  # so that saving changes none
    model.decoder.eval()
    return model


def task_of(
    *,
    streams: int = 4,
    steps: int = 9,
    dropout: LanguageModelDropout = NOTHING,
    softmax: FullSoftmax | SampledSoftmax = WHOLE,
    **shape: Any,
) -> LanguageModelTask:
    """A task on the text above, with a fresh small model."""
    vocabulary = learn_vocabulary(TEXT, VocabularyConfig())
    recipe = Recipe(
        DataConfig((Path("train.txt"),), validation_share=0.1),
        BatchConfig(streams, steps),
        model=RecurrentLanguageModelConfig(embedding_dim=6, dim=8, dropout=dropout, tie_embeddings=False, **shape),
        softmax=softmax,
    )
    recipe = replace(recipe, training=replace(recipe.training, precision="float32"))
    train, validation = TEXT.split(0.1)
    ids, held_out = train.encode(vocabulary), validation.encode(vocabulary)
    data = PreparedText(ids, held_out, validation.characters, validation.words, vocabulary, "key")
    torch.manual_seed(0)
    model = LanguageModel.fresh(LanguageModelConfig("character", recipe.model), vocabulary)
    return LanguageModelTask(recipe, data, model, torch.device("cpu"))


def ids_of(model: LanguageModel, text: Text = TEXT) -> np.ndarray:
    """The tokens of a text."""
    return text.encode(model.vocabulary)
