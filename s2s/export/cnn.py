"""A CNN in a graph: the layers of a backbone, one after the other, as `torch.fx` traces them.

A layer is translated by its type; a CNN with a layer that the table lacks is refused by name. Batch normalisation must
have been merged into the convolutions (see `fold_batch_norm`). `SameConv2d` pads as SAME_UPPER does.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import fx, nn

from s2s.errors import UserError
from s2s.export.matrices import NetworkGraph
from s2s.models.image_encoder import ProjectedCells
from s2s.vision.efficientnet_lite import SameConv2d

Layer = Callable[[NetworkGraph, Any, str], str]


class _Layers(fx.Tracer):
    """Traces down to the layers that the table has, and to those of torch."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Whether `m` is taken as a whole."""
        return type(m) in LAYERS or type(m).__name__ in NAMED or super().is_leaf_module(m, module_qualified_name)


def add_cnn(graph: NetworkGraph, stages: nn.Sequential, pixels: str) -> str:
    """Add the layers of a CNN: (pictures, 3, height, width), normalised -> (pictures, dim, rows, columns).

    Raises:
        UserError: the CNN has a layer that cannot be exported.
    """
    values: dict[str, str] = {}
    for node in _Layers().trace(stages).nodes:
        inputs = [values[argument.name] for argument in node.args if isinstance(argument, fx.Node)]
        if node.op == "placeholder":
            values[node.name] = pixels
        elif node.op == "get_attr":
            values[node.name] = graph.vector(_attribute(stages, node.target))
        elif node.op == "call_module":
            module = stages.get_submodule(node.target)
            values[node.name] = layer_of(module)(graph, module, *inputs)
        elif node.op == "call_function" and node.target in FUNCTIONS and len(inputs) == 2:
            values[node.name] = graph.node(FUNCTIONS[node.target], *inputs)
        elif node.op == "output":
            return inputs[0]
        else:
            raise UserError(f"the CNN uses {node.target}, which cannot be exported: choose another backbone")
    raise AssertionError("a traced network has an output")


def layer_of(module: nn.Module) -> Layer:
    """How a layer is translated. Raises UserError if it cannot be."""
    found = LAYERS.get(type(module)) or NAMED.get(type(module).__name__)
    if found is None:
        raise UserError(
            f"the CNN has a layer {type(module).__name__}, which cannot be exported: choose another backbone"
        )
    return found


def _attribute(stages: nn.Module, target: str) -> torch.Tensor:
    owner, _, name = target.rpartition(".")
    return getattr(stages.get_submodule(owner), name)


def _convolution(graph: NetworkGraph, layer: nn.Conv2d, pixels: str) -> str:
    padding = (
        {"auto_pad": "SAME_UPPER"} if isinstance(layer, SameConv2d) else {"pads": [*layer.padding, *layer.padding]}
    )
    bias = [] if layer.bias is None else [graph.vector(layer.bias)]
    return graph.node(
        "Conv",
        pixels,
        graph.matrix(layer.weight),
        *bias,
        kernel_shape=list(layer.kernel_size),
        strides=list(layer.stride),
        dilations=list(layer.dilation),
        group=layer.groups,
        **padding,
    )


def _relu6(graph: NetworkGraph, layer: nn.ReLU6, pixels: str) -> str:
    return graph.node("Clip", pixels, graph.constant(0), graph.constant(6))


def _swish(graph: NetworkGraph, layer: nn.SiLU, pixels: str) -> str:
    return graph.node("Mul", pixels, graph.node("Sigmoid", pixels))


def _hard_sigmoid(graph: NetworkGraph, layer: nn.Module, pixels: str) -> str:
    return graph.node("HardSigmoid", pixels, alpha=1 / 6, beta=0.5)


def _hard_swish(graph: NetworkGraph, layer: nn.Module, pixels: str) -> str:
    return graph.node("Mul", pixels, _hard_sigmoid(graph, layer, pixels))


def _gelu(graph: NetworkGraph, layer: nn.GELU, pixels: str) -> str:
    return graph.node("Gelu", pixels, approximate=layer.approximate)


