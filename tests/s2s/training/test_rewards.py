"""Learning from rewards: one batch of the model's own sentences and of true ones, each with its weight."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from model_fixtures import logits_of, recurrent
from torch.nn.functional import cross_entropy
from translation_fixtures import tiny_model

from s2s.decoding.generation import generate, with_end
from s2s.decoding.search import BeamOptions, Hypothesis
from s2s.decoding.torch_network import TorchNetwork
from s2s.text.tokens import END, START
from s2s.training.batches import padded_tensors
from s2s.training.rewards import rewarded_loss, searching, standardised

OWN = [[5, 6, 7, END], [5, 6], [9, 8, END], [END]]
TRUE = [[5, 7, END], [8, 9, 10, 11, END]]
SOURCE = [[4, 5, 6, END], [7, 8, END]]


def test_it_is_the_weighted_sum_of_sentences_each_read_alone() -> None:
    """The second input's sentences look at the second source, the weights go to all tokens of a row and to END."""
    network = tiny_model().network.eval()
    weights = torch.tensor([[1.0, -0.5], [0.25, 2.0]])
    loss = rewarded_loss(network, padded_tensors(SOURCE), OWN, weights, TRUE, 0.2)
    expected = 0.0
    for i, row in enumerate(OWN):
        expected += 0.8 * weights.flatten()[i].item() * _loss(network, SOURCE[i // 2], row)
    for i, row in enumerate(TRUE):
        expected += 0.2 * _loss(network, SOURCE[i], row) * loss.weight / 8
    assert loss.total.item() == pytest.approx(expected, rel=1e-5)
    assert (loss.weight, loss.size) == (10, 18)


def test_without_a_share_true_sentences_teach_nothing() -> None:
    network = tiny_model().network.eval()
    weight, source = recurrent(network).deep_output.weight, padded_tensors(SOURCE)
    first, second = (
        torch.autograd.grad(rewarded_loss(network, source, OWN, torch.ones(2, 2), true, 0.0).total, weight)[0]
        for true in (TRUE, [[END], [END]])
    )
    torch.testing.assert_close(first, second)


def test_what_ended_is_to_end_again() -> None:
    assert with_end(Hypothesis([5, 6], -1.0, -2.0, None, True)) == [5, 6, END]
    assert with_end(Hypothesis([5, 6], -1.0, -2.0, None, False)) == [5, 6]


def test_weights_are_measured_by_their_deviation() -> None:
    weights = torch.tensor([[3.0, -1.0], [0.0, 2.0]])
    torch.testing.assert_close(standardised(weights), weights / weights.std())
    assert not standardised(torch.zeros(2, 2)).any()


def test_while_it_searches_a_model_drops_nothing_and_keeps_no_gradient() -> None:
    network = tiny_model().network.train()
    with searching(network):
        assert not network.training
        assert not network.start(padded_tensors(SOURCE)).layers[0][0].requires_grad
    assert network.training
    assert torch.is_grad_enabled()


@pytest.mark.oldest
def test_every_weight_learns_from_a_loss_that_follows_a_search_in_bfloat16() -> None:
    """PyTorch 2.6 reuses a weight that autocast has cast without a gradient (pytorch/pytorch#158232): the oldest one
    allowed, with which .ci/run repeats this test. Newer ones cast it again.
    """
    network = tiny_model().network.train()
    source, limits = padded_tensors(SOURCE), np.array([3, 3])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        with searching(network):
            generate(TorchNetwork(network, "bfloat16"), source, limits, BeamOptions(width=2))
        loss = rewarded_loss(network, source, OWN, torch.ones(2, 2), TRUE, 0.2)
    loss.total.backward()
    untaught = [name for name, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert untaught == []


def _loss(network: torch.nn.Module, source: list[int], written: list[int]) -> float:
    logits = logits_of(network, padded_tensors([source]), torch.tensor([[START, *written[:-1]]]))
    return cross_entropy(logits[0], torch.tensor(written), reduction="sum").item()
