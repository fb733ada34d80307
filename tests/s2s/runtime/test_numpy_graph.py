"""NumPy computes the graphs of every decoder as ONNX Runtime does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from s2s.errors import UserError
from s2s.export.contracts import Storage
from s2s.models.configuration import RecurrentDecoderConfig
from s2s.runtime.numpy_graph import NumpyGraph
from s2s.runtime.numpy_operators import mat_mul_integer, quantize_linear, top_k
from tests.graph_fixtures import Steps, memory_inputs, memory_of, trained, write_decoder
from tests.model_fixtures import ATTENTION_KINDS, CELL_KINDS, DECODER_KINDS, as_kind, attention_of

SHAPE = RecurrentDecoderConfig(embedding_dim=6, dim=8, layers=2)


def compare(folder: Path) -> None:
    engines = [Steps(folder), Steps(folder, NumpyGraph)]
    assert engines[1].graph.inputs == tuple(engines[0].graph.inputs)
    assert engines[1].graph.outputs == tuple(engines[0].graph.outputs)
    tokens = np.random.default_rng(0).integers(0, 11, (3, 6))
    for engine in engines:
        engine.start(memory_inputs(memory_of()), 2)
    for read in tokens:
        expected, found = (engine.step(read) for engine in engines)
        for name, values in expected.items():
            np.testing.assert_allclose(found[name], values, atol=5e-5, err_msg=name)


@pytest.mark.parametrize("storage", ["float32", "float16", "int8"])
@pytest.mark.parametrize("kind", DECODER_KINDS)
def test_every_decoder(tmp_path: Path, kind: str, storage: Storage) -> None:
    memory = memory_of()
    write_decoder(tmp_path, as_kind(SHAPE, kind), trained(kind, SHAPE, memory), memory, storage, 1)
    compare(tmp_path)


@pytest.mark.parametrize("cell", CELL_KINDS)
@pytest.mark.parametrize("attention", ATTENTION_KINDS)
def test_every_cell_and_attention(tmp_path: Path, cell: str, attention: str) -> None:
    shape = RecurrentDecoderConfig(CELL_KINDS[cell](), 6, 8, 1, attention_of(attention, 5))
    memory = memory_of()
    write_decoder(tmp_path, as_kind(shape, "parallel"), trained("parallel", shape, memory), memory)
    compare(tmp_path)


def test_only_what_is_asked_for_is_computed(tmp_path: Path) -> None:
    memory = memory_of()
    write_decoder(tmp_path, as_kind(SHAPE, "parallel"), trained("parallel", SHAPE, memory), memory)
    graph = NumpyGraph(tmp_path / "step.onnx")
    operators = {node.operator for node in graph._needed(("next.rows.hidden.0",))}
    assert "TopK" not in operators


def test_equal_values_are_ranked_by_position() -> None:
    values, positions = top_k({}, np.array([[1.0, 3, 2, 3, 2, 3], [0, 0, 0, 0, 0, 0]]), np.array([4]))
    assert values.tolist() == [[3, 3, 3, 2], [0, 0, 0, 0]]
    assert positions.tolist() == [[1, 3, 5, 2], [0, 1, 2, 3]]


def test_integer_products_are_exact_however_long() -> None:
    drawn = np.random.default_rng(1)
    for length in (3, 5000):
        a, b = drawn.integers(1, 128, (4, length), np.uint8), drawn.integers(-127, 128, (length, 5), np.int8)
        expected = (a.astype(np.int64) - 64) @ b.astype(np.int64)
        np.testing.assert_array_equal(mat_mul_integer({}, a, b, np.array(64, np.uint8)), expected)


def test_levels_are_rounded_to_even_and_saturate() -> None:
    found = quantize_linear({}, np.array([0.5, 1.5, -0.5, 300, -300]), np.array(1.0), np.array(64, np.uint8))
    assert found.tolist() == [64, 66, 64, 255, 0]


@pytest.mark.parametrize("content", [b"", b"\x00", b"\x3a\x7f", bytes(range(256))])
def test_damaged_files_are_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "step.onnx"
    path.write_bytes(content)
    with pytest.raises(UserError, match="cannot be read"):
        NumpyGraph(path)
