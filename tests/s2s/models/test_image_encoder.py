"""The image encoder: cells become a grid, padding is masked, two pictures are two."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from s2s.errors import UserError
from s2s.models.configuration import GridEncoderConfig
from s2s.models.image_encoder import GridEncoder, ImageEncoder
from s2s.vision.backbones import Backbone
from s2s.vision.grids import Features, Pixels, photograph_mask


def means() -> Backbone:
    """A CNN of sorts: the mean colours of 8 x 8 pixels."""
    return Backbone("means", nn.Sequential(nn.AvgPool2d(8)), 3, [0.0] * 3, [255.0] * 3)


@pytest.fixture
def grid_encoder() -> GridEncoder:
    torch.manual_seed(0)
    return GridEncoder(GridEncoderConfig(dim=5), 3)


def test_the_grid_has_a_vector_a_cell_and_says_how_they_lie(grid_encoder: GridEncoder) -> None:
    memory = grid_encoder(Features(torch.rand(2, 3, 4, 3)))
    assert memory.grid.shape == (2, 12, 5)
    assert memory.summary is not None
    assert memory.summary.shape == (2, 3)
    assert memory.mask is None
    assert [(s.name, s.length, s.shape) for s in memory.segments] == [("image", 12, (3, 4))]


def test_what_was_padded_changes_nothing(grid_encoder: GridEncoder) -> None:
    cells, real = torch.rand(2, 2, 3, 3), torch.ones(2, 2, 3, dtype=torch.bool)
    real[1, :, 2] = False
    first = grid_encoder(Features(cells, real))
    cells[1, :, 2] += 1
    second = grid_encoder(Features(cells, real))
    torch.testing.assert_close(first.summary, second.summary)
    torch.testing.assert_close(first.mask, real.flatten(1))
    torch.testing.assert_close(first.grid[real.flatten(1)], second.grid[real.flatten(1)])


def test_pixels_give_what_their_features_give(grid_encoder: GridEncoder) -> None:
    encoder = ImageEncoder(means(), grid_encoder)
    pixels = Pixels(torch.randint(0, 256, (2, 3, 16, 24), dtype=torch.uint8))
    torch.testing.assert_close(encoder(pixels).grid, grid_encoder(encoder.features(pixels)).grid)
    assert encoder(pixels).segments[0].shape == (2, 3)
    assert not torch.allclose(*encoder(pixels).grid)


def test_a_cell_is_real_where_the_photograph_reaches_into_it(grid_encoder: GridEncoder) -> None:
    encoder = ImageEncoder(means(), grid_encoder)
    values = torch.zeros(3, 3, 16, 24, dtype=torch.uint8)
    real = encoder.features(Pixels(values, torch.tensor([[16, 24], [9, 8], [8, 17]]))).mask
    assert real is not None
    assert real.int().tolist() == [[[1, 1, 1], [1, 1, 1]], [[1, 0, 0], [1, 0, 0]], [[1, 1, 1], [0, 0, 0]]]


def test_features_of_the_frozen_part_are_finished(grid_encoder: GridEncoder) -> None:
    """Where its grid is finer, a cell of the last one is real where one of those below it is."""
    backbone = Backbone(
        "halves", nn.Sequential(nn.AvgPool2d(8), nn.MaxPool2d(2, ceil_mode=True)), 3, [0.0] * 3, [9.0] * 3
    )
    backbone.unfreeze(1)
    encoder = ImageEncoder(backbone, grid_encoder)
    pixels = Pixels(torch.randint(0, 256, (3, 3, 16, 32), dtype=torch.uint8), torch.tensor([[16, 32], [9, 8], [8, 17]]))
    cells = backbone.frozen_part()(pixels.values)
    real = photograph_mask(torch.tensor([[16, 32], [9, 8], [8, 17]]), torch.Size((16, 32)), cells.shape[1:3])
    whole, finished = encoder(pixels), encoder(Features(cells, real))
    torch.testing.assert_close(finished.grid, whole.grid)
    torch.testing.assert_close(finished.mask, whole.mask)
    assert finished.segments == whole.segments


def test_padding_needs_grids_that_divide(grid_encoder: GridEncoder) -> None:
    """Or a cell would be seen in training that is masked when pictures are captioned."""
    backbone = Backbone(
        "halves", nn.Sequential(nn.AvgPool2d(8), nn.MaxPool2d(2, ceil_mode=True)), 3, [0.0] * 3, [9.0] * 3
    )
    backbone.unfreeze(1)
    encoder = ImageEncoder(backbone, grid_encoder)
    cells = torch.rand(1, 5, 5, 3)
    assert encoder(Features(cells)).grid.shape == (1, 9, 5)
    with pytest.raises(UserError, match=r"\[5, 5\] and \[3, 3\], do not divide.*multiple of 32"):
        encoder(Features(cells, torch.ones(1, 5, 5, dtype=torch.bool)))
