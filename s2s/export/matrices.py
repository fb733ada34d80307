"""Weight matrices in a graph: stored in one of three precisions, looked up by row, or multiplied with.

    stored    in the graph                                       products
    float32   as it is                                           in float32
    float16   cast to float32 when the graph is loaded           in float32
    int8      with a scale for each row (output), and either     in float32
              dequantised when the graph is loaded
              or multiplied with as it is                        in int8, where the graph asks for it

The arithmetic of int8 is that of `s2s.nn.eight_bit_products` with 63 levels, which no processor's instructions
saturate: with inputs of 0 to 127 a pair of products, 2 * 127 * 127, fits into 16 bits.

    x ~ r * (q_i - 64)    q_i in 1 ... 127    r = max_i |x_i| / 63    a scale for each row of the inputs

So a row's result depends neither on the other rows of the batch nor on their order.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto
from torch import Tensor

from s2s.errors import check
from s2s.export.builder import INT8, UINT8, GraphBuilder, WeightFile
from s2s.export.contracts import Storage
from s2s.storage.eight_bits import SHORT_ROW, SMALLEST, quantise_rows

Weight = Tensor | NDArray[np.float32]
INPUT_LEVELS, ZERO_POINT = 63, 64


def array_of(weight: Weight) -> NDArray[np.float32]:
    """A parameter as an array."""
    return weight.detach().float().cpu().numpy() if isinstance(weight, Tensor) else weight


class NetworkGraph(GraphBuilder):
    """A graph with weights.

    Args:
        name: the name of the graph
        weights: the file that its large constants go to
        storage: the precision of stored matrices
        integer_products: whether `linear` multiplies in eight bits where the storage is int8
    """

    def __init__(self, name: str, weights: WeightFile, storage: Storage, *, integer_products: bool) -> None:
        super().__init__(name, weights)
        self.storage = storage
        self._integer_products = integer_products and storage == "int8"
        self._joined: dict[str, list[str]] = {}
        self._bounds: dict[str, float] = {}
        self._units: dict[str, tuple[str, str]] = {}
        self._level_value: str | None = None

    def vector(self, vector: Weight) -> str:
        """A bias, or another vector, in float32."""
        return self.constant(array_of(vector))

    def matrix(self, matrix: Weight) -> str:
        """(outputs, inputs), or the kernels of a convolution, in float32 as the graph computes with them."""
        values = array_of(matrix)
        if self.storage == "float32":
            return self.constant(values)
        if self.storage == "float16" or values[0].size < SHORT_ROW:
            return self._cast(self._half(values), TensorProto.FLOAT)
        quantised, scales = quantise_rows(values)
        return self.node("Mul", self._cast(self.constant(quantised, INT8), TensorProto.FLOAT), self.constant(scales))

    def rows(self, matrix: Weight, indices: str) -> str:
        """Look up rows: (vocabulary, dim), indices (...,) -> (..., dim) float32."""
        values = array_of(matrix)
        return self.bounded(self._rows(values, indices), float(np.abs(values).max()))

    def _rows(self, values: NDArray[np.float32], indices: str) -> str:
        if self.storage != "int8":
            half = self.storage == "float16"
            found = self.node("Gather", self._half(values) if half else self.constant(values), indices)
            return self._cast(found, TensorProto.FLOAT) if half else found
        quantised, scales = quantise_rows(values)
        found = self._cast(self.node("Gather", self.constant(quantised, INT8), indices), TensorProto.FLOAT)
        return self.node("Mul", found, self.node("Gather", self.constant(scales), indices))

    def join(self, *values: str) -> str:
        """Values (rows, ...) side by side. Joining what was joined before costs nothing."""
        if len(values) == 1:
            return values[0]
        members = [member for value in values for member in self._joined.get(value, [value])]
        joined = self.node("Concat", *members, axis=-1)
        self._joined[joined] = members
        return joined

    def bounded(self, value: str, bound: float) -> str:
        """Note that no element of `value` is larger than this in absolute value; return it."""
        self._bounds[value] = bound
        return value

    def bound(self, value: str) -> float:
        """Return what no element of `value` exceeds in absolute value; infinity if that is not known."""
        return max(self._bounds.get(member, math.inf) for member in self._joined.get(value, [value]))

    def linear(self, inputs: str, weight: Weight, bias: Weight | None = None) -> str:
        """Return inputs W^T + bias: (rows, inputs), (outputs, inputs), (outputs,) -> (rows, outputs)."""
        if not self._integer_products:
            added = [] if bias is None else [self.vector(bias)]
            return self.node("Gemm", inputs, self.matrix(weight), *added, transB=1)
        bound = self.bound(inputs)
        if bound < math.inf:
            product = self._integer_product(inputs, bound, weight)
        else:
            unit, lengths = self._unit_rows(inputs)
            product = self.node("Mul", self._integer_product(unit, 1.0, weight), lengths)
        return product if bias is None else self.node("Add", product, self.vector(bias))

    def _integer_product(self, inputs: str, bound: float, weight: Weight) -> str:
        """Return inputs W^T, where no input exceeds `bound` in absolute value."""
        stored, scales = quantise_rows(array_of(weight))
        zero = self.constant(ZERO_POINT, UINT8)
        rows = self.node("QuantizeLinear", inputs, self.constant(bound / INPUT_LEVELS), zero)
        # Stored as it is looked up, since embeddings may be tied; turned when the graph is loaded.
        turned = self.node("Transpose", self.constant(stored, INT8), perm=[1, 0])
        sums = self._cast(self.node("MatMulInteger", rows, turned, zero), TensorProto.FLOAT)
        return self.node("Mul", sums, self.node("Mul", self._level(), self.constant(scales[:, 0] * np.float32(bound))))

    def _unit_rows(self, inputs: str) -> tuple[str, str]:
        """Rows (rows, dim) divided by their largest absolute values, and these, (rows, 1)."""
        if inputs not in self._units:
            largest = self.node("ReduceMax", self.node("Abs", inputs), self.integers(-1))
            largest = self.node("Max", largest, self.constant(SMALLEST))
            self._units[inputs] = self.node("Div", inputs, largest), largest
        return self._units[inputs]

    def _level(self) -> str:
        """The distance of two levels of inputs up to 1.

        ONNX Runtime has a kernel for MatMulInteger, Cast, Mul and Add together, where the last factor is a product of
        two scales. It recognises them only if that product was not computed when the graph was loaded, as it would be
        of two constants. So this is an input with a default, which nobody gives.
        """
        if self._level_value is None:
            self._level_value = self.input_with_default("input.level", 1 / INPUT_LEVELS)
        return self._level_value

    def _half(self, values: NDArray[np.float32]) -> str:
        largest = np.abs(values).max()
        check(
            largest <= np.finfo(np.float16).max, f"a weight of {largest:g} is out of range for float16: choose float32"
        )
        return self.constant(values, np.dtype("f2"))

    def _cast(self, value: str, dtype: int) -> str:
        return self.node("Cast", value, to=dtype)
