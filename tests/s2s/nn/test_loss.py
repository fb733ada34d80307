"""The losses against torch's own and the papers' formulas, with gradients."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy, kl_div

from s2s.nn.loss import doubly_stochastic_penalty, smoothed_cross_entropy, symmetric_divergence, weighted_cross_entropy

VOCABULARY = 11


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.6])
@pytest.mark.parametrize("rows", [1, 128, 300])  # one block or several, full or not
def test_it_is_that_of_torch_with_its_gradient(rows: int, smoothing: float) -> None:
    torch.manual_seed(1)
    logits = (3 * torch.randn(rows, VOCABULARY)).requires_grad_()
    targets = torch.randint(VOCABULARY, (rows,))
    total, exact = smoothed_cross_entropy(logits, targets, smoothing)
    expected = cross_entropy(logits, targets, label_smoothing=smoothing, reduction="sum")
    torch.testing.assert_close(total, expected)
    torch.testing.assert_close(exact, cross_entropy(logits, targets, reduction="sum").detach())
    assert not exact.requires_grad
    torch.testing.assert_close(torch.autograd.grad(total * 3, logits), torch.autograd.grad(expected * 3, logits))


def test_the_gradient_of_a_row_sums_to_0_and_is_0_where_the_prediction_is_the_smoothed_truth() -> None:
    targets, smoothing = torch.tensor([2, 5]), 0.1
    truth = torch.full((2, VOCABULARY), smoothing / VOCABULARY).scatter_(1, targets[:, None], 0.0)
    truth = truth.scatter_(1, targets[:, None], 1 - smoothing + smoothing / VOCABULARY)
    logits = truth.log().requires_grad_()
    total, _ = smoothed_cross_entropy(logits, targets, smoothing)
    (gradient,) = torch.autograd.grad(total, logits)
    torch.testing.assert_close(gradient, torch.zeros_like(gradient))


def test_bfloat16_logits_are_summed_in_float32() -> None:
    torch.manual_seed(1)
    logits = torch.randn(2000, VOCABULARY).bfloat16().requires_grad_()
    targets = torch.randint(VOCABULARY, (2000,))
    total, exact = smoothed_cross_entropy(logits, targets, 0.1)
    single = logits.detach().float().requires_grad_()
    expected = cross_entropy(single, targets, label_smoothing=0.1, reduction="sum")
    assert (total.dtype, exact.dtype) == (torch.float32, torch.float32)
    torch.testing.assert_close(total, expected)
    (rough,), (gradient,) = torch.autograd.grad(total, logits), torch.autograd.grad(expected, single)
    torch.testing.assert_close(rough.float(), gradient, atol=0, rtol=0.005)


def test_no_rows_are_no_loss() -> None:
    logits = torch.randn(0, VOCABULARY, requires_grad=True)
    total, exact = smoothed_cross_entropy(logits, torch.zeros(0, dtype=torch.int64), 0.1)
    assert (total.item(), exact.item()) == (0, 0)
    assert torch.autograd.grad(total, logits)[0].shape == (0, VOCABULARY)


# --------------------------------------------------------------------------------------------------- two passes


@pytest.mark.parametrize("half", [0, 1, 128, 300])
def test_divergence_is_that_of_torch_both_ways_with_its_gradient(half: int) -> None:
    torch.manual_seed(1)
    logits = (3 * torch.randn(2 * half, VOCABULARY)).requires_grad_()
    found = symmetric_divergence(logits, 2.5)
    one, other = logits.log_softmax(-1).chunk(2) if half else (logits, logits)
    expected = 2.5 * (
        kl_div(one, other, reduction="sum", log_target=True) + kl_div(other, one, reduction="sum", log_target=True)
    )
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(torch.autograd.grad(found * 3, logits), torch.autograd.grad(expected * 3, logits))


def test_two_equal_passes_do_not_diverge() -> None:
    logits = torch.randn(7, VOCABULARY).repeat(2, 1).requires_grad_()
    found = symmetric_divergence(logits)
    assert found.item() == 0
    assert not torch.autograd.grad(found, logits)[0].any()


# --------------------------------------------------------------------------------------------------------- weighted


@pytest.mark.parametrize("rows", [1, 128, 300])
def test_weighted_it_is_the_sum_of_weighted_log_probabilities_with_its_gradient(rows: int) -> None:
    torch.manual_seed(1)
    logits = (3 * torch.randn(rows, VOCABULARY)).requires_grad_()
    targets, weights = torch.randint(VOCABULARY, (rows,)), torch.randn(rows)
    total, log_probabilities = weighted_cross_entropy(logits, targets, weights)
    expected = logits.log_softmax(-1).gather(1, targets[:, None]).squeeze(1)
    torch.testing.assert_close(log_probabilities, expected.detach())
    assert not log_probabilities.requires_grad
    loss = -(weights * expected).sum()
    torch.testing.assert_close(total, loss)
    torch.testing.assert_close(torch.autograd.grad(total * 3, logits), torch.autograd.grad(loss * 3, logits))


def test_equal_weights_are_the_plain_cross_entropy() -> None:
    torch.manual_seed(1)
    logits, targets = torch.randn(200, VOCABULARY), torch.randint(VOCABULARY, (200,))
    total, _ = weighted_cross_entropy(logits, targets, torch.ones(200))
    torch.testing.assert_close(total, smoothed_cross_entropy(logits, targets)[0])


def test_weighted_bfloat16_logits_are_summed_in_float32() -> None:
    torch.manual_seed(1)
    logits = torch.randn(300, VOCABULARY).bfloat16().requires_grad_()
    targets, weights = torch.randint(VOCABULARY, (300,)), torch.randn(300)
    total, log_probabilities = weighted_cross_entropy(logits, targets, weights)
    single = logits.detach().float().requires_grad_()
    expected, exact = weighted_cross_entropy(single, targets, weights)
    torch.testing.assert_close(total, expected)
    assert torch.equal(log_probabilities, exact)
    (rough,), (gradient,) = torch.autograd.grad(total, logits), torch.autograd.grad(expected, single)
    torch.testing.assert_close(rough.float(), gradient, atol=0, rtol=0.005)


def test_its_gradient_makes_rewarded_samples_likelier() -> None:
    """REINFORCE on a choice of one word among four, the mean of the other samples as the baseline."""
    torch.manual_seed(1)
    logits = torch.zeros(VOCABULARY, requires_grad=True)
    optimiser = torch.optim.Adam([logits], lr=0.05)
    for _ in range(100):
        drawn = logits.detach().softmax(0).multinomial(16, replacement=True)
        reward = (drawn == 7).float()
        baseline = (reward.sum() - reward) / 15
        loss, _ = weighted_cross_entropy(logits.expand(16, -1), drawn, reward - baseline)
        optimiser.zero_grad()
        (loss / 16).backward()
        optimiser.step()
    assert logits.softmax(0)[7] > 0.9


# ----------------------------------------------------------------------------------------------- doubly stochastic


def test_attention_paid_evenly_costs_nothing() -> None:
    """As many words as positions, each position getting 1 in all."""
    steps = torch.ones(2, 5, dtype=torch.bool)
    even, one_each = torch.full((5, 5), 0.2), torch.eye(5)
    torch.testing.assert_close(doubly_stochastic_penalty(torch.stack([even, one_each]), steps), torch.zeros(2))


def test_it_is_equation_14_of_real_words_and_positions() -> None:
    torch.manual_seed(1)
    positions = torch.tensor([[True] * 4, [True, True, True, False]])
    scores = torch.randn(6, 3, 4).masked_fill(~positions.repeat_interleave(3, 0)[:, None], -torch.inf)
    steps = torch.arange(3) < torch.tensor([1, 2, 3, 3, 1, 2])[:, None]  # three sentences for each grid
    found = doubly_stochastic_penalty(scores.softmax(-1), steps, positions)
    for row in range(6):
        expected = 0.0
        for i in range(4 if row < 3 else 3):
            expected += (1 - sum(scores[row, t].softmax(-1)[i].item() for t in range(int(steps[row].sum())))) ** 2
        assert found[row].item() == pytest.approx(expected, rel=1e-5)


def test_it_passes_gradcheck_and_padding_gets_no_gradient() -> None:
    torch.manual_seed(1)
    attention = torch.rand(2, 3, 4, dtype=torch.float64, requires_grad=True)
    steps = torch.tensor([[True, True, False], [True, True, True]])
    positions = torch.tensor([[True, True, True, False], [True] * 4])
    assert torch.autograd.gradcheck(lambda weights: doubly_stochastic_penalty(weights, steps, positions), attention)
    (gradient,) = torch.autograd.grad(doubly_stochastic_penalty(attention, steps, positions).sum(), attention)
    assert gradient.eq(0).equal(~(steps[:, :, None] & positions[:, None]))
