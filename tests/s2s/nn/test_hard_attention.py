"""Hard attention: one position per look, drawn from the weights of soft attention."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from s2s.nn.attentions import build_attention
from s2s.nn.configuration import AdditiveConfig, HardConfig, LeaveOneOutConfig, MovingBaselineConfig
from s2s.nn.hard_attention import HardAttention, drawn, each_in_turn, likeliest, mean_over_positions

DIM, POSITIONS = 6, 5
MASK = torch.tensor([[True] * POSITIONS, [True, True, False, False, False]])


def hard(expectation: float = 0.0) -> HardAttention:
    torch.manual_seed(1)
    attention = build_attention(HardConfig(AdditiveConfig(4), LeaveOneOutConfig(expectation=expectation)), DIM, DIM)
    assert isinstance(attention, HardAttention)
    return attention


def case(queries: int = 40) -> tuple[Tensor, Tensor]:
    torch.manual_seed(2)
    return 3 * torch.randn(2, queries, DIM), torch.randn(2, POSITIONS, DIM)


def soft_weights(attention: HardAttention, queries: Tensor, grid: Tensor) -> Tensor:
    return attention.scorer(queries, attention.keys(grid), grid, MASK).weights


@pytest.mark.parametrize("training", [True, False])
def test_a_look_is_one_real_position(training: bool) -> None:
    attention, (queries, grid) = hard().train(training), case()
    look = attention(queries, attention.keys(grid), grid, MASK)
    assert set(look.weights.flatten().tolist()) == {0.0, 1.0}
    assert look.weights.sum(-1).eq(1).all()
    assert not look.weights[1, :, 2:].any()
    torch.testing.assert_close(look.context, grid.gather(1, look.weights.argmax(-1)[..., None].expand_as(look.context)))


def test_evaluation_takes_the_likeliest_position_and_reports_no_choice() -> None:
    attention, (queries, grid) = hard().eval(), case()
    look = attention(queries, attention.keys(grid), grid, MASK)
    assert look.weights.argmax(-1).equal(soft_weights(attention, queries, grid).argmax(-1))
    assert look.log_probability is None
    assert look.entropy is None


def test_training_draws_by_the_weights_of_soft_attention() -> None:
    attention, (queries, grid) = hard().train(), case(1)
    queries = queries.expand(-1, 20_000, -1)
    look = attention(queries, attention.keys(grid), grid, MASK)
    expected = soft_weights(attention, queries[:, :1], grid)
    torch.testing.assert_close(look.weights.mean(1, keepdim=True), expected, atol=0.015, rtol=0)
    chosen = look.weights.bool()
    torch.testing.assert_close(look.log_probability, expected.expand_as(look.weights)[chosen].log().view(2, -1))
    logs = expected.clamp_min(1e-30).log()
    torch.testing.assert_close(look.entropy, -(expected * logs).sum(-1).expand(2, 20_000))


def test_a_share_of_the_looks_is_soft_and_has_no_choice() -> None:
    attention, (queries, grid) = hard(0.5).train(), case(1000)
    look = attention(queries, attention.keys(grid), grid, MASK)
    soft = look.weights.amax(-1) < 1
    assert 0.35 < soft.float().mean() < 0.65
    torch.testing.assert_close(look.weights[soft], soft_weights(attention, queries, grid)[soft])
    assert look.log_probability is not None
    assert not look.log_probability[soft].any()


def test_choices() -> None:
    probabilities = torch.tensor([[[0.2, 0.8], [1.0, 0.0], [0.5, 0.5]]])
    assert likeliest(probabilities).tolist() == [[1, 0, 0]]
    assert each_in_turn(probabilities).tolist() == [[0, 1, 0]]
    torch.manual_seed(1)
    draws = torch.stack([drawn(probabilities) for _ in range(200)])
    assert draws[..., 1].max() == 0
    assert 0 < draws[..., 2].float().mean() < 1


def test_choosing_ends_with_its_block() -> None:
    attention = hard(0.5)
    with attention.choosing(each_in_turn):
        assert attention.choose is each_in_turn
        assert attention.expectation == 0
    assert attention.choose is None
    assert attention.expectation == 0.5


def test_the_mean_over_positions_is_a_distribution() -> None:
    torch.manual_seed(3)
    logits, weights = torch.randn(4, 3, 7, dtype=torch.float64), torch.rand(4, 3, dtype=torch.float64)
    weights = weights / weights.sum(1, keepdim=True)
    mean = (weights.unsqueeze(-1) * logits.softmax(-1)).sum(1)
    torch.testing.assert_close(mean_over_positions(logits, weights.log()).exp(), mean)


def test_the_default_is_that_of_the_paper() -> None:
    estimator = HardConfig().estimator
    assert isinstance(estimator, MovingBaselineConfig)
    assert estimator.expectation == 0.5
