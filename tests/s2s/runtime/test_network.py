"""The network of the light form, on graphs of either engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from s2s.models.configuration import RecurrentDecoderConfig
from s2s.runtime.graph import Graph, OnnxGraph
from s2s.runtime.network import LightNetwork, first_state
from s2s.runtime.numpy_graph import NumpyGraph
from tests.graph_fixtures import memory_inputs, memory_of, trained, write_decoder
from tests.model_fixtures import as_kind

VOCABULARY = 11


@pytest.mark.parametrize("engine", [OnnxGraph, NumpyGraph])
def test_a_wide_beam_gets_all_tokens_of_a_small_vocabulary(tmp_path: Path, engine: Callable[[Path], Graph]) -> None:
    shape, memory = RecurrentDecoderConfig(embedding_dim=6, dim=8), memory_of()
    decoder = trained("parallel", shape, memory, VOCABULARY)
    write_decoder(tmp_path, as_kind(shape, "parallel"), decoder, memory)
    encoder, step = (engine(tmp_path / name) for name in ("encoder.onnx", "step.onnx"))
    state = first_state(dict(zip(encoder.outputs, encoder.run(memory_inputs(memory), encoder.outputs))))
    with LightNetwork(encoder, step).searching(likeliest=2 * VOCABULARY) as search:
        likeliest = search.step(np.ones(state.sentences, np.int64), state).likeliest
    assert likeliest is not None
    np.testing.assert_array_equal(np.sort(likeliest.tokens), np.tile(np.arange(VOCABULARY), (state.sentences, 1)))
