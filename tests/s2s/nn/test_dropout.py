"""Dropout: rates, scales and expectations; what a mask is shared over; the generator it is drawn from."""

from __future__ import annotations

import math

import pytest
import torch

from s2s.errors import UserError
from s2s.nn.dropout import Dropout, random_bytes

COUNT = 80_000


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5, 0.9])
def test_the_share_dropped_is_the_rate_and_the_expectation_stays(rate: float) -> None:
    torch.manual_seed(1)
    dropped = Dropout(rate)(torch.ones(COUNT))
    rounded = round(256 * rate) / 256
    kept, deviation = dropped != 0, math.sqrt(rounded * (1 - rounded) / COUNT)
    assert abs(1 - kept.double().mean().item() - rounded) < 5 * deviation
    assert dropped[kept].unique().tolist() == pytest.approx([1 / (1 - rounded)], rel=1e-7)
    assert abs(dropped.mean().item() - 1) < 5 * deviation / (1 - rounded)


def test_all_eight_elements_of_a_draw_are_dropped_alike_and_apart() -> None:
    torch.manual_seed(1)
    words = (random_bytes((COUNT, 8), torch.device("cpu")) >= 64).double()
    deviation = math.sqrt(0.25 * 0.75 / COUNT)
    assert (words.mean(0) - 0.75).abs().max() < 5 * deviation
    correlations = torch.corrcoef(words.t()) - torch.eye(8)
    assert correlations.abs().max() < 5 / math.sqrt(COUNT)


@pytest.mark.parametrize("shape", [(3, 5, 7), (1,), (0, 4), (2, 8)])
def test_any_shape_keeps_its_shape(shape: tuple[int, ...]) -> None:
    assert Dropout(0.5)(torch.ones(shape)).shape == shape
    assert random_bytes(shape, torch.device("cpu")).shape == shape


def test_the_gradient_goes_where_the_signal_went() -> None:
    torch.manual_seed(1)
    inputs = torch.ones(20, 30, requires_grad=True)
    dropped = Dropout(0.4)(inputs)
    assert 0 < (dropped == 0).sum() < dropped.numel()
    (gradient,) = torch.autograd.grad(dropped.sum(), inputs)
    assert torch.equal(gradient, dropped)


def test_a_shared_mask_is_one_for_all_steps_and_another_for_each_row() -> None:
    torch.manual_seed(1)
    dropped = Dropout(0.5, shared=1)(torch.ones(4, 6, 50))  # (batch, time, dim)
    assert torch.equal(dropped, dropped[:, :1].expand_as(dropped))
    assert len({tuple(row.tolist()) for row in dropped[:, 0]}) == 4


def test_whole_words_are_dropped_where_the_last_dimension_shares() -> None:
    torch.manual_seed(1)
    words = Dropout(0.5, shared=-1)(torch.ones(10, 20, 5))
    assert torch.equal(words, words[:, :, :1].expand_as(words))
    assert 0 < (words[:, :, 0] == 0).sum() < 200


def test_a_single_step_has_no_time_to_share_its_mask_over() -> None:
    torch.manual_seed(1)
    dropped = Dropout(0.5, shared=1).step(torch.ones(4, 50))  # (rows, dim)
    assert len({tuple(row.tolist()) for row in dropped}) == 4
    assert all(0 < (row == 0).sum() < 50 for row in dropped)


def test_the_same_seed_gives_the_same_mask_and_another_seed_another() -> None:
    def dropped(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return Dropout(0.5)(torch.ones(100))

    assert torch.equal(dropped(1), dropped(1))
    assert not torch.equal(dropped(1), dropped(2))


def test_nothing_is_dropped_or_drawn_outside_training_or_at_rate_0() -> None:
    inputs = torch.ones(100)
    before = torch.get_rng_state()
    assert Dropout(0.5).eval()(inputs) is inputs
    assert Dropout(0.0)(inputs) is inputs
    assert torch.equal(torch.get_rng_state(), before)


def test_a_rate_just_below_1_still_keeps_something() -> None:
    torch.manual_seed(1)
    dropped = Dropout(0.9999)(torch.ones(COUNT))
    assert set(dropped.tolist()) == {0.0, 256.0}


@pytest.mark.parametrize("rate", [1.0, -0.1, math.nan])
def test_an_impossible_rate_is_refused(rate: float) -> None:
    with pytest.raises(UserError, match="at least 0 and below 1, not"):
        Dropout(rate)
