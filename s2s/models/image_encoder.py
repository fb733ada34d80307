"""The image encoder: the cells of a CNN's feature map are the grid, and their mean is what h_0 is made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_max_pool2d, layer_norm

from s2s.errors import check
from s2s.models.configuration import GridEncoderConfig, ImageEncoderConfig
from s2s.models.memory import Memory, Segment, masked_mean
from s2s.vision.grids import Features, Pixels, photograph_mask

if TYPE_CHECKING:
    from s2s.vision.backbones import Backbone


class GridEncoder(nn.Module):
    """Cells to grid: normalised, so that any CNN's features do, and projected (Anderson et al., 2018, project too).

    Args:
        config: the shape
        feature_dim: channels of the feature map
    """

    def __init__(self, config: GridEncoderConfig, feature_dim: int) -> None:
        super().__init__()
        self.projection = nn.Linear(feature_dim, config.dim)
        self.output_dim, self.summary_dim = config.dim, feature_dim

    def forward(self, features: Features) -> Memory:
        """Cells -> grid (pictures, positions, dim), summary (pictures, feature_dim)."""
        _, rows, columns, dim = features.cells.shape
        cells = features.cells.flatten(1, 2)  # (pictures, positions, feature_dim)
        mask = None if features.mask is None else features.mask.flatten(1)
        summary = masked_mean(cells, mask)
        grid = torch.relu(self.projection(layer_norm(cells, [dim])))
        return Memory(grid, mask, layer_norm(summary, [dim]), (Segment("image", rows * columns, (rows, columns)),))


class ProjectedCells(nn.Module):
    """A grid encoder as the last stage of a CNN, so that the grid of a trained captioner is a feature map.

    Args:
        grid: the encoder, which the stage shares
    """

    def __init__(self, grid: GridEncoder) -> None:
        super().__init__()
        self.projection = grid.projection

    def forward(self, cells: Tensor) -> Tensor:
        """(pictures, feature_dim, rows, columns) -> (pictures, dim, rows, columns)."""
        cells = cells.permute(0, 2, 3, 1)
        return torch.relu(self.projection(layer_norm(cells, [cells.shape[-1]]))).permute(0, 3, 1, 2)


class ImageEncoder(nn.Module):
    """Pixels to grid: the CNN, then the grid encoder.

    Where the last stages of the CNN are trained, it also takes the features of the frozen stages before them.

    Args:
        backbone: the CNN, pixels (pictures, 3, height, width) uint8 -> (pictures, rows, columns, dim)
        grid: what comes after it
    """

    backbone: Backbone

    def __init__(self, backbone: Backbone, grid: GridEncoder) -> None:
        super().__init__()
        self.backbone, self.grid = backbone, grid

    def forward(self, inputs: Pixels | Features) -> Memory:
        """To grid (pictures, positions, dim) and summary (pictures, feature_dim)."""
        return self.grid(self.features(inputs) if isinstance(inputs, Pixels) else self._finished(inputs))

    def features(self, pixels: Pixels) -> Features:
        """The CNN's feature maps."""
        cells: Tensor = self.backbone(pixels.values)
        if pixels.extent is None:
            return Features(cells)
        return Features(cells, photograph_mask(pixels.extent, pixels.values.shape[2:], cells.shape[1:3]))

    def _finished(self, begun: Features) -> Features:
        """The CNN's feature maps from those of its frozen part, whose grid may be finer."""
        cells: Tensor = self.backbone.finish(begun.cells)
        if begun.mask is None:
            return Features(cells)
        fine, coarse = begun.mask.shape[1:], cells.shape[1:3]
        check(  # else a cell would be seen in training that is masked afterwards
            all(one % other == 0 for one, other in zip(fine, coarse)),
            f"the grids of the CNN's stages, {list(fine)} and {list(coarse)}, do not divide, so padding cannot be kept "
            'apart: with tuned_stages choose a preprocessing.size that is a multiple of 32, or fit = "stretch"',
        )
        return Features(cells, adaptive_max_pool2d(begun.mask.float(), coarse).bool())


IMAGE_ENCODERS: dict[type[ImageEncoderConfig], type[GridEncoder]] = {GridEncoderConfig: GridEncoder}


def build_grid_encoder(config: ImageEncoderConfig, feature_dim: int) -> GridEncoder:
    """The part of an image encoder after the CNN that a configuration describes."""
    return IMAGE_ENCODERS[type(config)](config, feature_dim)
