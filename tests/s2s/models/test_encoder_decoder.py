"""The whole encoder-decoder on plain grids of vectors, without a mask: it trains, it decodes, it looks."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from model_fixtures import DECODER_KINDS, decoder_of, logits_of
from torch import Tensor, nn

from s2s.decoding.beam import beam
from s2s.decoding.greedy import greedy
from s2s.decoding.search import BeamOptions
from s2s.models.configuration import DropoutRates, ParallelConfig
from s2s.models.encoder_decoder import EncoderDecoder
from s2s.models.memory import Memory
from s2s.nn.configuration import AdditiveConfig
from s2s.nn.loss import smoothed_cross_entropy
from s2s.text.padding import Padded
from s2s.text.tokens import END, PAD, START
from s2s.training.batches import padded_tensors

VOCABULARY, PICTURES, POSITIONS, DIM = 20, 16, 6, 12
CONFIG = ParallelConfig(
    embedding_dim=24,
    dim=48,
    attention=AdditiveConfig(24),
    dropout=DropoutRates(embedding=0, hidden=0, context=0, output=0),
)
each_wiring = pytest.mark.parametrize("wiring", list(DECODER_KINDS))


class Cells(nn.Module):
    """The simplest encoder: a grid of vectors as it is, every one projected alike. No mask, no summary."""

    def __init__(self) -> None:
        super().__init__()
        self.projection = nn.Linear(DIM, DIM)

    def forward(self, grid: Tensor) -> Memory:
        return Memory(self.projection(grid))


def build(wiring: str, **changes: object) -> EncoderDecoder:
    torch.manual_seed(1)
    decoder = decoder_of(wiring, replace(CONFIG, **changes), VOCABULARY, DIM)  # type: ignore[arg-type]
    return EncoderDecoder(Cells(), decoder)


def pictures() -> tuple[Tensor, list[list[int]], Padded, Padded]:
    """Random grids, a random sentence for each, and the sentences as they are read and as they are written."""
    torch.manual_seed(2)
    grids = torch.randn(PICTURES, POSITIONS, DIM)
    sentences = [torch.randint(END + 1, VOCABULARY, (3 + i % 5,)).tolist() for i in range(PICTURES)]
    read, written = [[START, *ids] for ids in sentences], [[*ids, END] for ids in sentences]
    return grids, sentences, padded_tensors(read), padded_tensors(written)


def loss(model: EncoderDecoder, grids: Tensor, read: Padded, written: Padded) -> Tensor:
    mask = written.mask
    logits = model(grids, read.ids, mask).logits
    return smoothed_cross_entropy(logits, written.ids[mask], 0.05)[0] / len(logits)


@each_wiring
def test_random_grids_are_learned_by_heart_and_decoded(wiring: str) -> None:
    model = build(wiring)
    grids, sentences, read, written = pictures()
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(80):
        optimiser.zero_grad()
        loss(model, grids, read, written).backward()
        optimiser.step()
    model.eval()
    with torch.inference_mode():
        state, limits, options = model.start(grids), torch.full((PICTURES,), 20), BeamOptions(width=4, n_best=2)
        best = greedy(model.decoder.step, state, limits, start=START, end=END)
        n_best = beam(model.decoder.step, state, limits, start=START, end=END, options=options)
    assert [hypothesis.tokens for hypothesis in best] == sentences
    assert [hypotheses[0].tokens for hypotheses in n_best] == sentences
    for first, second in n_best:
        assert first.finished
        assert first.score > second.score
        if wiring != "show_and_tell":
            assert first.attention is not None
            assert first.attention.shape == (len(first.tokens) + 1, POSITIONS)


@each_wiring
def test_different_grids_give_different_logits(wiring: str) -> None:
    model = build(wiring).eval()
    grids, _, read, _ = pictures()
    logits = logits_of(model, grids, read.ids[:1].expand(PICTURES, -1)).flatten(1)
    distances = torch.cdist(logits, logits) + torch.eye(PICTURES)
    assert distances.min() > 1e-3


@each_wiring
def test_bfloat16_trains_as_float32_does(wiring: str) -> None:
    """The loss is near, and every gradient points the same way."""
    model = build(wiring)
    grids, _, read, written = pictures()
    exact = loss(model, grids, read, written)
    expected = torch.autograd.grad(exact, list(model.parameters()))
    with torch.autocast("cpu", torch.bfloat16):
        rough = loss(model, grids, read, written)
    torch.testing.assert_close(rough, exact, atol=0.01, rtol=0)
    for found, gradient in zip(torch.autograd.grad(rough, list(model.parameters())), expected):
        assert found.dtype == torch.float32
        assert torch.cosine_similarity(found.flatten(), gradient.flatten(), dim=0) > 0.99


@each_wiring
def test_padding_of_the_sentences_changes_no_gradient(wiring: str) -> None:
    model = build(wiring)
    grids, _, read, written = pictures()
    parameters = list(model.parameters())
    expected = torch.autograd.grad(loss(model, grids, read, written), parameters)
    other = Padded(torch.where(read.mask, read.ids, VOCABULARY - 1), read.lengths)
    torch.testing.assert_close(torch.autograd.grad(loss(model, grids, other, written), parameters), expected)
    wider = [Padded(nn.functional.pad(side.ids, (0, 3), value=PAD), side.lengths) for side in (read, written)]
    torch.testing.assert_close(torch.autograd.grad(loss(model, grids, *wider), parameters), expected)


@each_wiring
def test_the_loss_is_that_of_each_picture_alone(wiring: str) -> None:
    model = build(wiring).eval()
    grids, sentences, read, written = pictures()
    lengths = written.lengths.tolist()
    alone = [
        loss(model, grids[i : i + 1], padded_tensors([[START, *ids]]), padded_tensors([[*ids, END]])) * length
        for i, (ids, length) in enumerate(zip(sentences, lengths))
    ]
    torch.testing.assert_close(torch.stack(alone).sum() / sum(lengths), loss(model, grids, read, written))


@each_wiring
def test_several_sentences_of_one_picture_look_at_one_grid(wiring: str) -> None:
    model = build(wiring).eval()
    grids, _, read, _ = pictures()
    mask = read.mask[:12]
    several = model(grids[:4], read.ids[:12], mask)
    apart = model(grids[:4].repeat_interleave(3, 0), read.ids[:12], mask)
    torch.testing.assert_close(several.logits, apart.logits)
    torch.testing.assert_close(several.attention, apart.attention)
