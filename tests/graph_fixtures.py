"""Small networks in graphs, run by ONNX Runtime, for tests that compare them with torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from s2s.export.builder import BOOL, FLOAT, WEIGHTS_FILE, WeightFile
from s2s.export.contracts import Storage
from s2s.export.decoders import DECODERS, EncodedGrid
from s2s.export.matrices import NetworkGraph
from s2s.models.configuration import DecoderConfig, RecurrentDecoderConfig
from s2s.models.contracts import DecoderStep
from s2s.models.decoder import Decoder
from s2s.models.memory import Memory
from s2s.runtime.graph import Graph, OnnxGraph
from tests.model_fixtures import decoder_of

Arrays = dict[str, NDArray[Any]]


def write_graphs(folder: Path, encoder: NetworkGraph, step: NetworkGraph, weights: WeightFile) -> None:
    """The three files of a light form."""
    (folder / "encoder.onnx").write_bytes(encoder.model())
    (folder / "step.onnx").write_bytes(step.model())
    (folder / WEIGHTS_FILE).write_bytes(weights.content())


def write_decoder(
    folder: Path,
    config: DecoderConfig,
    decoder: Decoder,
    memory: Memory,
    storage: Storage = "float32",
    bound: float = math.inf,
) -> None:
    """A decoder behind an encoder that hands its inputs on: `grid`, `summary` and perhaps `mask`."""
    weights = WeightFile()
    encoder = NetworkGraph("encoder", weights, storage, integer_products=False)
    grid = encoder.input("grid", FLOAT, ["sentences", "positions", memory.grid.shape[2]])
    mask = None if memory.mask is None else encoder.input("mask", BOOL, ["sentences", "positions"])
    assert memory.summary is not None
    summary = encoder.input("summary", FLOAT, ["sentences", memory.summary.shape[1]])
    graphs = DECODERS[type(config)](config, decoder)
    graphs.start(encoder, EncodedGrid(grid, mask, summary))
    step = NetworkGraph("step", weights, storage, integer_products=True)
    graphs.step(step, masked=memory.mask is not None, bound=bound)
    write_graphs(folder, encoder, step, weights)


def memory_inputs(memory: Memory) -> Arrays:
    """The inputs of such an encoder."""
    values = {"grid": memory.grid, "mask": memory.mask, "summary": memory.summary}
    return {name: value.numpy() for name, value in values.items() if value is not None}


@dataclass
class Steps:
    """The graphs of a folder, and the state between their steps."""

    folder: Path
    engine: Callable[[Path], Graph] = OnnxGraph

    def __post_init__(self) -> None:
        self.encoder, self.graph = (self.engine(self.folder / name) for name in ("encoder.onnx", "step.onnx"))

    def start(self, inputs: Mapping[str, NDArray[Any]], slots: int = 1) -> None:
        """Encode, and make `slots` rows of each sentence."""
        found = dict(zip(self.encoder.outputs, self.encoder.run(dict(inputs), self.encoder.outputs)))
        self.state = {
            name: np.repeat(value, slots, 0) if name.startswith("rows.") else value
            for name, value in found.items()
            if name.startswith(("rows.", "sentences."))
        }
        self.encoded = found

    def step(self, tokens: NDArray[np.int64], count: int = 3) -> Arrays:
        """All outputs of a step; the state goes on."""
        feeds = {"tokens": tokens, "count": np.array([count]), **self.state}
        found = dict(zip(self.graph.outputs, self.graph.run(feeds, self.graph.outputs)))
        self.state |= {name.removeprefix("next."): value for name, value in found.items() if name.startswith("next.")}
        return found


@torch.no_grad()
def torch_steps(decoder: Decoder, memory: Memory, tokens: Tensor, slots: int) -> list[DecoderStep]:
    """The steps of a decoder that reads tokens (rows, time)."""
    state, steps = decoder.start(memory).repeat(slots), list[DecoderStep]()
    for read in tokens.unbind(1):
        steps.append(decoder.step(read, state))
        state = steps[-1].state
    return steps


def memory_of(dim: int = 8, *, masked: bool = True, summary_dim: int = 5) -> Memory:
    """A memory of three sentences, of four positions at most."""
    generator = torch.Generator().manual_seed(1)
    grid = torch.rand(3, 4, dim, generator=generator) * 2 - 1
    mask = torch.arange(4) < torch.tensor([[4], [1], [3]]) if masked else None
    return Memory(grid, mask, torch.randn(3, summary_dim, generator=generator))


def trained(kind: str, shape: RecurrentDecoderConfig, memory: Memory, vocabulary: int = 11) -> Decoder:
    """A decoder whose biases are not zero."""
    torch.manual_seed(2)
    assert memory.summary is not None
    decoder = decoder_of(kind, shape, vocabulary, memory.grid.shape[2], memory.summary.shape[1])
    for parameter in decoder.parameters():
        parameter.data += torch.randn_like(parameter) / 5
    return decoder.eval()
