"""The contracts: decoders without a memory through the whole stack, states that search may move, sampled attention."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from model_fixtures import CELL_KINDS, DECODER_KINDS, decoder_of, recurrent
from torch import Tensor, nn

from s2s.decoding.ensemble import Ensemble, EnsembleSearch
from s2s.decoding.generation import generate
from s2s.decoding.search import BeamOptions
from s2s.decoding.torch_network import TorchNetwork
from s2s.models.configuration import DropoutRates, ParallelConfig
from s2s.models.contracts import Output, Search, State
from s2s.models.encoder_decoder import EncoderDecoder
from s2s.models.memory import Memory
from s2s.nn.attention import Attention, Look
from s2s.nn.configuration import AdditiveConfig, DotConfig
from s2s.nn.loss import smoothed_cross_entropy
from s2s.text.tokens import END, START
from s2s.training.batches import padded_tensors

VOCABULARY, DIM, BATCH, POSITIONS = 9, 6, 2, 4
NOTHING = DropoutRates(embedding=0, hidden=0, context=0, output=0)
SENTENCE = [4, 5, 6, 4, 7]
each_kind = pytest.mark.parametrize("kind", list(DECODER_KINDS))
each_attentive = pytest.mark.parametrize("kind", [kind for kind, config in DECODER_KINDS.items() if config.attends])


# ------------------------------------------------------------------------------------------------ without a memory


def language_model(kind: str, cell: str = "lstm") -> EncoderDecoder:
    """A decoder without a memory that knows one sentence by heart."""
    torch.manual_seed(1)
    shape = ParallelConfig(CELL_KINDS[cell](), embedding_dim=12, dim=16, dropout=NOTHING)
    network = EncoderDecoder(None, decoder_of(kind, shape, VOCABULARY, None))
    read, written = padded_tensors([[START, *SENTENCE]] * BATCH), padded_tensors([[*SENTENCE, END]] * BATCH)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.03)
    for _ in range(60):
        optimiser.zero_grad()
        predictions = network(BATCH, read.ids, written.mask)
        assert predictions.attention is predictions.memory_mask is None
        smoothed_cross_entropy(predictions.logits, written.ids[written.mask])[0].backward()
        optimiser.step()
    return network.eval()


@each_kind
@pytest.mark.parametrize("cell", list(CELL_KINDS))
def test_a_decoder_without_a_memory_is_trained_and_searched(kind: str, cell: str) -> None:
    network = TorchNetwork(language_model(kind, cell), "float32")
    for network_or_ensemble in (network, Ensemble([network, network])):
        for width in (1, 3):
            found = generate(network_or_ensemble, BATCH, np.full(BATCH, 9), BeamOptions(width))
            assert [best.tokens for best, *_ in found] == [SENTENCE] * BATCH
            assert all(best.attention is None for best, *_ in found)


def test_without_a_memory_the_number_of_sentences_is_needed() -> None:
    decoder = decoder_of("parallel", ParallelConfig(embedding_dim=4, dim=4), VOCABULARY, None)
    with pytest.raises(TypeError, match="needs the number of sentences"):
        decoder.start(None)


# --------------------------------------------------------------------------------------------------------- states


class AsItIs(nn.Module):
    """The encoder of a grid."""

    def forward(self, grid: Tensor) -> Memory:
        mask = torch.ones(grid.shape[:2], dtype=torch.bool)
        mask[0, -1] = False
        return Memory(grid, mask)


def network(kind: str, seed: int = 1) -> EncoderDecoder:
    torch.manual_seed(seed)
    shape = ParallelConfig(embedding_dim=8, dim=DIM, attention=AdditiveConfig(4), dropout=NOTHING)
    return EncoderDecoder(AsItIs(), decoder_of(kind, shape, VOCABULARY, DIM))


def step(writer: Search, tokens: Tensor, state: Any) -> tuple[Tensor, State]:
    found = writer.step(tokens, state)
    return found.log_probabilities, found.state


@each_kind
@pytest.mark.parametrize("together", [False, True])
def test_states_keep_the_contract(kind: str, together: bool) -> None:
    one = network(kind)
    writer = EnsembleSearch((one, network("parallel", 2))) if together else one
    grids = torch.randn(3, POSITIONS, DIM, requires_grad=True)
    state: State = writer.start(grids)
    assert state.sentences == 3
    mask = state.mask
    assert (mask is None) == (kind == "show_and_tell" and not together)
    expected, _ = step(writer, torch.tensor([4, 5, 6]), state)
    several, after = step(writer, torch.tensor([4, 4, 5, 5, 6, 6]), state.repeat(2))
    torch.testing.assert_close(several, expected.repeat_interleave(2, 0))
    assert after.sentences == 3
    kept = state.repeat(2).keep(torch.tensor([0, 2]))
    assert kept.sentences == 2
    torch.testing.assert_close(step(writer, torch.tensor([4, 4, 6, 6]), kept)[0], several[[0, 1, 4, 5]])
    if mask is not None:
        assert kept.mask is not None
        assert torch.equal(kept.mask, mask[[0, 2]])
    crossed = after.reorder(torch.tensor([1, 0, 3, 2, 5, 4]))
    words = torch.arange(6) + 3
    torch.testing.assert_close(
        step(writer, words, crossed)[0], step(writer, words[[1, 0, 3, 2, 5, 4]], after)[0][[1, 0, 3, 2, 5, 4]]
    )
    detached, _ = step(writer, words, after.detach())
    assert torch.autograd.grad(detached.sum(), grids, allow_unused=True) == (None,)


# ---------------------------------------------------------------------------------------------- sampled attention


class Sampling(Attention):
    """Attention that samples one position: the room in `Look` that hard attention needs."""

    def keys(self, grid: Tensor) -> Tensor:
        return grid

    def forward(self, queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Look:
        assert mask is not None
        scores = (queries @ keys.transpose(1, 2)).masked_fill(~mask.unsqueeze(1), -1e9)
        chances = torch.distributions.Categorical(logits=scores)
        places = scores.argmax(-1)  # the likeliest, so that two runs agree
        weights = nn.functional.one_hot(places, scores.shape[-1]).to(values.dtype)
        return Look(weights @ values, weights, chances.log_prob(places), chances.entropy())


@each_attentive
def test_what_attention_samples_comes_out_of_the_model(kind: str) -> None:
    model = network(kind)
    decoder = recurrent(model)
    decoder.attention = Sampling(DotConfig(), DIM, DIM)
    tokens = torch.tensor([[START, 4, 5], [START, 6, 7], [START, 4, 4], [START, 7, 7]])
    grids = torch.randn(BATCH, POSITIONS, DIM)
    predictions = model(grids, tokens, torch.ones_like(tokens, dtype=torch.bool))
    assert predictions.sampled is not None
    assert predictions.sampled.log_probability.shape == predictions.sampled.entropy.shape == tokens.shape
    predictions.sampled.log_probability.sum().backward()
    assert decoder.embedding.weight.grad is not None
    output: Output = decoder(tokens[:2], model.start(grids))
    assert output.sampled is not None
    assert output.attention is not None
    grid, mask = grids[:, None], AsItIs()(grids).mask
    assert mask is not None
    assert (output.attention.sum(-1) == 1).all()
    assert not output.attention.masked_select(~mask[:, None].expand_as(output.attention)).any()
    assert grid.shape == (BATCH, 1, POSITIONS, DIM)


@each_kind
def test_soft_attention_samples_nothing(kind: str) -> None:
    model, tokens = network(kind), torch.tensor([[START, 4], [START, 5]])
    assert model(torch.randn(2, POSITIONS, DIM), tokens, tokens > 0).sampled is None
