"""The operators of the translation graphs in NumPy, as https://onnx.ai/onnx/operators defines them.

Each takes a node's attributes and its inputs (None for one that is left out) and returns its outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2s.runtime.onnx_file import TYPES

Array = NDArray[Any]
Operator = Callable[..., Any]

_EXACT = 1 << 24  # float32 holds all integers up to here


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), without overflow."""
    return 0.5 * np.tanh(0.5 * x) + 0.5


def softmax(attributes: Mapping[str, Any], x: Array) -> Array:
    """exp(x) / sum exp(x), along an axis."""
    axis = attributes["axis"]
    exponentials = np.exp(x - x.max(axis, keepdims=True))
    return exponentials / exponentials.sum(axis, keepdims=True)


def log_softmax(attributes: Mapping[str, Any], x: Array) -> Array:
    """X - log sum exp(x), along an axis."""
    axis = attributes["axis"]
    shifted = x - x.max(axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))


def top_k(attributes: Mapping[str, Any], x: Array, count: Array) -> tuple[Array, Array]:
    """The largest values of each row (rows, n), at most n, and their positions, descending; equals by position."""
    k = min(int(count[0]), x.shape[1])
    least = np.partition(x, x.shape[1] - k, axis=1)[:, x.shape[1] - k]  # of those that are taken
    positions = np.empty((len(x), k), np.int64)
    for row, (values, limit) in enumerate(zip(x, least)):
        candidates = np.flatnonzero(values >= limit)
        positions[row] = candidates[np.argsort(-values[candidates], kind="stable")[:k]]
    return np.take_along_axis(x, positions, 1), positions


def quantize_linear(attributes: Mapping[str, Any], x: Array, scale: Array, zero: Array) -> Array:
    """Round x / scale to the nearest level."""
    limits = np.iinfo(zero.dtype)
    return np.clip(np.rint(x / scale) + zero, limits.min, limits.max).astype(zero.dtype)


def layer_normalization(attributes: Mapping[str, Any], x: Array, scale: Array, bias: Array | None = None) -> Array:
    """(x - mean) / sqrt(variance + epsilon) * scale + bias, along the last axis."""
    centred = x - x.mean(-1, keepdims=True)
    deviation = np.sqrt(np.square(centred).mean(-1, keepdims=True) + np.float32(attributes["epsilon"]))
    normalised = centred / deviation * scale
    return normalised if bias is None else normalised + bias


def mat_mul_integer(attributes: Mapping[str, Any], a: Array, b: Array, zero: Array) -> Array:
    """(a - zero) b, exactly. BLAS has no integers, so they are multiplied as floating-point numbers."""
    inputs = a.astype(np.float32) - np.float32(zero)
    if np.abs(inputs).max(initial=0) * 128 * a.shape[-1] >= _EXACT:
        inputs = inputs.astype(np.float64)
    return inputs @ b.astype(inputs.dtype, copy=False)


def gemm(attributes: Mapping[str, Any], a: Array, b: Array, bias: Array | None = None) -> Array:
    """A b^T + bias."""
    product = a @ (b.T if attributes.get("transB") else b)
    return product if bias is None else product + bias


def reduce_by(function: Callable[..., Array]) -> Operator:
    """A reduction along axes."""

    def operator(attributes: Mapping[str, Any], x: Array, axes: Array) -> Array:
        return function(x, axis=tuple(axes), keepdims=bool(attributes.get("keepdims", 1)))

    return operator


def reshape(attributes: Mapping[str, Any], x: Array, shape: Array) -> Array:
    """Reshape; 0 keeps a dimension."""
    return x.reshape([x.shape[axis] if size == 0 else int(size) for axis, size in enumerate(shape)])


def split(attributes: Mapping[str, Any], x: Array, sizes: Array) -> Sequence[Array]:
    """Parts of these sizes along an axis."""
    return np.split(x, np.cumsum(sizes)[:-1], attributes["axis"])


def unsqueeze(attributes: Mapping[str, Any], x: Array, axes: Array) -> Array:
    """New axes of length 1."""
    return np.expand_dims(x, tuple(axes))


def squeeze(attributes: Mapping[str, Any], x: Array, axes: Array | None = None) -> Array:
    """Without these axes, or without all axes of length 1."""
    return np.squeeze(x, None if axes is None else tuple(axes))


def shape(attributes: Mapping[str, Any], x: Array) -> Array:
    """The lengths of the axes from `start` to `end`."""
    return np.array(x.shape[attributes["start"] : attributes["end"]], np.int64)


def cast(attributes: Mapping[str, Any], x: Array) -> Array:
    """Convert the elements."""
    return x.astype(TYPES[attributes["to"]])


def divide(attributes: Mapping[str, Any], a: Array, b: Array) -> Array:
    """A / b; of integers, the whole part."""
    return a // b if np.issubdtype(a.dtype, np.integer) else a / b


