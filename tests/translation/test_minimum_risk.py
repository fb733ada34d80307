"""Minimum risk training: what the beam finds is weighed by its BLEU, and the beam comes to find better."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from translation_fixtures import TEXT, task_of

from s2s.decoding.search import Hypothesis
from s2s.models.configuration import DropoutRates
from s2s.nn.precision import autocast
from s2s.text.tokens import END, UNK
from s2s.text.vocabulary import WordVocabulary
from s2s.training.rewards import rewarded_loss
from translation.metrics import sentence_bleu
from translation.minimum_risk import MinimumRiskTask, reward_gradient
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
    """Over the hypotheses that the beam found, as probable among them as the model makes them."""
    scores = torch.tensor([[-3.0, -4.0, -4.5], [-1.0, -9.0, -torch.inf]], requires_grad=True)
    rewards = torch.tensor([[0.3, 0.7, 0.1], [0.2, 0.4, 0.2]])
    (scores.softmax(1) * rewards).sum().backward()
    assert scores.grad is not None
    torch.testing.assert_close(reward_gradient(scores.detach().softmax(1), rewards), scores.grad)
    assert scores.grad[1, 2] == 0  # no third hypothesis was found


def test_where_all_are_as_good_there_is_nothing_to_learn() -> None:
    """Not even what rounding leaves, which would be measured by its own deviation."""
    for seed in range(50):
        torch.manual_seed(seed)
        rewards = torch.rand(8, 1).expand(8, 5)
        assert not reward_gradient(torch.randn(8, 5).softmax(1), rewards).any()


def test_a_reward_is_the_sentences_bleu_as_text() -> None:
    task = risk_task()
    ids = WORDS.encode("zwei hunde spielen")
    found = [[Hypothesis(ids, -1.0, -3.0, None, True), Hypothesis(ids[:2], -1.0, -2.0, None, False)]]
    rewards, probabilities = task._rewards(found, [[*ids, END]]), task._probabilities(found)
    short = sentence_bleu("zwei hunde", "zwei hunde spielen", "de") / 100
    assert rewards[0].tolist() == pytest.approx([1.0, short, 1.0, 1.0])
    assert 0 < short < 1
    torch.testing.assert_close(probabilities[0], torch.tensor([-3.0, -2.0, -torch.inf, -torch.inf]).softmax(0))


def test_an_unknown_word_is_one_among_others_to_bleu() -> None:
    """Where the reference has one it is wanted, and anywhere else it is wrong."""
    task, (two, dogs) = risk_task(), WORDS.encode("zwei hunde")
    said = [[UNK, two, dogs], [two, dogs], [UNK, two, UNK, dogs, UNK]]
    found = [[Hypothesis(ids, -1.0, -3.0, None, True) for ids in said]]
    with_one, without = (task._rewards(found, [[*ids, END]])[0] for ids in said[:2])
    assert with_one.argmax() == 0
    assert without.argmax() == 1
    assert with_one[2] < with_one[0]
    assert without[2] < without[0] < 1


def test_what_is_missing_or_empty_or_cut_off_is_learned_from_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two sources: one with a single hypothesis that was cut off, one with an empty one and a good one."""
    task = risk_task(width=2, cross_entropy=0.5)
    ids = [WORDS.encode(line) for line in TEXT.target[:2]]
    cut = Hypothesis(ids[0][:2], -1.0, -2.0, None, False)
    found = [[cut], [Hypothesis([], -1.0, -1.0, None, True), Hypothesis(ids[1], -1.0, -1.5, None, True)]]
    monkeypatch.setattr(task, "_search", lambda *_: found)
    network = task.model.network.eval()
    batch = task.batch(0, 0, [0, 1])
    loss = task.loss(network, batch)
    own = [ids[0][:2], ids[0][:2], [END], [*ids[1], END]]
    p = torch.tensor([-1.0, -1.5]).softmax(0)[1].item()  # of the good one, whose reward is 1; the empty one's is 0
    slope = p * (1 - p)
    weights = torch.tensor([[0.0, 0.0], [-slope, slope]])
    true = [[*row, END] for row in ids]
    expected = rewarded_loss(network, batch.source, own, weights / weights.std(), true, 0.5)
    assert loss.total.item() == pytest.approx(expected.total.item(), rel=1e-5)
    assert loss.weight == 2 + 2 + 1 + len(ids[1]) + 1
    first = sentence_bleu(WORDS.decode(ids[0][:2]), TEXT.target[0], "de") / 100
    assert loss.figures["reward"].item() / loss.weight == pytest.approx((first + p) / 2)


def test_hypotheses_are_found_without_dropout_and_with_the_width_of_the_recipe() -> None:
    """With nearly all of the output dropped they would be noise."""
    found = []
    for dropout in (0.0, 0.99):
        task = risk_task(dropout)
        task.network.train()
        found.append(task._search(task.batch(0, 0, [0, 1, 2])))
        assert task.network.training
    assert found[0] == found[1]
    assert [len(row) for row in found[0]] == [4, 4, 4]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_gradient_reaches_every_weight(precision: Any) -> None:
    """Weights that autocast casts while the beam searches must not be taken for the casts of training."""
    task = risk_task(precision=precision, cross_entropy=0.0)
    network = task.model.network.train()
    with autocast(precision, CPU):
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
