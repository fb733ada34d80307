"""The sampled softmax: its normaliser has the mean of the whole one, and a sample of everything is the whole one."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, linear

from s2s.nn.sampled_softmax import Sample, TokenSampler, sampled_logits

VOCABULARY, DIM, ROWS = 6, 4, 5
CPU = torch.device("cpu")


def layer() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Features, targets, weight and bias."""
    generator = torch.Generator().manual_seed(3)
    features, weight, bias = (
        torch.randn(*shape, generator=generator, dtype=torch.float64, requires_grad=True)
        for shape in ((ROWS, DIM), (VOCABULARY, DIM), (VOCABULARY,))
    )
    return features, torch.tensor([0, 5, 2, 2, 4]), weight, bias


def sample_of(tokens: list[int], inclusion: list[float]) -> Sample:
    kept = torch.tensor(tokens, dtype=torch.long)
    return Sample(kept, torch.tensor(inclusion, dtype=torch.float64)[kept].log())


def test_the_mean_over_all_samples_of_the_normaliser_is_that_of_the_whole_softmax() -> None:
    features, targets, weight, bias = layer()
    inclusion = [1.0, 0.9, 0.5, 0.3, 0.6, 0.2]
    mean = torch.zeros(ROWS, dtype=torch.float64)
    for drawn in product([True, False], repeat=VOCABULARY):
        probability = np.prod([p if here else 1 - p for p, here in zip(inclusion, drawn)])
        if probability:
            sample = sample_of([token for token, here in enumerate(drawn) if here], inclusion)
            mean += float(probability) * sampled_logits(features, targets, sample, weight, bias).exp().sum(1).detach()
    torch.testing.assert_close(mean, linear(features, weight, bias).exp().sum(1).detach())


def test_a_sample_of_the_whole_vocabulary_gives_the_loss_and_the_gradients_of_the_whole_softmax() -> None:
    found, expected = layer(), layer()
    sample = sample_of(list(range(VOCABULARY)), [1.0] * VOCABULARY)
    features, targets, weight, bias = found
    last = torch.full_like(targets, VOCABULARY)
    loss = cross_entropy(sampled_logits(features, targets, sample, weight, bias), last)
    loss.backward()
    features, targets, weight, bias = expected
    whole = cross_entropy(linear(features, weight, bias), targets)
    whole.backward()
    torch.testing.assert_close(loss, whole)
    for ours, theirs in zip(found, expected):
        assert (ours.grad is None) == (theirs.grad is None)
        if ours.grad is not None and theirs.grad is not None:
            torch.testing.assert_close(ours.grad, theirs.grad)


def test_frequent_tokens_are_always_sampled_and_rare_ones_more_often_than_they_occur() -> None:
    counts = np.array([100_000, 50_000, *[30] * 40, *[1] * 58, 0])
    sampler = TokenSampler(counts, 30)
    inclusion = sampler.inclusion
    assert inclusion.sum() == pytest.approx(30)
    assert list(inclusion[:2]) == [1, 1]
    assert inclusion[2] / inclusion[50] == pytest.approx(30**0.75)
    assert inclusion[-1] == inclusion[-2] > 0  # a token that never occurs is sampled, or its score would never fall
    assert (np.diff(inclusion) <= 0).all()


def test_a_draw_depends_on_its_seed_only() -> None:
    sampler = TokenSampler(np.arange(1000), 100)
    draws = [sampler.draw(seed, CPU).tokens for seed in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    sizes = [len(sampler.draw(seed, CPU)) for seed in range(200)]
    assert np.mean(sizes) == pytest.approx(100, abs=3)
    assert torch.equal(draws[0], draws[0].sort().values)
