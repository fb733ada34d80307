"""The graphs of every kind of decoder compute what its steps compute in torch."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from s2s.models.configuration import RecurrentDecoderConfig
from s2s.models.memory import Memory
from tests.graph_fixtures import Steps, memory_inputs, memory_of, torch_steps, trained, write_decoder
from tests.model_fixtures import ATTENTION_KINDS, CELL_KINDS, DECODER_KINDS, as_kind, attention_of

VOCABULARY, SENTENCES, SLOTS, TIME = 11, 3, 2, 4
SHAPE = RecurrentDecoderConfig(embedding_dim=6, dim=8)


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


@pytest.mark.parametrize("bound", [1, math.inf])  # of the grid: one scale for all rows, or one for each
@pytest.mark.parametrize("kind", DECODER_KINDS)
def test_eight_bits_are_close_and_a_row_does_not_depend_on_the_others(tmp_path: Path, kind: str, bound: float) -> None:
    shape, memory = replace(SHAPE, embedding_dim=32, dim=48), memory_of(16)
    decoder = trained(kind, shape, memory)
    write_decoder(tmp_path, as_kind(shape, kind), decoder, memory, "int8", bound)
    tokens = torch.randint(VOCABULARY, (SENTENCES, 1))
    (expected,) = torch_steps(decoder, memory, tokens, 1)
    steps, inputs = Steps(tmp_path), memory_inputs(memory)
    steps.start(inputs)
    together = steps.step(tokens[:, 0].numpy())["log_probabilities"]
    np.testing.assert_allclose(together, expected.log_probabilities, atol=0.5)
    assert np.corrcoef(together.ravel(), expected.log_probabilities.numpy().ravel())[0, 1] > 0.999
    for row in range(SENTENCES):
        steps.start({name: value[row : row + 1] for name, value in inputs.items()})
        alone = steps.step(tokens[row].numpy())["log_probabilities"]
        np.testing.assert_allclose(alone, together[row : row + 1], atol=1e-5)


def test_products_in_eight_bits_are_one_kernel(tmp_path: Path) -> None:
    """ONNX Runtime has a fast kernel for the four operators of a product; see `NetworkGraph._level`."""
    memory = memory_of()
    write_decoder(tmp_path, as_kind(SHAPE, "parallel"), trained("parallel", SHAPE, memory), memory, "int8", 1)
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath, options.log_severity_level = str(tmp_path / "optimised.onnx"), 3
    onnxruntime.InferenceSession(str(tmp_path / "step.onnx"), options, providers=["CPUExecutionProvider"])
    operators = [node.op_type for node in onnx.load(tmp_path / "optimised.onnx", load_external_data=False).graph.node]
    assert operators.count("MatMulIntegerToFloat") == 5
    assert "MatMulInteger" not in operators
