"""Memory: means over real positions, the memory of some of the sentences, and one memory of several."""

from __future__ import annotations

import torch

from s2s.models.memory import Memory, Segment, join, masked_mean

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


def test_memories_join_along_their_positions() -> None:
    words = Memory(torch.randn(3, 3, 4), MASK, torch.randn(3, 2), (Segment("words", 3),))
    cells = Memory(torch.randn(3, 2, 4), None, torch.randn(3, 5), (Segment("cells", 2, (1, 2)),))
    memory = join([words, cells])
    assert memory.grid.equal(torch.cat([words.grid, cells.grid], 1))
    assert memory.mask is not None
    assert memory.mask.equal(torch.cat([MASK, torch.ones(3, 2, dtype=torch.bool)], 1))
    assert memory.summary is not None
    assert words.summary is not None
    assert memory.summary.shape == (3, 7)
    assert memory.summary[:, :2].equal(words.summary)
    assert memory.segments == (Segment("words", 3), Segment("cells", 2, (1, 2)))
    assert join([cells, words]).mask is not None
    assert join([cells, cells]).mask is None


def test_a_memory_without_a_summary_adds_nothing_to_the_joined_one() -> None:
    words, cells = Memory(torch.randn(2, 3, 4), None, torch.ones(2, 2)), Memory(torch.randn(2, 2, 4))
    for memories in ([words, cells], [cells, words]):
        summary = join(memories).summary
        assert summary is not None
        assert summary.equal(torch.ones(2, 2))
    assert join([cells, cells]).summary is None
    alone = join([words])
    assert alone.grid.equal(words.grid)
    assert (alone.mask, alone.segments) == (None, ())
