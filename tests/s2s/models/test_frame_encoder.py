"""Encoders of films: pooled cells, padding, and which frames a frame's vector depends on."""

from __future__ import annotations

import pytest
import torch

from s2s.models.configuration import RecurrentEncoderConfig
from s2s.models.frame_encoder import FilmVectors, build_frame_encoder, pool_cells
from s2s.models.heads import TaggerNetwork
from s2s.models.label_configuration import FrameByFrameConfig, FrameEncoderConfig, TaggerHeadConfig

CPU = torch.device("cpu")
KINDS = [RecurrentEncoderConfig(dim=4), FrameByFrameConfig(dim=4)]


def films(*lengths: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(length, 6, generator=generator) for length in lengths]


def test_cells_become_the_means_of_parts() -> None:
    cells = torch.arange(2 * 4 * 4 * 3).float().view(2, 4, 4, 3)
    assert torch.allclose(pool_cells(cells, 1), cells.mean((1, 2)))
    parts = pool_cells(cells, 2)
    assert parts.shape == (2, 12)
    assert torch.allclose(parts[:, 3:6], cells[:, :2, 2:].mean((1, 2)))  # the second part is the top right one


@pytest.mark.parametrize("config", KINDS, ids=lambda config: config.kind)
def test_company_and_padding_change_nothing(config: FrameEncoderConfig) -> None:
    network = TaggerNetwork(build_frame_encoder(config, 6), TaggerHeadConfig(), 3).eval()
    batch = films(5, 2, 3)
    together = network(FilmVectors.of(batch, CPU)).logits.split([5, 2, 3])
    for film, logits in zip(batch, together):
        assert torch.allclose(network(FilmVectors.of([film], CPU)).logits, logits, atol=1e-6)


@pytest.mark.parametrize(
    ("config", "changed"),
    [
        (RecurrentEncoderConfig(dim=4), [True, True, True]),
        (RecurrentEncoderConfig(dim=4, bidirectional=False), [False, True, True]),
        (FrameByFrameConfig(dim=4), [False, True, False]),
    ],
    ids=["both directions", "from the left", "frame by frame"],
)
def test_which_frames_a_frame_is_seen_to_matter_for(config: FrameEncoderConfig, changed: list[bool]) -> None:
    encoder = build_frame_encoder(config, 6).eval()
    (film,) = films(3)
    other = film.clone()
    other[1] = films(1)[0] + 1
    one, two = (encoder(FilmVectors.of([each], CPU)).grid[0] for each in (film, other))
    assert [not torch.equal(a, b) for a, b in zip(one, two)] == changed
