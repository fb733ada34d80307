"""The graph of a language model's step computes what its step computes in torch, in both engines of the light form."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from model_fixtures import CELL_KINDS

from s2s.export.language_model import build_step
from s2s.models.language_configuration import RecurrentLanguageModelConfig
from s2s.models.language_model import RecurrentLanguageModel
from s2s.runtime.graph import Graph, OnnxGraph
from s2s.runtime.network import LightNetwork, LightState
from s2s.runtime.numpy_graph import NumpyGraph

VOCABULARY, ROWS, TIME = 70, 3, 4


@pytest.mark.parametrize("engine", [OnnxGraph, NumpyGraph])
@pytest.mark.parametrize("precision", ["float32", "int8"])
@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("cell", CELL_KINDS)
def test_a_step_is_that_of_torch(
    tmp_path: Path, cell: str, tied: bool, precision: str, engine: Callable[[Path], Graph]
) -> None:
    torch.manual_seed(1)
    shape = RecurrentLanguageModelConfig(CELL_KINDS[cell](), embedding_dim=6, dim=8, layers=2, tie_embeddings=tied)
    model = RecurrentLanguageModel(shape, VOCABULARY).eval()
    for name, data in build_step(shape, model, precision).items():  # type: ignore[arg-type]
        (tmp_path / name).write_bytes(data)
    network = LightNetwork(None, engine(tmp_path / "step.onnx"))
    state: Any = model.start(None, sentences=ROWS)
    names = ("hidden", "cell")
    zeros = {
        f"rows.{names[kind]}.{i}": each.numpy()
        for i, layer in enumerate(state.layers)
        for kind, each in enumerate(layer)
    }
    light = LightState(ROWS, zeros, {})
    with network.searching() as search, torch.no_grad():
        light = search.start(light)
        for tokens in torch.randint(VOCABULARY, (TIME, ROWS)):
            expected, found = model.step(tokens, state), search.step(tokens.numpy(), light)
            state, light = expected.state, found.state
            assert found.log_probabilities is not None
            limit = 2e-5 if precision == "float32" else 0.1
            np.testing.assert_allclose(found.log_probabilities, expected.log_probabilities, atol=limit)


def test_without_an_encoder_a_search_starts_from_a_state() -> None:
    class Nothing:
        inputs = outputs = ()
        widths: dict[str, int] = {}  # noqa: RUF012

    with LightNetwork(None, Nothing()).searching() as search, pytest.raises(TypeError, match="starts from a state"):  # type: ignore[arg-type]
        search.start(1)
