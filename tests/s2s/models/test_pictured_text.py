"""A sentence with its photograph in one memory: joined grids, masks, and sentences without a photograph."""

from __future__ import annotations

import captioning_fixtures as world
import torch

from s2s.models.configuration import GridEncoderConfig, RecurrentEncoderConfig
from s2s.models.image_encoder import GridEncoder, ImageEncoder
from s2s.models.pictured_text import PicturedText, PicturedTextEncoder
from s2s.models.text_encoder import build_text_encoder, source_embedding
from s2s.text.padding import Padded
from s2s.vision.grids import Features

TEXT = Padded(torch.tensor([[5, 6, 3], [7, 3, 0]]), torch.tensor([3, 2]))
CELLS = world.CELLS**2


def encoder() -> PicturedTextEncoder:
    torch.manual_seed(1)
    backbone = world.backbone()
    image = ImageEncoder(backbone, GridEncoder(GridEncoderConfig(5), backbone.dim))
    text = build_text_encoder(RecurrentEncoderConfig(dim=4, embedding_dropout=0), source_embedding(9, 6))
    return PicturedTextEncoder(text, image).eval()


def picture(seed: int = 1) -> Features:
    generator = torch.Generator().manual_seed(seed)
    return Features(torch.randn(1, world.CELLS, world.CELLS, world.CHANNELS, generator=generator))


def test_the_cells_stand_behind_the_words() -> None:
    network = encoder()
    memory = network(PicturedText.of(TEXT, [picture(), None]))
    assert memory.grid.shape == (2, 3 + CELLS, network.output_dim)
    assert [(segment.name, segment.length, segment.shape) for segment in memory.segments] == [
        ("source", 3, None),
        ("image", CELLS, (world.CELLS, world.CELLS)),
    ]
    assert memory.mask is not None
    assert memory.mask.tolist() == [[True] * 7, [True, True, False] + [False] * CELLS]
    assert memory.summary is not None
    assert memory.summary.shape == (2, network.summary_dim)


def test_a_sentence_without_a_picture_is_the_same_alone_and_beside_one_that_has_one() -> None:
    network = encoder()
    beside = network(PicturedText.of(TEXT, [picture(), None]))
    alone = network(TEXT)
    torch.testing.assert_close(beside.grid[1, :3], alone.grid[1])
    torch.testing.assert_close(beside.summary[1], alone.summary[1])
    assert not torch.allclose(beside.summary[0], alone.summary[0])


def test_another_picture_changes_the_cells_and_not_the_words() -> None:
    network = encoder()
    one, other = (network(PicturedText.of(TEXT, [picture(seed), picture(seed)])) for seed in (1, 2))
    torch.testing.assert_close(one.grid[:, :3], other.grid[:, :3])
    assert (one.grid[:, 3:] - other.grid[:, 3:]).abs().max() > 0.1


def test_without_any_picture_it_is_text() -> None:
    assert PicturedText.of(TEXT, [None, None]) is TEXT


def test_padding_of_a_photograph_stays_masked() -> None:
    seen = picture()
    real = torch.zeros(1, world.CELLS, world.CELLS, dtype=torch.bool)
    real[:, 0] = True
    memory = encoder()(PicturedText.of(TEXT, [Features(seen.cells, real), seen]))
    assert memory.mask is not None
    assert memory.mask[:, 3:].tolist() == [[True, True, False, False], [True] * 4]
