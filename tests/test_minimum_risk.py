"""Minimum risk training: what the beam finds is weighed by its BLEU, and the beam comes to find better."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from test_task import TEXT, task_of

from s2s.decoder import DropoutRates
from s2s.metrics import sentence_bleu
from s2s.precision import products
from s2s.search import Hypothesis
from s2s.vocabulary import END, WordVocabulary
from translation.minimum_risk import MinimumRiskTask, advantages
from translation.model import TranslationModel
from translation.recipe import MinimumRiskConfig
from translation.task import TranslationTask

CPU = torch.device("cpu")
WORDS = WordVocabulary.from_lines([*TEXT.source, *TEXT.target], threshold=1)


def risk_task(dropout: float = 0.0, precision: Any = "float32", **options: Any) -> MinimumRiskTask:
    """Small, its weights as they are drawn, so that it is unsure."""
    plain = task_of(WORDS)
    recipe = replace(
        plain.recipe,
        minimum_risk=MinimumRiskConfig(**{"width": 4, **options}),
        training=replace(plain.recipe.training, precision=precision),
    )
    rates = DropoutRates(word=0, embedding=0, hidden=0, context=0, output=dropout)
    decoder = replace(plain.model.config.decoder, dropout=rates)
    torch.manual_seed(3)
    model = TranslationModel.fresh(replace(plain.model.config, decoder=decoder), WORDS, WORDS)
    return MinimumRiskTask(recipe, plain.data, model, CPU)


def test_the_weights_are_the_gradient_of_the_expected_reward() -> None:
    """Over the hypotheses that the beam found, with shares as the model's probabilities have it."""
    scores = torch.tensor([[-3.0, -4.0, -4.5], [-1.0, -9.0, -torch.inf]], requires_grad=True)
    rewards = torch.tensor([[0.3, 0.7, 0.1], [0.2, 0.4, 0.0]])
    (scores.softmax(1) * rewards).sum().backward()
    assert scores.grad is not None
    torch.testing.assert_close(advantages(scores.detach(), rewards), scores.grad / scores.grad.std())
    assert scores.grad[1, 2] == 0  # no third hypothesis was found
    assert not advantages(scores.detach(), torch.full((2, 3), 0.4)).any()


def test_a_reward_is_the_sentences_bleu_as_text() -> None:
    task = risk_task()
    ids = WORDS.encode("zwei hunde spielen")
    found = [[Hypothesis(ids, -1.0, -3.0, None, True), Hypothesis(ids[:2], -1.0, -2.0, None, False)]]
    scores, rewards = task._rewards(found, [[*ids, END]])
    assert scores.tolist() == [[-3.0, -2.0, -torch.inf, -torch.inf]]
    assert rewards[0].tolist() == pytest.approx([1.0, sentence_bleu("zwei hunde", "zwei hunde spielen") / 100, 0, 0])
    assert 0 < rewards[0, 1] < 1


def test_hypotheses_are_found_without_dropout_and_with_the_width_of_the_recipe() -> None:
    """With nearly all of the output dropped they would be noise."""
    found = []
    for dropout in (0.0, 0.99):
        task = risk_task(dropout)
        found.append(task._found(task.model.network.train(), task.batch(0, 0, [0, 1, 2])))
        assert task.model.network.training
    assert found[0] == found[1]
    assert [len(row) for row in found[0]] == [4, 4, 4]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_gradient_reaches_every_weight(precision: Any) -> None:
    """Weights that autocast casts while the beam searches must not be taken for the casts of training."""
    task = risk_task(precision=precision, cross_entropy=0.0)
    network = task.model.network.train()
    with products(precision, CPU):
        loss = task.loss(network, task.batch(0, 0, [0, 1, 2, 3]))
    loss.total.backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_the_beam_comes_to_find_better() -> None:
    """A model that cross-entropy has taught a little, and without any cross-entropy from there on."""
    task = risk_task(cross_entropy=0.0)
    rewards = list[float]()
    _train(task, TranslationTask.loss, steps=15)
    _train(task, MinimumRiskTask.loss, steps=40, rewards=rewards)
    assert sum(rewards[-5:]) > 2 * sum(rewards[:5])


def _train(task: MinimumRiskTask, loss_of: Any, steps: int, rewards: list[float] | None = None) -> None:
    network = task.model.network.train()
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(steps):
        loss = loss_of(task, network, task.batch(0, 0, range(len(TEXT))))
        (loss.total / loss.weight).backward()
        optimiser.step()
        optimiser.zero_grad()
        if rewards is not None:
            rewards.append(loss.figures["reward"].item() / loss.weight)
