"""Estimators of the gradient through hard attention, against the exact gradient over all ways of looking.

The model is so small (3 positions, 3 steps) that all 27 ways can be computed one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest
import torch
from model_fixtures import DECODER_KINDS
from torch import Tensor

from s2s.models.configuration import DropoutRates
from s2s.models.contracts import Predictions, Sampled
from s2s.models.decoders import build_decoder
from s2s.models.encoder_decoder import EncoderDecoder
from s2s.models.memory import Memory
from s2s.models.recurrent_decoder import RecurrentDecoder
from s2s.nn.configuration import (
    AdditiveConfig,
    EstimatorConfig,
    HardConfig,
    LeaveOneOutConfig,
    MarginalConfig,
    MovingBaselineConfig,
)
from s2s.nn.hard_attention import HardAttention
from s2s.nn.loss import cross_entropy_of_rows
from s2s.text.padding import Padded
from s2s.training.sampled_attention import LeaveOneOut, MovingBaseline, estimator_of, rewards_to_go
from s2s.training.task import TaskState

POSITIONS, VOCABULARY, DIM = 3, 7, 4
READ, TARGETS = torch.tensor([[2, 4, 5]]), torch.tensor([[4, 5, 3]])
MASK = torch.ones(1, 3, dtype=torch.bool)
WIRINGS = ["show_attend_tell", "input_feeding", "parallel"]
PATHS = list(product(range(POSITIONS), repeat=3))


class Forced:
    """Chooses given positions, one after the other; a choice for several queries at once takes as many of them."""

    def __init__(self, path: Sequence[int]) -> None:
        self._path = list(path)

    def __call__(self, probabilities: Tensor) -> Tensor:
        count = probabilities.shape[1]
        taken, self._path = self._path[:count], self._path[count:]
        return torch.tensor([taken])


class Given(torch.nn.Module):
    """An encoder whose output is a parameter, so that its gradient is compared too."""

    def __init__(self) -> None:
        super().__init__()
        self.grid = torch.nn.Parameter(torch.randn(1, POSITIONS, DIM, dtype=torch.float64))

    def forward(self, inputs: Any) -> Memory:
        return Memory(self.grid, None, self.grid.mean(1))


def build(wiring: str, estimator: EstimatorConfig) -> tuple[EncoderDecoder, HardAttention]:
    """A model in float64 without dropout, whose attention is far from even."""
    torch.manual_seed(5)
    rates = DropoutRates(embedding=0, hidden=0, context=0, output=0)
    config = DECODER_KINDS[wiring](
        embedding_dim=DIM, dim=DIM, attention=HardConfig(AdditiveConfig(4), estimator), dropout=rates
    )
    decoder = build_decoder(config, VOCABULARY, DIM, DIM)
    assert isinstance(decoder, RecurrentDecoder)
    attention = decoder.attention
    assert isinstance(attention, HardAttention)
    network = EncoderDecoder(Given(), decoder).double().train()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(2)
    return network, attention


def path_likelihoods(network: EncoderDecoder, attention: HardAttention, path: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Log p(y | s) and log p(s) of one way of looking, with their gradients."""
    with attention.choosing(Forced(path)):
        predictions = network(None, READ, MASK)
    words = predictions.logits.log_softmax(-1).gather(1, TARGETS.view(-1, 1))
    assert predictions.sampled is not None
    return words.sum(), predictions.sampled.log_probability.sum()


def gradients(network: EncoderDecoder, value: Tensor) -> Tensor:
    found = torch.autograd.grad(value, list(network.parameters()), allow_unused=True)
    return torch.cat(
        [
            (torch.zeros_like(parameter) if gradient is None else gradient).flatten()
            for parameter, gradient in zip(network.parameters(), found)
        ]
    )


def exact_gradient(network: EncoderDecoder, attention: HardAttention) -> Tensor:
    """Of -sum_s p(s) log p(y | s), over all ways of looking."""
    total = torch.zeros((), dtype=torch.float64)
    for path in PATHS:
        words, choices = path_likelihoods(network, attention, path)
        total = total - choices.exp() * words
    return gradients(network, total)


def estimates(network: EncoderDecoder, estimator: Any, count: int) -> Tensor:
    """Gradients (count, parameters), each of one batch."""
    read, targets = (estimator.repeated(Padded(ids, torch.tensor([3]))) for ids in (READ, TARGETS))
    found = []
    for _ in range(count):
        predictions = network(None, read.ids, targets.mask)
        total, words = cross_entropy_of_rows(predictions.logits, targets.ids[targets.mask])
        total = total + estimator.loss(predictions, words, targets.mask)
        found.append(gradients(network, total / estimator.samples))
    return torch.stack(found)


def test_the_ways_of_looking_are_a_distribution() -> None:
    for wiring in WIRINGS:
        network, attention = build(wiring, LeaveOneOutConfig())
        chances = [path_likelihoods(network, attention, path)[1].exp() for path in PATHS]
        torch.testing.assert_close(torch.stack(chances).sum(), torch.tensor(1.0, dtype=torch.float64))


