"""Building ONNX graphs node by node, and the file of weights that several graphs share.

A value in a graph is its name, a string. Only standard operators are used, and small constants stand in the graph
itself; everything else is external data, so that two graphs that hold the same matrix store it once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

OPSET, IR_VERSION = 21, 10
WEIGHTS_FILE = "light.weights"
_INLINE_BYTES = 1024  # constants up to this size, such as shapes, stay in the graph
_ALIGNMENT = 64  # bytes; of every matrix in the file

Shape = Sequence[str | int]  # a name is a dimension that varies
FLOAT, INT64, BOOL, UINT8, INT8 = np.dtype("f4"), np.dtype("i8"), np.dtype("?"), np.dtype("u1"), np.dtype("i1")


class WeightFile:
    """The content of the file of weights. Equal arrays are stored once."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._places: dict[bytes, tuple[int, int]] = {}
        self._length = 0

    def place(self, array: NDArray[Any]) -> tuple[int, int]:
        """Store an array, if it is not stored yet; return its offset and its length in bytes."""
        data = array.tobytes()
        key = hashlib.sha256(data).digest()
        if key not in self._places:
            padding = -self._length % _ALIGNMENT
            self._parts += [bytes(padding), data]
            self._places[key] = self._length + padding, len(data)
            self._length += padding + len(data)
        return self._places[key]

    def content(self) -> bytes:
        """Return the bytes of the file."""
        return b"".join(self._parts)


class GraphBuilder:
    """A graph under construction.

    Args:
        name: the name of the graph
        weights: the file that its large constants go to
    """

    def __init__(self, name: str, weights: WeightFile) -> None:
        self.name, self._weights = name, weights
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[bytes, str] = {}
        self._initialisers: list[TensorProto] = []
        self._published: dict[str, str] = {}  # from a value to the name of the output that it is

    def input(self, name: str, dtype: np.dtype, shape: Shape) -> str:
        """Declare an input of the graph; return its value."""
        self._inputs.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(dtype), list(shape)))
        return name

    def input_with_default(self, name: str, default: float) -> str:
        """Declare a number that may be given to the graph, but need not be; return its value."""
        self._initialisers.append(self._initialiser(name, np.asarray(default, FLOAT)))
        return self.input(name, FLOAT, [])

    def output(self, name: str, value: str, dtype: np.dtype, shape: Shape) -> None:
        """Declare that `value` is an output of the graph, under this name."""
        if value in self._published or not any(value in node.output for node in self._nodes):
            value = self.node("Identity", value)
        self._published[value] = name
        self._outputs.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(dtype), list(shape)))

    def nodes(self, operator: str, inputs: Sequence[str], count: int, **attributes: Any) -> list[str]:
        """Add a node with several outputs; return their values. An empty string leaves an optional input out."""
        outputs = [f"{operator}.{len(self._nodes)}.{i}" for i in range(count)]
        self._nodes.append(helper.make_node(operator, list(inputs), outputs, **attributes))
        return outputs

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output; return its value."""
        return self.nodes(operator, inputs, 1, **attributes)[0]

    def constant(self, value: Any, dtype: np.dtype = FLOAT) -> str:
        """Add a constant of this type to the graph; return its name."""
        array = np.ascontiguousarray(value, dtype)
        array = array.reshape(np.shape(value))  # `ascontiguousarray` makes a vector of a number
        key = repr((array.dtype, array.shape)).encode() + hashlib.sha256(array.tobytes()).digest()
        if key not in self._constants:
            self._constants[key] = f"constant.{len(self._constants)}"
            self._initialisers.append(self._initialiser(self._constants[key], array))
        return self._constants[key]

    def integers(self, *values: int) -> str:
        """A constant vector of int64, such as a shape or axes."""
        return self.constant(values, INT64)

    def length(self, value: str, axis: int) -> str:
        """The length of `value` along an axis, (1,) int64."""
        return self.node("Shape", value, start=axis, end=axis + 1)

    def reshape(self, value: str, *shape: str | int) -> str:
        """Reshape; a dimension is a number (0 keeps it, -1 is what is left) or a value (1,) int64."""
        if all(isinstance(size, int) for size in shape):
            return self.node("Reshape", value, self.constant(shape, INT64))
        sizes = [self.integers(size) if isinstance(size, int) else size for size in shape]
        return self.node("Reshape", value, self.node("Concat", *sizes, axis=0))

    def split(self, value: str, *sizes: int) -> list[str]:
        """Cut the last dimension into parts of these sizes."""
        return self.nodes("Split", [value, self.integers(*sizes)], len(sizes), axis=-1)

    def model(self) -> bytes:
        """The file of the finished graph."""
        for node in self._nodes:
            for names in (node.input, node.output):
                names[:] = [self._published.get(name, name) for name in names]
        graph = helper.make_graph(self._nodes, self.name, self._inputs, self._outputs, self._initialisers)
        opset = [helper.make_opsetid("", OPSET)]
        return helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION).SerializeToString()

    def _initialiser(self, name: str, array: NDArray[Any]) -> TensorProto:
        dtype = helper.np_dtype_to_tensor_dtype(array.dtype)
        tensor = TensorProto(name=name, data_type=dtype, dims=array.shape)
        if array.nbytes <= _INLINE_BYTES:
            tensor.raw_data = array.tobytes()
            return tensor
        offset, length = self._weights.place(array)
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in {"location": WEIGHTS_FILE, "offset": offset, "length": length}.items():
            tensor.external_data.add(key=key, value=str(value))
        return tensor
