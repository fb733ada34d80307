"""Translation models of a few thousand random weights, with subwords of a few English lines; six pairs and a task."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from model_fixtures import recurrent

from s2s.models.configuration import (
    ParallelConfig,
    RecurrentEncoderConfig,
    TransformerDecoderConfig,
    TransformerEncoderConfig,
)
from s2s.nn.configuration import AdditiveConfig, LearnedConfig
from s2s.text.subwords import train_subwords
from s2s.text.tokens import END
from s2s.text.vocabulary import Vocabulary
from translation.configuration import TranslationConfig
from translation.corpus import ParallelText
from translation.model import TranslationModel
from translation.prepare import PreparedPairs
from translation.recipe import BatchConfig, DataConfig, Recipe, VocabularyConfig
from translation.task import TranslationTask

LINES = ["A man in a red hat is sleeping in the park .", "Two dogs play with a ball in the snow !"]
SHAPE = TranslationConfig(
    source_language="en",
    target_language="de",
    vocabulary_kind="word",
    joint_vocabulary=True,
    tie_embeddings=True,
    max_source_length=20,
    length_ratio=1.0,
    encoder=RecurrentEncoderConfig(dim=8),
    decoder=ParallelConfig(embedding_dim=8, dim=8, attention=AdditiveConfig(8)),
)
ENCODER = TransformerEncoderConfig(dim=8, layers=2, heads=2, feedforward_dim=12, norm="post")
DECODER = TransformerDecoderConfig(dim=8, layers=2, heads=2, feedforward_dim=12, positions=LearnedConfig(40))
TRANSFORMER_FORMS: dict[str, dict[str, Any]] = {
    "transformer": {"encoder": ENCODER, "decoder": DECODER},
    "recurrent encoder": {"encoder": RecurrentEncoderConfig(dim=6), "decoder": DECODER},
    "recurrent decoder": {"encoder": ENCODER, "decoder": SHAPE.decoder},
}
SOURCE = ["a man sleeps", "two dogs play in the park", "a woman", "the dog of the woman", "a park in Ulmburg", "dogs"]
TARGET = ["ein mann schläft", "zwei hunde spielen", "eine frau", "der hund der frau", "ein park in Ulmburg", "hunde"]
TEXT = ParallelText(SOURCE, TARGET, [1, 2, 4, 5, 6, 9])
DATA = DataConfig(
    Path("val.en"), Path("val.de"), "en", "de", train_source=(Path("train.en"),), train_target=(Path("train.de"),)
)


def tiny_model(dim: int = 16) -> TranslationModel:
    """It writes nonsense, of other words for other lines; it was "trained" on sources of at most 30 tokens."""
    vocabulary = train_subwords(LINES, 60)
    shape = replace(SHAPE, vocabulary_kind="bpe", max_source_length=30, decoder=replace(SHAPE.decoder, dim=dim))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        model = TranslationModel.fresh(shape, vocabulary, vocabulary)
        with torch.no_grad():
            for parameter in model.network.parameters():
                parameter.normal_()
            recurrent(model.network).projection.bias[END] += 2  # as it is, a random model hardly ever ends
    return model


def transformer_model(form: str = "transformer", seed: int = 7) -> TranslationModel:
    """It writes nonsense, of other words for other lines."""
    vocabulary = train_subwords(LINES, 60)
    shape: TranslationConfig = replace(SHAPE, vocabulary_kind="bpe", max_source_length=30, **TRANSFORMER_FORMS[form])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = TranslationModel.fresh(shape, vocabulary, vocabulary)
        with torch.no_grad():
            for parameter in made.network.parameters():
                parameter.copy_(torch.randn_like(parameter).half())  # so that saving changes none
            made.network.decoder.get_submodule("projection").bias[END] += 2  # type: ignore[index,operator]
    made.network.eval()
    return made


def task_of(vocabulary: Vocabulary, *, batch: int = 2, smoothing: float = 0.1, **options: Any) -> TranslationTask:
    """A task on the sentences above, with a fresh small model that writes to the greatest length."""
    options = {"kind": vocabulary.kind, "unknown_copies": 0.0, **options}
    recipe = Recipe(
        DATA, BatchConfig(sentences=batch), vocabulary=VocabularyConfig(**options), label_smoothing=smoothing
    )
    recipe = replace(recipe, training=replace(recipe.training, precision="float32"))
    shape = replace(SHAPE, vocabulary_kind=vocabulary.kind)
    torch.manual_seed(0)
    model = TranslationModel.fresh(shape, vocabulary, vocabulary)
    with torch.no_grad():
        for parameter in model.network.parameters():
            parameter.copy_(torch.randn_like(parameter).half())  # so that saving changes none
        recurrent(model.network).projection.bias[END] = -10
    model.network.eval()
    validation = ParallelText(["", *SOURCE[:3]], ["nichts", *TARGET[:3]], range(1, 5))
    data = PreparedPairs(TEXT, [len(TEXT)], validation, vocabulary, vocabulary, "key")
    return TranslationTask(recipe, data, model, torch.device("cpu"))


def table(docstring: str | None) -> list[tuple[str, ...]]:
    """The rows below the header of the table in a docstring; two spaces or more separate its columns."""
    lines = [line.strip() for line in (docstring or "").splitlines() if line.startswith("    ")]
    _, *rows = [tuple(re.split(" {2,}", line)) for line in lines]
    return rows
