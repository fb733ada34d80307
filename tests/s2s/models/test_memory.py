"""Memory: means over real positions, and the memory of some of the sentences."""

from __future__ import annotations

import torch

from s2s.models.memory import Memory, Segment, masked_mean

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


def test_some_of_the_sentences_keep_all_that_is_theirs() -> None:
    segments = (Segment("words", 3),)
    memory = Memory(torch.randn(3, 3, 4), MASK, torch.randn(3, 2), segments)
    picked = memory.pick([2, 0, 2])
    assert picked.grid.equal(memory.grid[[2, 0, 2]])
    assert picked.mask is not None
    assert picked.mask.tolist() == [[False] * 3, [True] * 3, [False] * 3]
    assert picked.summary is not None
    assert memory.summary is not None
    assert picked.summary.equal(memory.summary[[2, 0, 2]])
    assert picked.segments == segments
    bare = Memory(memory.grid).pick([1])
    assert (bare.mask, bare.summary) == (None, None)
