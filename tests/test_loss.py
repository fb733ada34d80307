"""The loss against torch's own, with gradients."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy

from s2s.loss import smoothed_cross_entropy

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
