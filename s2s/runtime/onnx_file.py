"""Reading ONNX files without the packages of ONNX: nodes, constants, and the weights beside the graph.

An ONNX file is a message in the wire format of Protocol Buffers (https://protobuf.dev/programming-guides/encoding):
fields, each a number and a value. The numbers below are those of
https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2s.errors import UserError

_MODEL_GRAPH = 7
_GRAPH_NODE, _GRAPH_INITIALISER, _GRAPH_INPUT, _GRAPH_OUTPUT = 1, 5, 11, 12
_NODE_INPUT, _NODE_OUTPUT, _NODE_OPERATOR, _NODE_ATTRIBUTE = 1, 2, 4, 5
_VALUE_NAME = 1
_ATTRIBUTE_NAME, _ATTRIBUTE_FLOAT, _ATTRIBUTE_INTEGER, _ATTRIBUTE_STRING, _ATTRIBUTE_INTEGERS = 1, 2, 3, 4, 8
_TENSOR_DIMENSIONS, _TENSOR_TYPE, _TENSOR_NAME, _TENSOR_BYTES, _TENSOR_EXTERNAL = 1, 2, 8, 9, 13
_ENTRY_KEY, _ENTRY_VALUE = 1, 2

TYPES = {1: "<f4", 2: "u1", 3: "i1", 6: "<i4", 7: "<i8", 9: "?", 10: "<f2", 11: "<f8"}  # the numbers of element types


@dataclass(frozen=True)
class Node:
    """An operator, the names of the values that it reads ("" for one that is left out) and gives, its attributes."""

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class OnnxFile:
    """A graph as it is stored.

    Attributes:
        nodes: in an order in which they can be computed
        constants: by name, mapped from the disk where they are large
        inputs: the names of the inputs that have to be given
        outputs: the names of the outputs
    """

    nodes: tuple[Node, ...]
    constants: Mapping[str, NDArray[Any]]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def read_onnx(path: Path) -> OnnxFile:
    """Read a graph, with its weights beside it.

    Raises:
        UserError: the file is not what the exporter writes.
    """
    try:
        (graph,) = _fields(path.read_bytes())[_MODEL_GRAPH]
        fields = _fields(graph)
        constants = dict(_constant(tensor, path.parent) for tensor in fields[_GRAPH_INITIALISER])
        inputs, outputs = (
            [_text(_fields(value)[_VALUE_NAME][0]) for value in fields[number]]
            for number in (_GRAPH_INPUT, _GRAPH_OUTPUT)
        )
        nodes = tuple(map(_node, fields[_GRAPH_NODE]))
    except (ValueError, LookupError, struct.error, OSError) as error:
        raise UserError(f"{path}: cannot be read ({type(error).__name__}); run `s2s export` again") from error
    required = tuple(name for name in inputs if name not in constants)
    return OnnxFile(nodes, constants, required, tuple(outputs))


def _node(data: bytes) -> Node:
    fields = _fields(data)
    inputs, outputs = (tuple(map(_text, fields.get(number, []))) for number in (_NODE_INPUT, _NODE_OUTPUT))
    attributes = dict(map(_attribute, fields.get(_NODE_ATTRIBUTE, [])))
    return Node(_text(fields[_NODE_OPERATOR][0]), inputs, outputs, attributes)


def _attribute(data: bytes) -> tuple[str, Any]:
    fields = _fields(data)
    name = _text(fields[_ATTRIBUTE_NAME][0])
    if _ATTRIBUTE_FLOAT in fields:
        return name, struct.unpack("<f", fields[_ATTRIBUTE_FLOAT][0])[0]
    if _ATTRIBUTE_INTEGER in fields:
        return name, _signed(fields[_ATTRIBUTE_INTEGER][0])
    if _ATTRIBUTE_STRING in fields:
        return name, _text(fields[_ATTRIBUTE_STRING][0])
    return name, _integers(fields.get(_ATTRIBUTE_INTEGERS, []))


def _constant(data: bytes, folder: Path) -> tuple[str, NDArray[Any]]:
    fields = _fields(data)
    shape = _integers(fields.get(_TENSOR_DIMENSIONS, []))
    dtype = np.dtype(TYPES[fields[_TENSOR_TYPE][0]])
    name = _text(fields[_TENSOR_NAME][0])
    if _TENSOR_EXTERNAL not in fields:
        return name, np.frombuffer(fields[_TENSOR_BYTES][0], dtype).reshape(shape)
    entries = {
        _text(entry[_ENTRY_KEY][0]): _text(entry[_ENTRY_VALUE][0]) for entry in map(_fields, fields[_TENSOR_EXTERNAL])
    }
    if entries["location"] != Path(entries["location"]).name:
        raise ValueError("the weights lie in another folder")
    weights = np.memmap(folder / entries["location"], np.uint8, "r")
    offset = int(entries["offset"])
    return name, weights[offset : offset + prod(shape) * dtype.itemsize].view(dtype).reshape(shape)


# ------------------------------------------------------------------------------------------------- the wire format


def _fields(data: bytes) -> dict[int, list[Any]]:
    """The values of a message by the numbers of its fields: integers, or the bytes of what is longer."""
    found: dict[int, list[Any]] = {}
    for number, value in _values(data):
        found.setdefault(number, []).append(value)
    return found


def _values(data: bytes) -> Iterator[tuple[int, Any]]:
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, position = _varint(data, position)
            yield number, value
            continue
        if kind == 2:
            length, position = _varint(data, position)
        else:
            length = {1: 8, 5: 4}[kind]
        yield number, data[position : position + length]
        position += length


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """An integer in groups of seven bits, the lowest first, and the position after it."""
    result = shift = 0
    while True:
        byte = data[position]
        result |= (byte & 127) << shift
        position, shift = position + 1, shift + 7
        if byte < 128:
            return result, position


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _integers(values: list[Any]) -> list[int]:
    """Repeated integers, each a field of its own or packed into one."""
    found: list[int] = []
    for value in values:
        if isinstance(value, int):
            found.append(_signed(value))
            continue
        position = 0
        while position < len(value):
            integer, position = _varint(value, position)
            found.append(_signed(integer))
    return found


def _text(value: bytes) -> str:
    return value.decode()
