"""Memory: means over real positions, and the memory of some of the sentences."""

from __future__ import annotations

import torch

from s2s.memory import Memory, Segment, masked_mean

MASK = torch.tensor([[True, True, True], [True, False, False], [False, False, False]])


def test_the_mean_is_over_real_positions_only() -> None:
    torch.manual_seed(1)
    grid = torch.randn(3, 3, 4, requires_grad=True)
    mean = masked_mean(grid, MASK)
    torch.testing.assert_close(mean[0], grid[0].mean(0))
    torch.testing.assert_close(mean[1], grid[1, 0])
    assert mean[2].tolist() == [0, 0, 0, 0]
    (gradient,) = torch.autograd.grad(mean.square().sum(), grid)
    assert gradient[MASK].abs().min() > 0
    assert gradient[~MASK].abs().max() == 0


def test_without_a_mask_all_positions_are_real() -> None:
    grid = torch.randn(2, 5, 4)
    torch.testing.assert_close(masked_mean(grid, None), grid.mean(1))
    torch.testing.assert_close(masked_mean(grid, torch.ones(2, 5, dtype=torch.bool)), grid.mean(1))


def test_the_memory_of_some_sentences() -> None:
    segments = (Segment("image", 3, (1, 3)),)
    memory = Memory(torch.randn(3, 3, 4), MASK, torch.randn(3, 4), segments)
    chosen = torch.tensor([2, 0])
    kept = memory.keep(chosen)
    assert memory.mask is not None
    assert memory.summary is not None
    assert kept.mask is not None
    assert kept.summary is not None
    assert torch.equal(kept.grid, memory.grid[chosen])
    assert torch.equal(kept.mask, memory.mask[chosen])
    assert torch.equal(kept.summary, memory.summary[chosen])
    assert kept.segments == segments


def test_a_plain_grid_stays_plain() -> None:
    kept = Memory(torch.randn(3, 3, 4)).keep(torch.tensor([1]))
    assert (kept.grid.shape, kept.mask, kept.summary) == ((1, 3, 4), None, None)
