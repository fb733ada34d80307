"""The graphs of a Transformer compute what it computes in torch, in ONNX Runtime and in NumPy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from s2s.export.builder import BOOL, FLOAT, WEIGHTS_FILE, WeightFile
from s2s.export.contracts import Storage
from s2s.export.matrices import NetworkGraph
from s2s.export.text_encoder import encode_by_self_attention
from s2s.models.configuration import TransformerDecoderConfig, TransformerEncoderConfig
from s2s.models.decoders import build_decoder
from s2s.models.memory import Memory
from s2s.models.text_encoder import build_text_encoder
from s2s.models.transformer_decoder import TransformerDecoder
from s2s.nn.configuration import LearnedConfig
from s2s.runtime.graph import Graph, OnnxGraph
from s2s.runtime.network import LightNetwork
from s2s.runtime.numpy_graph import NumpyGraph
from s2s.text.padding import pad
from tests.graph_fixtures import Steps, memory_inputs, memory_of, torch_steps, write_decoder

VOCABULARY, SENTENCES, SLOTS, TIME = 11, 3, 2, 4
DECODER = TransformerDecoderConfig(dim=8, layers=2, heads=2, feedforward_dim=12)
ENCODER = TransformerEncoderConfig(dim=8, layers=2, heads=2, feedforward_dim=12)
SOURCES = [[5, 6, 7, 8, 3], [9, 3], [3]]
SHAPES: dict[str, dict[str, Any]] = {
    "pre-norm, sinusoidal": {},
    "post-norm, learned": {"norm": "post", "positions": LearnedConfig(3)},  # of which the last serves twice
    "one layer": {"layers": 1},
}
each_shape = pytest.mark.parametrize("shape", SHAPES)
each_engine = pytest.mark.parametrize("engine", [OnnxGraph, NumpyGraph])


def randomised(module: Any) -> Any:
    torch.manual_seed(2)
    for parameter in module.parameters():
        parameter.data += torch.randn_like(parameter) / 5
    return module.eval()


def decoder_of(config: TransformerDecoderConfig, memory: Memory) -> TransformerDecoder:
    torch.manual_seed(2)
    return randomised(build_decoder(config, VOCABULARY, memory.grid.shape[2], 5))


@each_engine
@each_shape
@pytest.mark.parametrize("masked", [True, False])
def test_steps_with_the_cache_are_those_of_torch(
    tmp_path: Path, masked: bool, shape: str, engine: type[OnnxGraph]
) -> None:
    config, memory = replace(DECODER, **SHAPES[shape]), memory_of(6, masked=masked)
    decoder = decoder_of(config, memory)
    write_decoder(tmp_path, config, decoder, memory)
    tokens = torch.randint(VOCABULARY, (SENTENCES * SLOTS, TIME))
    steps = Steps(tmp_path, engine)
    assert ("sentences.mask" in steps.graph.inputs) == masked
    steps.start(memory_inputs(memory), SLOTS)
    for time, expected in enumerate(torch_steps(decoder, memory, tokens, SLOTS)):
        found = steps.step(tokens[:, time].numpy())
        np.testing.assert_allclose(found["log_probabilities"], expected.log_probabilities, atol=2e-5)
        np.testing.assert_array_equal(found["best.tokens"], expected.log_probabilities.topk(3).indices)
        assert expected.attention is not None
        np.testing.assert_allclose(found["attention"], expected.attention, atol=1e-5)
        assert steps.state["rows.keys.0"].shape == (SENTENCES * SLOTS, 2, 4, time + 1)


@pytest.mark.parametrize(("storage", "tolerance"), [("float16", 5e-3), ("int8", 0.1)])
def test_both_engines_agree_in_every_precision(tmp_path: Path, storage: Storage, tolerance: float) -> None:
    memory = memory_of(6)
    decoder = decoder_of(DECODER, memory)
    write_decoder(tmp_path, DECODER, decoder, memory, storage)
    engines = [Steps(tmp_path), Steps(tmp_path, NumpyGraph)]
    for engine in engines:
        engine.start(memory_inputs(memory), SLOTS)
    tokens = torch.randint(VOCABULARY, (SENTENCES * SLOTS, TIME))
    for time, exact in enumerate(torch_steps(decoder, memory, tokens, SLOTS)):
        expected, found = (engine.step(tokens[:, time].numpy()) for engine in engines)
        for name, values in expected.items():
            np.testing.assert_allclose(found[name], values, atol=5e-5, err_msg=name)
        np.testing.assert_allclose(found["log_probabilities"], exact.log_probabilities, atol=tolerance)


def test_the_cache_moves_with_its_rows_and_sentences(tmp_path: Path) -> None:
    """As search moves the state of a light form."""
    memory = memory_of(6)
    write_decoder(tmp_path, DECODER, decoder_of(DECODER, memory), memory)
    network = LightNetwork(OnnxGraph(tmp_path / "encoder.onnx"), OnnxGraph(tmp_path / "step.onnx"))

    class Inputs:
        def __init__(self) -> None:
            vars(self).update(memory_inputs(memory))

    with network.searching() as search:
        state: Any = search.start(Inputs()).repeat(SLOTS)
        words = np.arange(SENTENCES * SLOTS) % 7 + 4
        state = search.step(words, state).state
        whole = search.step(words, state)
        order = np.array([1, 0, 2, 2, 5, 4])
        turned = search.step(words[order], state.reorder(order))
        kept = search.step(words[[0, 1, 4, 5]], state.keep(np.array([0, 2])))
    for found, rows in ((turned, order), (kept, [0, 1, 4, 5])):
        assert whole.log_probabilities is not None
        assert found.log_probabilities is not None
        np.testing.assert_allclose(found.log_probabilities, whole.log_probabilities[rows], atol=1e-6)


@each_engine
@each_shape
@pytest.mark.parametrize("width", [8, 5])
def test_the_encoder_is_that_of_torch(tmp_path: Path, width: int, shape: str, engine: type[Graph]) -> None:
    config = replace(ENCODER, **SHAPES[shape])
    encoder = randomised(build_text_encoder(config, nn.Embedding(12, width)))
    weights = WeightFile()
    graph = NetworkGraph("encoder", weights, "float32", integer_products=False)
    memory = encode_by_self_attention(graph, config, encoder)
    assert memory.mask is not None
    graph.output("grid", memory.grid, FLOAT, ["sentences", "positions", encoder.output_dim])
    graph.output("mask", memory.mask, BOOL, ["sentences", "positions"])
    graph.output("summary", memory.summary, FLOAT, ["sentences", encoder.output_dim])
    (tmp_path / "encoder.onnx").write_bytes(graph.model())
    (tmp_path / WEIGHTS_FILE).write_bytes(weights.content())
    source = pad(SOURCES)
    inputs: Any = {"ids": source.ids, "lengths": source.lengths}
    run = engine(tmp_path / "encoder.onnx").run  # type: ignore[call-arg]
    grid, mask, summary = run(inputs, ["grid", "mask", "summary"])
    with torch.no_grad():
        expected = encoder(source.moved(torch.from_numpy))
    np.testing.assert_array_equal(mask, expected.mask.numpy())
    np.testing.assert_allclose(grid[mask], expected.grid.numpy()[mask], atol=5e-6)
    np.testing.assert_allclose(summary, expected.summary, atol=5e-6)
