"""Graphs of the light form, run by ONNX Runtime, or by NumPy where it is not installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, cast

from numpy.typing import NDArray

from s2s.errors import UserError


class Graph(Protocol):
    """A graph that can be run: `encoder.onnx` or `step.onnx` of a light form.

    Attributes:
        inputs, outputs: their names, in the graph's order
        widths: of the last axis of each output by its name: a number where it is known (NumPy knows none)
    """

    inputs: Sequence[str]
    outputs: Sequence[str]
    widths: Mapping[str, Any]

    def run(self, inputs: dict[str, NDArray[Any]], outputs: Sequence[str]) -> list[NDArray[Any]]:
        """Compute these outputs; what only other outputs need is not computed."""
        ...


class OnnxGraph:
    """A graph in ONNX Runtime; threads may run it at the same time.

    Args:
        path: of the graph; its weights lie in the same folder
        threads: how many compute one product

    Raises:
        UserError: this version of ONNX Runtime cannot load the graph.
    """

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3  # errors only: warnings would mix with a command's own
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its errors have no common class of their own
            reason = str(error).partition("\n")[0]
            advice = "upgrade onnxruntime, or run `s2s export` again"
            raise UserError(
                f"{path}: ONNX Runtime {onnxruntime.__version__} cannot load it ({reason}); {advice}"
            ) from error
        self._run_options = onnxruntime.RunOptions()
        self._run_options.only_execute_path_to_fetches = True
        self.inputs: Sequence[str] = [value.name for value in self._session.get_inputs()]
        self.outputs: Sequence[str] = [value.name for value in self._session.get_outputs()]
        self.widths: Mapping[str, Any] = {
            value.name: value.shape[-1] for value in self._session.get_outputs() if value.shape
        }

    def run(self, inputs: dict[str, NDArray[Any]], outputs: Sequence[str]) -> list[NDArray[Any]]:
        """See `Graph`."""
        return cast("list[NDArray[Any]]", self._session.run(list(outputs), inputs, self._run_options))


def open_graph(path: Path, *, threads: int = 1) -> Graph:
    """Load a graph into ONNX Runtime, or, where it is not installed, into NumPy, which has no operators of CNNs.

    Raises:
        UserError: the graph cannot be loaded.
    """
    if find_spec("onnxruntime") is not None:
        return OnnxGraph(path, threads=threads)
    from s2s.runtime.numpy_graph import NumpyGraph

    return NumpyGraph(path)
