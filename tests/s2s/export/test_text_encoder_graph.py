"""The graph of the text encoder computes what the encoder does in torch."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from s2s.export.builder import BOOL, FLOAT, WEIGHTS_FILE, WeightFile
from s2s.export.matrices import NetworkGraph
from s2s.export.text_encoder import encode_text
from s2s.models.configuration import RecurrentEncoderConfig
from s2s.models.text_encoder import TextEncoder
from s2s.runtime.graph import Graph, OnnxGraph
from s2s.runtime.numpy_graph import NumpyGraph
from s2s.text.padding import pad
from tests.model_fixtures import CELL_KINDS

SENTENCES = [[5, 6, 7, 8, 3], [9, 3], [3]]


def write_encoder(folder: Path, config: RecurrentEncoderConfig, encoder: TextEncoder) -> Path:
    weights = WeightFile()
    graph = NetworkGraph("encoder", weights, "float32", integer_products=False)
    memory = encode_text(graph, config, encoder)
    assert memory.mask is not None
    graph.output("grid", memory.grid, FLOAT, ["sentences", "positions", encoder.output_dim])
    graph.output("mask", memory.mask, BOOL, ["sentences", "positions"])
    graph.output("summary", memory.summary, FLOAT, ["sentences", encoder.output_dim])
    (folder / "encoder.onnx").write_bytes(graph.model())
    (folder / WEIGHTS_FILE).write_bytes(weights.content())
    return folder / "encoder.onnx"


@pytest.mark.parametrize("engine", [OnnxGraph, NumpyGraph])
@pytest.mark.parametrize("cell", CELL_KINDS)
def test_every_cell(tmp_path: Path, cell: str, engine: type[Graph]) -> None:
    for layers, bidirectional, residual in product((1, 2, 3), (True, False), (True, False)):
        config = RecurrentEncoderConfig(CELL_KINDS[cell](), 4, layers, bidirectional, residual)
        torch.manual_seed(3)
        encoder = TextEncoder(config, nn.Embedding(12, 4)).eval()
        for parameter in encoder.parameters():
            parameter.data += torch.randn_like(parameter) / 3
        source = pad(SENTENCES)
        graph = engine(write_encoder(tmp_path, config, encoder))  # type: ignore[call-arg]
        inputs = {"ids": source.ids, "lengths": source.lengths}
        grid, mask, summary = graph.run(inputs, ["grid", "mask", "summary"])
        with torch.no_grad():
            expected = encoder(source.moved(torch.from_numpy))
        assert expected.mask is not None
        assert expected.summary is not None
        np.testing.assert_array_equal(mask, expected.mask.numpy())
        np.testing.assert_allclose(grid[mask], expected.grid.numpy()[mask], atol=2e-6)
        np.testing.assert_allclose(summary, expected.summary, atol=2e-6)
