"""The graphs of every kind of decoder compute what its steps compute in torch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from s2s.models.configuration import RecurrentDecoderConfig
from s2s.models.contracts import Decoder
from s2s.models.memory import Memory
from tests.graph_fixtures import Steps, memory_inputs, torch_steps, write_decoder
from tests.model_fixtures import ATTENTION_KINDS, CELL_KINDS, DECODER_KINDS, as_kind, attention_of, decoder_of

VOCABULARY, SENTENCES, SLOTS, TIME = 11, 3, 2, 4
SHAPE = RecurrentDecoderConfig(embedding_dim=6, dim=8)


def memory_of(dim: int = 8, *, masked: bool = True, summary_dim: int = 5) -> Memory:
    generator = torch.Generator().manual_seed(1)
    grid = torch.randn(SENTENCES, 4, dim, generator=generator)
    mask = torch.arange(4) < torch.tensor([[4], [1], [3]]) if masked else None
    return Memory(grid, mask, torch.randn(SENTENCES, summary_dim, generator=generator))


def trained(kind: str, shape: RecurrentDecoderConfig, memory: Memory) -> Decoder:
    """A decoder whose biases are not zero."""
    torch.manual_seed(2)
    assert memory.summary is not None
    decoder = decoder_of(kind, shape, VOCABULARY, memory.grid.shape[2], memory.summary.shape[1])
    for parameter in decoder.parameters():
        parameter.data += torch.randn_like(parameter) / 5
    return decoder.eval()


def compare(folder: Path, kind: str, shape: RecurrentDecoderConfig, memory: Memory) -> None:
    decoder = trained(kind, shape, memory)
    write_decoder(folder, as_kind(shape, kind), decoder, memory)
    tokens = torch.randint(VOCABULARY, (SENTENCES * SLOTS, TIME))
    steps = Steps(folder)
    steps.start(memory_inputs(memory), SLOTS)
    for time, expected in enumerate(torch_steps(decoder, memory, tokens, SLOTS)):
        found = steps.step(tokens[:, time].numpy())
        np.testing.assert_allclose(found["log_probabilities"], expected.log_probabilities, atol=2e-5)
        best = expected.log_probabilities.topk(3)
        np.testing.assert_allclose(found["best.values"], best.values, atol=2e-5)
        np.testing.assert_array_equal(found["best.tokens"], best.indices)
        assert ("attention" in found) == (expected.attention is not None)
        if expected.attention is not None:
            np.testing.assert_allclose(found["attention"], expected.attention, atol=1e-5)


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("cell", CELL_KINDS)
@pytest.mark.parametrize("kind", DECODER_KINDS)
def test_every_decoder_with_every_cell(tmp_path: Path, kind: str, cell: str, layers: int) -> None:
    compare(tmp_path, kind, replace(SHAPE, cell=CELL_KINDS[cell](), layers=layers), memory_of())


@pytest.mark.parametrize("attention", ATTENTION_KINDS)
@pytest.mark.parametrize("kind", DECODER_KINDS)
def test_every_decoder_with_every_attention(tmp_path: Path, kind: str, attention: str) -> None:
    compare(tmp_path, kind, replace(SHAPE, attention=attention_of(attention, 5)), memory_of())


@pytest.mark.parametrize("kind", DECODER_KINDS)
def test_without_padding_there_is_no_mask(tmp_path: Path, kind: str) -> None:
    compare(tmp_path, kind, SHAPE, memory_of(masked=False))
    assert "sentences.mask" not in Steps(tmp_path).graph.inputs


@pytest.mark.parametrize("kind", DECODER_KINDS)
def test_untied_outputs_and_a_memory_of_another_width(tmp_path: Path, kind: str) -> None:
    compare(tmp_path, kind, replace(SHAPE, tie_output=False), memory_of(7))


def test_a_tied_embedding_is_stored_once(tmp_path: Path) -> None:
    shape, memory = replace(SHAPE, embedding_dim=300), memory_of()
    sizes = []
    for tied in (True, False):
        shape = replace(shape, tie_output=tied)
        write_decoder(tmp_path, as_kind(shape, "parallel"), trained("parallel", shape, memory), memory, "int8")
        sizes.append((tmp_path / "light.weights").stat().st_size)
    assert sizes[1] - sizes[0] >= 300 * VOCABULARY
