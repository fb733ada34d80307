"""A recurrent model learns what n-grams cannot: lines that end as they began, with more between than an n-gram."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch
from language_fixtures import NOTHING
from ngram import NgramModel

from language_model.configuration import LanguageModelConfig
from language_model.corpus import Text
from language_model.model import LanguageModel
from language_model.prepare import PreparedText, learn_vocabulary
from language_model.recipe import BatchConfig, DataConfig, Recipe, VocabularyConfig
from language_model.task import LanguageModelTask
from s2s.models.language_configuration import RecurrentLanguageModelConfig

ORDER, GAP = 4, 3


def lines(count: int, seed: int) -> Text:
    drawn = random.Random(seed)
    return Text([f"{letter}{'-' * GAP}{letter}" for letter in drawn.choices("abcdefgh", k=count)])


def test_the_baseline_is_a_distribution_and_counts_are_what_it_rests_on() -> None:
    model = NgramModel([0, 1, 2, 0, 1, 3, 0, 1, 2], order=3, vocabulary=5)
    for context in ([], [0], [0, 1], [4, 4], [3, 0, 1]):
        assert sum(model.probability(token, context) for token in range(5)) == pytest.approx(1)
    assert model.probability(2, [0, 1]) > model.probability(3, [0, 1]) > model.probability(4, [0, 1]) > 0
    assert NgramModel([], 3, 5).nats([0, 1, 2]) == pytest.approx(1.609, abs=1e-3)


def test_a_carried_state_remembers_what_an_ngram_has_forgotten() -> None:
    """After a line's first letter all else is certain; a 4-gram cannot know the last letter, which costs ln 8."""
    train, held_out = lines(1500, seed=1), lines(200, seed=2)
    vocabulary = learn_vocabulary(train, VocabularyConfig())
    ids, validation = train.encode(vocabulary), held_out.encode(vocabulary)
    baseline = NgramModel(ids.tolist(), ORDER, len(vocabulary)).nats(validation.tolist())
    shape = RecurrentLanguageModelConfig(embedding_dim=8, dim=32, layers=1, tie_embeddings=False, dropout=NOTHING)
    recipe = Recipe(DataConfig(()), BatchConfig(streams=10, steps=24), model=shape)
    recipe = replace(recipe, training=replace(recipe.training, precision="float32"))
    torch.manual_seed(1)
    model = LanguageModel.fresh(LanguageModelConfig("character", shape), vocabulary)
    data = PreparedText(ids, validation, held_out.characters, held_out.words, vocabulary, "key")
    task = LanguageModelTask(recipe, data, model, torch.device("cpu"))
    optimiser = torch.optim.Adam(task.network.parameters(), lr=0.01)
    for epoch in range(12):
        for position, examples in enumerate(task.plan(epoch)):
            optimiser.zero_grad()
            loss = task.loss(task.network, task.batch(epoch, position, examples))
            (loss.total / loss.weight).backward()
            optimiser.step()
    task.network.eval()
    with torch.no_grad():
        found = task.validate(task.network).loss
    entropy = 2.079 / (GAP + 3)  # of the first letter: ln 8 nats a line
    assert baseline > 1.8 * entropy
    assert found < 1.2 * entropy