@pytest.mark.parametrize("wiring", WIRINGS)
@pytest.mark.parametrize(
    "config",
    [MovingBaselineConfig(expectation=0, entropy=0), LeaveOneOutConfig(samples=3, entropy=0)],
    ids=["moving_baseline", "leave_one_out"],
)
def test_the_mean_of_many_estimates_is_the_exact_gradient(wiring: str, config: Any) -> None:
    network, attention = build(wiring, config)
    exact = exact_gradient(network, attention)
    estimator = estimator_of(DECODER_KINDS[wiring](attention=HardConfig(estimator=config)))
    assert estimator is not None
    torch.manual_seed(6)
    found = estimates(network, estimator, 1000)
    # The error of a mean of n values is their standard deviation / sqrt(n): the squared distances are 1 in the mean.
    error = found.std(0) / len(found) ** 0.5
    distance = (found.mean(0) - exact)[error > 1e-12] / error[error > 1e-12]
    assert distance.abs().max() < 5
    assert distance.square().mean() < 3
    # The part of the choices matters: without it the mean is another gradient.
    without = exact.clone()
    for path in PATHS:
        words, choices = path_likelihoods(network, attention, path)
        without += gradients(network, choices.exp() * words.detach())
    missed = (found.mean(0) - without)[error > 1e-12] / error[error > 1e-12]
    assert missed.abs().max() > 5


def test_leave_one_out_varies_less_than_no_baseline() -> None:
    network, _ = build("show_attend_tell", LeaveOneOutConfig())
    torch.manual_seed(7)
    estimator = LeaveOneOut(LeaveOneOutConfig(samples=4, entropy=0))
    with_baseline = estimates(network, estimator, 300).var(0).sum()
    estimator.baseline = lambda rewards, mask: torch.zeros_like(rewards)
    assert with_baseline < 0.5 * estimates(network, estimator, 300).var(0).sum()


@pytest.mark.parametrize("wiring", ["show_attend_tell", "input_feeding", "top_down"])
def test_the_marginal_of_the_first_word_is_exact(wiring: str) -> None:
    network, attention = build(wiring, MarginalConfig())
    predictions = network(None, READ, MASK)
    assert predictions.sampled is None
    torch.testing.assert_close(predictions.logits.exp().sum(-1), torch.ones(3, dtype=torch.float64))
    total = torch.zeros((), dtype=torch.float64)
    for position in range(POSITIONS):
        attention.marginal = False
        with attention.choosing(Forced([position])):
            first = network(None, READ[:, :1], MASK[:, :1])
        attention.marginal = True
        assert first.sampled is not None
        total = total + first.sampled.log_probability.exp().squeeze() * first.logits.softmax(-1)[0, TARGETS[0, 0]]
    torch.testing.assert_close(predictions.logits[0, TARGETS[0, 0]].exp(), total)


def test_the_marginal_continues_from_the_position_that_it_shows() -> None:
    network, attention = build("show_attend_tell", MarginalConfig())
    torch.manual_seed(8)
    predictions = network(None, READ, MASK)
    assert predictions.attention is not None
    path = predictions.attention[0].argmax(-1).tolist()
    attention.marginal = False
    last = torch.zeros((), dtype=torch.float64)
    for position in range(POSITIONS):
        with attention.choosing(Forced([*path[:2], position])):
            single = network(None, READ, MASK)
        assert single.sampled is not None
        chance = single.sampled.log_probability[0, 2].exp()
        last = last + chance * single.logits.softmax(-1)[2, TARGETS[0, 2]]
    torch.testing.assert_close(predictions.logits[2, TARGETS[0, 2]].exp(), last)


def test_the_marginal_gives_the_scores_a_gradient() -> None:
    network, attention = build("input_feeding", MarginalConfig())
    predictions = network(None, READ, MASK)
    total, _ = cross_entropy_of_rows(predictions.logits, TARGETS[MASK])
    total.backward()
    scorer: Any = attention.scorer
    assert scorer.energy.grad.abs().max() > 0


def test_rewards_are_those_of_the_words_to_come() -> None:
    mask = torch.tensor([[True, True, True], [True, True, False]])
    rewards = rewards_to_go(torch.tensor([-1.0, -2.0, -4.0, -8.0, -16.0]), mask)
    assert rewards.tolist() == [[-7, -6, -4], [-24, -16, 0]]


def test_padding_and_soft_looks_add_nothing() -> None:
    mask = torch.tensor([[True, True], [True, False]])
    chosen = torch.tensor([[0.0, -1.0], [-2.0, -50.0]], requires_grad=True)
    predictions = Predictions(torch.zeros(3, 5), sampled=Sampled(chosen, torch.zeros(2, 2)))
    estimator = MovingBaseline(MovingBaselineConfig(decay=0, entropy=0))
    estimator.restore(TaskState(values={"baseline": 0.0}))
    loss = estimator.loss(predictions, torch.tensor([-1.0, -1.0, -3.0]), mask)
    assert loss.item() == -(-1 * -1 + -3 * -2)
    loss.backward()
    assert chosen.grad is not None
    assert chosen.grad.tolist() == [[2, 1], [3, 0]]


def test_the_moving_baseline_is_carried() -> None:
    first = MovingBaseline(MovingBaselineConfig(decay=0.75))
    assert first.state() == TaskState()
    mask = torch.ones(1, 2, dtype=torch.bool)
    assert first.baseline(torch.tensor([[-4.0, -2.0]]), mask).tolist() == [[-4, -2]]  # -2 per word, its own mean
    assert first.baseline(torch.tensor([[-8.0, -4.0]]), mask).tolist() == [[-4, -2]]  # that of before
    second = MovingBaseline(MovingBaselineConfig(decay=0.75))
    second.restore(first.state())
    assert second.baseline(torch.zeros(1, 2), mask).tolist() == [[-5, -2.5]]
