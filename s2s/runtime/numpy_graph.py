"""Graphs of the light form of a translator in plain NumPy, where ONNX Runtime cannot be installed.

The results are those of ONNX Runtime up to rounding, and several times as slow. A captioner needs ONNX Runtime: a CNN
would take seconds for a picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2s.errors import UserError
from s2s.runtime.numpy_operators import OPERATORS
from s2s.runtime.onnx_file import Node, OnnxFile, read_onnx

Values = dict[str, NDArray[Any]]


class NumpyGraph:
    """See `Graph`. Threads may run it at the same time.

    Args:
        path: of the graph; its weights lie in the same folder

    Raises:
        UserError: the file cannot be read, or has operators that this engine does not know.
    """

    def __init__(self, path: Path) -> None:
        file = read_onnx(path)
        unknown = sorted({node.operator for node in file.nodes} - OPERATORS.keys())
        if unknown:
            raise UserError(
                f"{path}: NumPy cannot compute {', '.join(unknown)}: install onnxruntime, or use --engine torch"
            )
        self.inputs: Sequence[str] = file.inputs
        self.outputs: Sequence[str] = file.outputs
        self.widths: Mapping[str, Any] = {}
        self._constants, self._nodes = _folded(file)
        self._plan = cache(self._needed)

    def run(self, inputs: Mapping[str, NDArray[Any]], outputs: Sequence[str]) -> list[NDArray[Any]]:
        """See `Graph`."""
        values = {**self._constants, **inputs}
        for node in self._plan(tuple(outputs)):
            _compute(node, values)
        return [values[name] for name in outputs]

    def _needed(self, outputs: Sequence[str]) -> list[Node]:
        """The nodes that these outputs need, in order."""
        wanted, chosen = set(outputs), list[Node]()
        for node in reversed(self._nodes):
            if wanted & set(node.outputs):
                wanted |= set(node.inputs)
                chosen.append(node)
        return chosen[::-1]


def _folded(file: OnnxFile) -> tuple[Values, list[Node]]:
    """All constants, with those that follow from others, and the nodes that are left."""
    constants, left = dict(file.constants), list[Node]()
    for node in file.nodes:
        if all(name in constants or not name for name in node.inputs):
            _compute(node, constants)
        else:
            left.append(node)
    used = {name for node in left for name in node.inputs}
    for node in left:
        if node.operator == "MatMulInteger":  # which multiplies floating-point numbers
            constants[node.inputs[1]] = np.ascontiguousarray(constants[node.inputs[1]], np.float32)
    return {name: constant for name, constant in constants.items() if name in used}, left


def _compute(node: Node, values: Values) -> None:
    inputs = [values[name] if name else None for name in node.inputs]
    found = OPERATORS[node.operator](node.attributes, *inputs)
    values.update(
        zip(node.outputs, [found] if len(node.outputs) == 1 and not isinstance(found, tuple | list) else found)
    )
