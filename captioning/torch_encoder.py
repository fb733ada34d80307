"""The encoder of a captioner by PyTorch: pictures through the CNN, up to what the search starts with."""

from __future__ import annotations

import torch

from captioning.engine import EncodedPictures
from s2s.models.image_encoder import ImageEncoder
from s2s.models.memory import masked_mean
from s2s.nn.configuration import Precision
from s2s.nn.precision import autocast
from s2s.vision.backbones import fold_batch_norm
from s2s.vision.batches import PixelBatch
from s2s.vision.grids import Pixels


class TorchEncoder:
    """Pictures to the CNN's feature maps, which the grid encoder takes, and their mean.

    Args:
        encoder: on its device, in evaluation mode; its CNN is copied
        precision: of matrix products
    """

    def __init__(self, encoder: ImageEncoder, precision: Precision = "auto") -> None:
        self._encoder = ImageEncoder(fold_batch_norm(encoder.backbone), encoder.grid)
        self._precision: Precision = precision

    @torch.no_grad()
    def __call__(self, pictures: PixelBatch) -> EncodedPictures:
        """Encode a batch of pictures."""
        device = self._encoder.backbone.mean.device
        with autocast(self._precision, device):
            maps = self._encoder.features(Pixels.of(pictures).to(device))
        mask = None if maps.mask is None else maps.mask.flatten(1)
        summaries = masked_mean(maps.cells.flatten(1, 2), mask).float().numpy(force=True)
        rows, columns = maps.cells.shape[1:3]
        return EncodedPictures(maps, (rows, columns), summaries)