def _max_pool(graph: NetworkGraph, layer: nn.MaxPool2d, pixels: str) -> str:
    kernel, stride, padding = (_pair(value) for value in (layer.kernel_size, layer.stride, layer.padding))
    return graph.node("MaxPool", pixels, kernel_shape=kernel, strides=stride, pads=[*padding, *padding])


def _average_pool(graph: NetworkGraph, layer: nn.AvgPool2d, pixels: str) -> str:
    kernel, stride, padding = (_pair(value) for value in (layer.kernel_size, layer.stride, layer.padding))
    pads = [*padding, *padding]
    counted = int(layer.count_include_pad)
    return graph.node("AveragePool", pixels, kernel_shape=kernel, strides=stride, pads=pads, count_include_pad=counted)


def _mean(graph: NetworkGraph, layer: nn.AdaptiveAvgPool2d, pixels: str) -> str:
    if _pair(layer.output_size) != [1, 1]:
        raise UserError(f"the CNN pools to {layer.output_size}, which cannot be exported: choose another backbone")
    return graph.node("GlobalAveragePool", pixels)


def _linear(graph: NetworkGraph, layer: nn.Linear, cells: str) -> str:
    turned = graph.node("Transpose", graph.matrix(layer.weight), perm=[1, 0])
    return graph.node("Add", graph.node("MatMul", cells, turned), graph.vector(layer.bias))


def _layer_norm(graph: NetworkGraph, layer: nn.LayerNorm, cells: str) -> str:
    scale, bias = graph.vector(layer.weight), graph.vector(layer.bias)
    return graph.node("LayerNormalization", cells, scale, bias, axis=-1, epsilon=layer.eps)


def _layer_norm_of_channels(graph: NetworkGraph, layer: Any, pixels: str) -> str:
    """`torchvision.models.convnext.LayerNorm2d`: over the channels, which lie before the picture's axes."""
    cells = graph.node("Transpose", pixels, perm=[0, 2, 3, 1])
    return graph.node("Transpose", _layer_norm(graph, layer, cells), perm=[0, 3, 1, 2])


def _projected_cells(graph: NetworkGraph, layer: ProjectedCells, pixels: str) -> str:
    cells = graph.node("Transpose", pixels, perm=[0, 2, 3, 1])
    width = layer.projection.in_features
    ones, zeros = graph.constant(np.ones(width)), graph.constant(np.zeros(width))
    normed = graph.node("LayerNormalization", cells, ones, zeros, axis=-1, epsilon=1e-5)  # torch's epsilon
    projected = graph.node("Relu", _linear(graph, layer.projection, normed))
    return graph.node("Transpose", projected, perm=[0, 3, 1, 2])


def _permute(graph: NetworkGraph, layer: Any, cells: str) -> str:
    return graph.node("Transpose", cells, perm=list(layer.dims))


def _nothing(graph: NetworkGraph, layer: nn.Module, pixels: str) -> str:
    return pixels


def _pair(value: Any) -> list[int]:
    return list(value) if isinstance(value, tuple | list) else [value, value]


LAYERS: Mapping[type[nn.Module], Layer] = {
    nn.Conv2d: _convolution,
    SameConv2d: _convolution,
    nn.ReLU: lambda graph, layer, pixels: graph.node("Relu", pixels),
    nn.ReLU6: _relu6,
    nn.SiLU: _swish,
    nn.Sigmoid: lambda graph, layer, pixels: graph.node("Sigmoid", pixels),
    nn.Hardsigmoid: _hard_sigmoid,
    nn.Hardswish: _hard_swish,
    nn.GELU: _gelu,
    nn.MaxPool2d: _max_pool,
    nn.AvgPool2d: _average_pool,
    nn.AdaptiveAvgPool2d: _mean,
    nn.Linear: _linear,
    nn.LayerNorm: _layer_norm,
    ProjectedCells: _projected_cells,
    nn.Identity: _nothing,
    nn.Dropout: _nothing,
}
NAMED: Mapping[str, Layer] = {  # of torchvision, which is imported only where one of its CNNs is used
    "LayerNorm2d": _layer_norm_of_channels,
    "Permute": _permute,
    "StochasticDepth": _nothing,
}
FUNCTIONS: Mapping[Any, str] = {operator.add: "Add", operator.iadd: "Add", operator.mul: "Mul"}
