"""Graphs of the light form, run by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Graph(Protocol):
    """A graph that can be run: `encoder.onnx` or `step.onnx` of a light form.

    Attributes:
        inputs, outputs: their names, in the graph's order
    """

    inputs: Sequence[str]
    outputs: Sequence[str]

    def run(self, inputs: dict[str, NDArray[Any]], outputs: Sequence[str]) -> list[NDArray[Any]]:
        """Compute these outputs; what only other outputs need is not computed."""
        ...


class OnnxGraph:
    """A graph in ONNX Runtime; threads may run it at the same time.

    Args:
        path: of the graph; its weights lie in the same folder
        threads: how many compute one product
    """

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3  # errors only: warnings would mix with a command's own
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._run_options = onnxruntime.RunOptions()
        self._run_options.only_execute_path_to_fetches = True
        self.inputs: Sequence[str] = [value.name for value in self._session.get_inputs()]
        self.outputs: Sequence[str] = [value.name for value in self._session.get_outputs()]

    def run(self, inputs: dict[str, NDArray[Any]], outputs: Sequence[str]) -> list[NDArray[Any]]:
        """See `Graph`."""
        return [np.asarray(found) for found in self._session.run(list(outputs), inputs, self._run_options)]