# ---------------------------------------------------------------------------------------- recurrent layers

Cell = Callable[[Array, Array, Sequence[Array], Array], tuple[Array, ...]]


def recurrent(states: int, cell: Cell) -> Operator:
    """A recurrent layer over whole sequences, in one direction or both.

    Args:
        states: how many a step carries
        cell: (projected inputs (batch, gates * dim), recurrent weights, states, recurrent bias) -> the next states
    """

    def operator(
        attributes: Mapping[str, Any], x: Array, inputs: Array, hidden: Array, bias: Array, lengths: Array
    ) -> Array:
        time, batch, _ = x.shape
        dim, directions = attributes["hidden_size"], len(inputs)
        outputs = np.zeros((time, directions, batch, dim), np.float32)
        for direction in range(directions):
            own, recurrent_bias = np.split(bias[direction], 2)
            projected = x @ inputs[direction].T + own  # (time, batch, gates * dim)
            weight = hidden[direction].T
            before = tuple(np.zeros((batch, dim), np.float32) for _ in range(states))
            for t in reversed(range(time)) if direction else range(time):
                real = (t < lengths)[:, None]  # a row that is read from its end begins at its last real step
                after = cell(projected[t], weight, before, recurrent_bias)
                before = tuple(np.where(real, new, old) for new, old in zip(after, before))
                outputs[t, direction] = np.where(real, before[0], 0)
        return outputs

    return operator


def lstm(projected: Array, weight: Array, states: Sequence[Array], bias: Array) -> tuple[Array, ...]:
    """Gates i, o, f, c."""
    hidden, cell = states
    i, o, f, c = np.split(projected + hidden @ weight + bias, 4, -1)
    cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(c)
    return sigmoid(o) * np.tanh(cell), cell


def gru(projected: Array, weight: Array, states: Sequence[Array], bias: Array) -> tuple[Array, ...]:
    """Gates z, r, h; the reset is applied after the product."""
    (hidden,) = states
    recurrent_part = np.split(hidden @ weight + bias, 3, -1)
    z, r, h = np.split(projected, 3, -1)
    z, r = sigmoid(z + recurrent_part[0]), sigmoid(r + recurrent_part[1])
    candidate = np.tanh(h + r * recurrent_part[2])
    return (candidate + z * (hidden - candidate),)


def rnn(projected: Array, weight: Array, states: Sequence[Array], bias: Array) -> tuple[Array, ...]:
    """One gate, tanh."""
    return (np.tanh(projected + states[0] @ weight + bias),)


def plain(function: Callable[..., Any]) -> Operator:
    """An operator without attributes."""
    return lambda attributes, *inputs: function(*inputs)


OPERATORS: Mapping[str, Operator] = {
    "Abs": plain(np.abs),
    "Add": plain(np.add),
    "ArgMax": lambda attributes, x: np.argmax(x, attributes["axis"], keepdims=bool(attributes["keepdims"])),
    "Cast": cast,
    "Concat": lambda attributes, *inputs: np.concatenate(inputs, attributes["axis"]),
    "ConstantOfShape": plain(lambda shape: np.zeros(shape, np.float32)),
    "Cos": plain(np.cos),
    "Div": divide,
    "Equal": plain(np.equal),
    "Expand": plain(lambda x, shape: np.broadcast_to(x, np.broadcast_shapes(x.shape, tuple(shape)))),
    "GRU": recurrent(1, gru),
    "Gather": lambda attributes, x, indices: np.take(x, indices, attributes.get("axis", 0)),
    "Gemm": gemm,
    "Identity": plain(lambda x: x),
    "LSTM": recurrent(2, lstm),
    "LayerNormalization": layer_normalization,
    "Less": plain(np.less),
    "LogSoftmax": log_softmax,
    "MatMul": plain(np.matmul),
    "MatMulInteger": mat_mul_integer,
    "Max": plain(np.maximum),
    "Min": plain(np.minimum),
    "Mul": plain(np.multiply),
    "QuantizeLinear": quantize_linear,
    "RNN": recurrent(1, rnn),
    "Range": plain(lambda start, limit, step: np.arange(start, limit, step)),
    "ReduceMax": reduce_by(np.max),
    "ReduceMean": reduce_by(np.mean),
    "ReduceSum": reduce_by(np.sum),
    "Relu": plain(lambda x: np.maximum(x, 0)),
    "Reshape": reshape,
    "Shape": shape,
    "Sigmoid": plain(sigmoid),
    "Sin": plain(np.sin),
    "Softmax": softmax,
    "Split": split,
    "Squeeze": squeeze,
    "Sub": plain(np.subtract),
    "Tanh": plain(np.tanh),
    "TopK": top_k,
    "Transpose": lambda attributes, x: np.transpose(x, attributes["perm"]),
    "Unsqueeze": unsqueeze,
    "Where": plain(np.where),
}
