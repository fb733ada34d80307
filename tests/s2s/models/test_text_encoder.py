"""The text encoder: its memory, its padding, its ties with the decoder, its dropout."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from model_fixtures import CELL_KINDS, DECODER_KINDS, decoder_of, logits_of
from torch import nn

from s2s.models.configuration import ParallelConfig, RecurrentEncoderConfig
from s2s.models.encoder_decoder import EncoderDecoder
from s2s.models.memory import Segment, masked_mean
from s2s.models.text_encoder import TextEncoder, source_embedding
from s2s.nn.configuration import AdditiveConfig
from s2s.text.padding import Padded
from s2s.text.tokens import PAD, START
from s2s.training.batches import padded_tensors

VOCABULARY, WIDTH = 13, 6
LINES = [[5, 6, 7, 8], [9], [10, 11, 4, 5, 6, 7], [8, 8]]
CONFIG = RecurrentEncoderConfig(dim=3, layers=2, embedding_dropout=0, hidden_dropout=0)
each_direction = pytest.mark.parametrize("bidirectional", [False, True])


def build(config: RecurrentEncoderConfig = CONFIG) -> TextEncoder:
    torch.manual_seed(1)
    return TextEncoder(config, source_embedding(VOCABULARY, WIDTH))


def test_the_memory_of_a_batch() -> None:
    encoder, source = build(), padded_tensors(LINES)
    memory = encoder(source)
    assert memory.grid.shape == (4, 6, encoder.output_dim) == (4, 6, 6)
    assert torch.equal(memory.mask, source.mask)
    assert memory.segments == (Segment("source", 6),)
    torch.testing.assert_close(memory.summary, masked_mean(memory.grid, source.mask))


@pytest.mark.parametrize("cell", list(CELL_KINDS))
@each_direction
def test_a_line_alone_equals_the_line_in_a_batch(cell: str, bidirectional: bool) -> None:
    encoder = build(replace(CONFIG, cell=CELL_KINDS[cell](), bidirectional=bidirectional, residual=True))
    together = encoder(padded_tensors(LINES))
    for row, line in enumerate(LINES):
        alone = encoder(padded_tensors([line]))
        torch.testing.assert_close(alone.grid[0], together.grid[row, : len(line)])
        torch.testing.assert_close(alone.summary[0], together.summary[row])


@each_direction
def test_padding_is_not_read_and_gets_no_gradient(bidirectional: bool) -> None:
    encoder, source = build(replace(CONFIG, bidirectional=bidirectional)), padded_tensors(LINES)
    embedded: list[torch.Tensor] = []

    def remember(_module: nn.Module, _inputs: object, output: torch.Tensor) -> None:
        output.retain_grad()
        embedded.append(output)

    encoder.embedding.register_forward_hook(remember)
    memory = encoder(source)
    (memory.grid[source.mask].square().sum() + memory.summary.square().sum()).backward()
    gradient = embedded[0].grad
    assert gradient is not None
    assert gradient[source.mask].abs().min() > 0
    assert gradient[~source.mask].abs().max() == 0
    other = encoder(Padded(torch.where(source.mask, source.ids, START), source.lengths))
    assert torch.equal(other.grid[source.mask], memory.grid[source.mask])
    assert torch.equal(other.summary, memory.summary)


def test_embeddings_of_the_source_alone_have_about_unit_length() -> None:
    torch.manual_seed(1)
    embedding = source_embedding(500, 64)
    assert embedding.weight.norm(dim=1).mean().item() == pytest.approx(1, abs=0.05)
    assert embedding.padding_idx == PAD


@pytest.mark.parametrize("wiring", list(DECODER_KINDS))
def test_three_way_ties_are_one_tensor_and_stay_one(wiring: str) -> None:
    torch.manual_seed(1)
    config = ParallelConfig(embedding_dim=WIDTH, dim=8, attention=AdditiveConfig(4))
    decoder = decoder_of(wiring, config, VOCABULARY, 6, 6)
    encoder = TextEncoder(CONFIG, decoder.embedding)
    model = EncoderDecoder(encoder, decoder)
    matrices = [p for p in model.parameters() if p.shape == (VOCABULARY, WIDTH)]
    assert len(matrices) == 1
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    logits_of(model, padded_tensors([[5, 6]]), torch.tensor([[START, 8]]))[..., 10].sum().backward()
    gradient = matrices[0].grad
    assert gradient is not None
    touched = [row for row in range(VOCABULARY) if gradient[row].abs().sum() > 0]
    assert touched == [START, 5, 6, 8, 10]  # the source's, those read and the one written
    optimiser.step()
    assert encoder.embedding.weight is decoder.embedding.weight is decoder.projection.weight


@pytest.mark.parametrize("place", ["word_dropout", "embedding_dropout", "hidden_dropout"])
def test_every_rate_drops_something_in_training_only(place: str) -> None:
    encoder, source = build(replace(CONFIG, **{place: 0.5})), padded_tensors(LINES)
    torch.manual_seed(1)
    first, second = encoder(source).grid, encoder(source).grid
    assert not torch.equal(first, second)
    torch.manual_seed(1)
    assert torch.equal(encoder(source).grid, first)
    encoder.eval()
    assert torch.equal(encoder(source).grid, encoder(source).grid)


def test_word_dropout_drops_whole_words() -> None:
    encoder = build(replace(CONFIG, word_dropout=0.5))
    seen: list[torch.Tensor] = []
    encoder.drop_word.register_forward_hook(lambda _, __, output: seen.append(output))  # type: ignore[arg-type]
    encoder(padded_tensors([[5] * 100]))
    dropped = (seen[0][0] == 0).sum(1)  # elements of each word
    assert set(dropped.tolist()) == {0, WIDTH}
