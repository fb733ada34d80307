"""Generation: the search's hypotheses of whatever an encoder makes of its inputs."""

from __future__ import annotations

import pytest
import torch
from network_fixtures import Plain

from s2s.decoding.generation import generate
from s2s.decoding.search import SearchOptions
from s2s.models.configuration import ParallelConfig
from s2s.models.encoder_decoder import EncoderDecoder
from s2s.models.parallel_decoder import ParallelDecoder
from s2s.text.tokens import END, PAD, START, UNK


@pytest.fixture
def network() -> EncoderDecoder:
    torch.manual_seed(3)
    return EncoderDecoder(Plain(), ParallelDecoder(ParallelConfig(embedding_dim=8, dim=8), 12, 5)).eval()


@pytest.mark.parametrize("width", [1, 3])
def test_nothing_that_is_banned_is_written_and_limits_hold(network: EncoderDecoder, width: int) -> None:
    grids, limits = torch.randn(4, 6, 5), torch.tensor([1, 2, 3, 9])
    found = generate(network, grids, limits, SearchOptions(width), banned=(PAD, START, UNK, 7), precision="float32")
    assert len(found) == 4
    for (best,), limit in zip(found, limits.tolist()):
        assert len(best.tokens) + best.finished <= limit
        assert not {PAD, START, UNK, END, 7} & set(best.tokens)


def test_a_beam_finds_what_is_at_least_as_likely_as_what_greed_finds(network: EncoderDecoder) -> None:
    grids, limits = torch.randn(8, 6, 5), torch.full((8,), 5)
    greedy = generate(network, grids, limits, SearchOptions(1, length_penalty=0.0), precision="float32")
    wide = generate(network, grids, limits, SearchOptions(12, 2, length_penalty=0.0), precision="float32")
    assert all(len(hypotheses) == 2 for hypotheses in wide)
    assert sum(a[0].score for a in wide) >= sum(b[0].score for b in greedy)
