"""ONNX Runtime runs a graph, or says why it cannot; NumPy takes its place where it is missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import s2s.runtime.graph
from s2s.errors import UserError
from s2s.export.builder import FLOAT, GraphBuilder, WeightFile
from s2s.runtime.graph import OnnxGraph, open_graph
from s2s.runtime.numpy_graph import NumpyGraph


def write_graph(folder: Path, operator: str = "Tanh") -> Path:
    graph = GraphBuilder("test", WeightFile())
    x = graph.input("x", FLOAT, ["n"])
    graph.output("y", graph.node(operator, x), FLOAT, ["n"])
    graph.output("z", graph.node("Add", x, graph.constant(1)), FLOAT, ["n"])
    path = folder / "test.onnx"
    path.write_bytes(graph.model())
    return path


def test_outputs_are_in_the_order_in_which_they_are_asked_for(tmp_path: Path) -> None:
    graph = OnnxGraph(write_graph(tmp_path))
    x = np.array([0.5, 0], np.float32)
    assert (graph.inputs, graph.outputs) == (["x"], ["y", "z"])
    (z, y), (only,) = graph.run({"x": x}, ["z", "y"]), graph.run({"x": x}, ["z"])
    np.testing.assert_allclose(y, np.tanh(x), rtol=1e-6)
    np.testing.assert_array_equal(z, x + 1)
    np.testing.assert_array_equal(only, z)


def test_what_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    path = tmp_path / "test.onnx"
    path.write_bytes(b"no graph")
    with pytest.raises(UserError, match=r"test\.onnx: ONNX Runtime [0-9.]+ cannot load it .*; upgrade onnxruntime, or"):
        OnnxGraph(path)


def test_numpy_takes_over_where_there_is_no_onnx_runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(open_graph(write_graph(tmp_path)), OnnxGraph)
    monkeypatch.setattr(s2s.runtime.graph, "find_spec", lambda name: None)
    graph = open_graph(write_graph(tmp_path))
    assert isinstance(graph, NumpyGraph)
    np.testing.assert_allclose(graph.run({"x": np.ones(2, np.float32)}, ["y"])[0], np.tanh([1, 1]), rtol=1e-6)
    with pytest.raises(UserError, match="NumPy cannot compute Gelu: install onnxruntime"):
        open_graph(write_graph(tmp_path, "Gelu"))
