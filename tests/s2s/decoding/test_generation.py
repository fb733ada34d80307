"""Generation: the options that reach the search, banned tokens, limits and precision."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from network_fixtures import Plain

from s2s.decoding import torch_network
from s2s.decoding.generation import generate, with_end
from s2s.decoding.search import BeamOptions, Hypothesis
from s2s.decoding.torch_network import TorchNetwork
from s2s.models.configuration import ParallelConfig
from s2s.models.encoder_decoder import EncoderDecoder
from s2s.models.parallel_decoder import ParallelDecoder
from s2s.nn.precision import Precision, autocast
from s2s.text.tokens import END, PAD, START, UNK


@pytest.fixture
def network() -> TorchNetwork:
    torch.manual_seed(3)
    decoder = ParallelDecoder(ParallelConfig(embedding_dim=8, dim=8), 12, 5)
    return TorchNetwork(EncoderDecoder(Plain(), decoder).eval(), "float32")


def lift(network: TorchNetwork, tokens: Sequence[int]) -> None:
    """Make these tokens far likelier than all others."""
    decoder = network.network.decoder
    assert isinstance(decoder, ParallelDecoder)
    with torch.no_grad():
        decoder.projection.bias[list(tokens)] += 50.0


@pytest.mark.parametrize("width", [1, 2])
def test_banned_tokens_are_not_written_and_limits_hold(network: TorchNetwork, width: int) -> None:
    grids, limits = torch.randn(4, 6, 5), np.array([1, 2, 3, 9])
    banned = (PAD, START, UNK, 7)
    lift(network, banned)
    found = generate(network, grids, limits, BeamOptions(width), banned=banned)
    assert len(found) == 4
    for (best,), limit in zip(found, limits.tolist()):
        assert len(best.tokens) + best.finished <= limit
        assert not {*banned, END} & set(best.tokens)
    for (best,) in generate(network, grids, limits, BeamOptions(width)):
        assert set(best.tokens) <= {UNK, 7}  # only padding and START are banned by default


@pytest.mark.parametrize("width", [1, 2])
def test_the_options_reach_the_search(network: TorchNetwork, width: int) -> None:
    grids, limits = torch.randn(4, 6, 5), np.full(4, 9)
    lift(network, [END])
    options = BeamOptions(width, n_best=width, minimum_length=3, length_penalty=0.5)
    for hypotheses in generate(network, grids, limits, options):
        assert len(hypotheses) == width
        assert (len(hypotheses[0].tokens), hypotheses[0].finished) == (3, True)
        assert hypotheses[0].score == pytest.approx(hypotheses[0].log_probability / 4**0.5)


def test_no_gradients_are_recorded(network: TorchNetwork) -> None:
    with network.searching() as search:
        step = search.step(torch.tensor([START]), search.start(torch.randn(1, 6, 5)))
    assert not step.log_probabilities.requires_grad
    ((best,),) = generate(network, torch.randn(1, 6, 5), np.array([3]), BeamOptions(2))
    assert isinstance(best.attention, np.ndarray)


@pytest.mark.parametrize("quantised", [False, True])
def test_beside_products_in_eight_bits_all_others_are_in_float32(
    network: TorchNetwork, quantised: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[str]()

    def recorded(precision: Precision, device: torch.device) -> torch.autocast:
        asked.append(precision)
        return autocast(precision, device)

    monkeypatch.setattr(torch_network, "autocast", recorded)
    monkeypatch.setattr(torch_network, "is_quantised", lambda _: quantised)
    network = TorchNetwork(network.network, "bfloat16")
    generate(network, torch.randn(1, 6, 5), np.array([3]), BeamOptions(2))
    assert asked == ["float32" if quantised else "bfloat16"]


def test_end_follows_the_tokens_of_a_finished_hypothesis() -> None:
    assert with_end(Hypothesis([5, 6], -1.0, -1.0, None, finished=True)) == [5, 6, END]
    assert with_end(Hypothesis([5, 6], -1.0, -1.0, None, finished=False)) == [5, 6]


def test_a_beam_finds_what_is_at_least_as_likely_as_what_greed_finds(network: TorchNetwork) -> None:
    grids, limits = torch.randn(8, 6, 5), np.full(8, 5)
    greedy = generate(network, grids, limits, BeamOptions(1, length_penalty=0.0))
    wide = generate(network, grids, limits, BeamOptions(12, 2, length_penalty=0.0))
    assert all(len(hypotheses) == 2 for hypotheses in wide)
    assert sum(a[0].score for a in wide) >= sum(b[0].score for b in greedy)
