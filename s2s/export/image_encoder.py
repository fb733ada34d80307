"""The image encoder in a graph: pixels to the grid, its mask, its mean, and the mean of the CNN's cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from onnx import TensorProto

from s2s.export.attention import dense
from s2s.export.builder import FLOAT, INT64, UINT8
from s2s.export.cnn import add_cnn
from s2s.export.decoders import EncodedGrid
from s2s.export.matrices import NetworkGraph, array_of
from s2s.export.text_encoder import masked_mean
from s2s.models.configuration import GridEncoderConfig, ImageEncoderConfig
from s2s.models.image_encoder import GridEncoder, ImageEncoder
from s2s.vision.backbones import Backbone, fold_batch_norm

_EPSILON = 1e-5  # torch's, of layer_norm


def encode_pictures(
    graph: NetworkGraph, encoder: ImageEncoder, size: int, grid: tuple[int, int], *, padded: bool
) -> EncodedGrid:
    """Add the input `pixels`, perhaps `extent`, the CNN and the grid encoder, and the output `summary`.

    Args:
        graph: where it is computed
        encoder: with its CNN
        size: pixels a side of a picture
        grid: rows and columns of the CNN's feature map
        padded: whether a photograph may fill a part of its picture only, which `extent` tells
    """
    dim = encoder.grid.summary_dim
    cells, mask = add_cells(graph, encoder.backbone, size, grid, padded=padded)
    summary = masked_mean(graph, cells, mask)
    graph.output("summary", summary, FLOAT, ["pictures", dim])
    return EncodedGrid(encode_cells(graph, encoder.grid, cells), mask, _layer_norm(graph, summary, dim))


def add_cells(
    graph: NetworkGraph, backbone: Backbone, size: int, grid: tuple[int, int], *, padded: bool
) -> tuple[str, str | None]:
    """Add inputs and CNN; return its cells (pictures, positions, dim), and their mask if pictures are padded."""
    pixels = graph.input("pixels", UINT8, ["pictures", 3, size, size])
    cells = add_cnn(graph, fold_batch_norm(backbone).stages, _normalised(graph, backbone, pixels))
    cells = graph.reshape(graph.node("Transpose", cells, perm=[0, 2, 3, 1]), 0, -1, backbone.dim)
    return cells, _mask(graph, size, grid) if padded else None


def encode_cells(graph: NetworkGraph, encoder: GridEncoder, cells: str) -> str:
    """The grid of `GridEncoder.forward`: (pictures, positions, feature_dim) -> (pictures, positions, dim)."""
    projection = encoder.projection
    projected = dense(graph, _layer_norm(graph, cells, encoder.summary_dim), projection.weight, projection.bias)
    return graph.node("Relu", projected)


IMAGE_ENCODERS: Mapping[type[ImageEncoderConfig], Callable[..., EncodedGrid]] = {GridEncoderConfig: encode_pictures}


def _normalised(graph: NetworkGraph, backbone: Backbone, pixels: str) -> str:
    mean, std = (graph.constant(array_of(values)) for values in (backbone.mean, backbone.std))
    return graph.node("Div", graph.node("Sub", graph.node("Cast", pixels, to=TensorProto.FLOAT), mean), std)


def _layer_norm(graph: NetworkGraph, cells: str, dim: int) -> str:
    return graph.node("LayerNormalization", cells, graph.constant(np.ones(dim)), axis=-1, epsilon=_EPSILON)


def _mask(graph: NetworkGraph, size: int, grid: tuple[int, int]) -> str:
    """The cells that show a part of the photograph, (pictures, positions) bool; see `photograph_mask`."""
    extent = graph.input("extent", INT64, ["pictures", 2])
    real = []
    for axis, cells in enumerate(grid):
        length = graph.node("Gather", extent, graph.constant(axis, INT64), axis=1)  # (pictures,)
        reach = graph.node("Unsqueeze", graph.node("Mul", length, graph.constant(cells, INT64)), graph.integers(1))
        real.append(graph.node("Less", graph.constant(np.arange(cells) * size, INT64), reach))  # (pictures, cells)
    rows, columns = (graph.node("Unsqueeze", each, graph.integers(axis)) for each, axis in zip(real, (2, 1)))
    return graph.reshape(graph.node("And", rows, columns), 0, -1)
