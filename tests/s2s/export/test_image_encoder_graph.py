"""The graph of the picture encoder computes what the encoder does in torch, for every family of CNNs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from s2s.errors import UserError
from s2s.export.builder import BOOL, FLOAT, WEIGHTS_FILE, WeightFile
from s2s.export.cnn import add_cnn
from s2s.export.contracts import Storage
from s2s.export.image_encoder import encode_pictures
from s2s.export.matrices import NetworkGraph
from s2s.models.configuration import GridEncoderConfig
from s2s.models.image_encoder import GridEncoder, ImageEncoder
from s2s.runtime.graph import OnnxGraph
from s2s.vision.backbones import Backbone, empty_backbone
from s2s.vision.grids import Pixels

FAMILIES = ["efficientnet_lite0", "resnet18", "efficientnet_b0", "mobilenet_v3_small", "convnext_tiny"]


def encoder_with(backbone: Backbone) -> ImageEncoder:
    for module in backbone.modules():
        if isinstance(module, nn.BatchNorm2d) and module.running_mean is not None and module.running_var is not None:
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.5, 2)
    return ImageEncoder(backbone, GridEncoder(GridEncoderConfig(8), backbone.dim)).eval()


def write_encoder(folder: Path, encoder: ImageEncoder, size: int, storage: Storage, *, padded: bool) -> OnnxGraph:
    weights = WeightFile()
    graph = NetworkGraph("encoder", weights, storage, integer_products=False)
    memory = encode_pictures(graph, encoder, size, encoder.backbone.grid_shape(size, size), padded=padded)
    graph.output("grid", memory.grid, FLOAT, ["pictures", "positions", 8])
    if memory.mask is not None:
        graph.output("mask", memory.mask, BOOL, ["pictures", "positions"])
    graph.output("normalised", memory.summary, FLOAT, ["pictures", encoder.backbone.dim])
    (folder / "encoder.onnx").write_bytes(graph.model())
    (folder / WEIGHTS_FILE).write_bytes(weights.content())
    return OnnxGraph(folder / "encoder.onnx")


def pixels_of(size: int) -> torch.Tensor:
    return torch.randint(256, (2, 3, size, size), dtype=torch.uint8)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family(tmp_path: Path, name: str) -> None:
    torch.manual_seed(4)
    encoder, pixels = encoder_with(empty_backbone(name)), pixels_of(32)
    graph = write_encoder(tmp_path, encoder, 32, "float32", padded=False)
    assert graph.inputs == ["pixels"]
    grid, normalised, summary = graph.run({"pixels": pixels.numpy()}, ["grid", "normalised", "summary"])
    with torch.no_grad():
        expected, cells = encoder(Pixels(pixels)), encoder.backbone(pixels)
    assert expected.summary is not None
    np.testing.assert_allclose(grid, expected.grid, atol=2e-4)
    np.testing.assert_allclose(normalised, expected.summary, atol=2e-4)
    np.testing.assert_allclose(summary, cells.mean((1, 2)), rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("size", [75, 96])  # an odd one, which is padded unequally
def test_padding_is_kept_apart(tmp_path: Path, size: int) -> None:
    torch.manual_seed(5)
    encoder, pixels = encoder_with(empty_backbone("efficientnet_lite0")), pixels_of(size)
    extent = torch.tensor([[size, 20], [1, size]])
    graph = write_encoder(tmp_path, encoder, size, "float32", padded=True)
    grid, mask, normalised = graph.run(
        {"pixels": pixels.numpy(), "extent": extent.numpy()}, ["grid", "mask", "normalised"]
    )
    with torch.no_grad():
        expected = encoder(Pixels(pixels, extent))
    assert expected.mask is not None
    assert expected.summary is not None
    np.testing.assert_array_equal(mask, expected.mask)
    assert not mask.all()
    np.testing.assert_allclose(grid, expected.grid, atol=2e-4)
    np.testing.assert_allclose(normalised, expected.summary, atol=2e-4)


def test_eight_bits_take_a_quarter_of_the_room(tmp_path: Path) -> None:
    torch.manual_seed(6)
    encoder, pixels, found, sizes = encoder_with(empty_backbone("efficientnet_lite0")), pixels_of(64), [], []
    for storage in ("float32", "int8"):
        graph = write_encoder(tmp_path, encoder, 64, storage, padded=False)
        found.append(graph.run({"pixels": pixels.numpy()}, ["summary"])[0])
        sizes.append((tmp_path / WEIGHTS_FILE).stat().st_size)
    assert sizes[1] < 0.3 * sizes[0]
    assert np.corrcoef(found[0].ravel(), found[1].ravel())[0, 1] > 0.9


def test_what_cannot_be_exported_is_named() -> None:
    graph = NetworkGraph("encoder", WeightFile(), "float32", integer_products=False)
    with pytest.raises(UserError, match="a layer LPPool2d"):
        add_cnn(graph, nn.Sequential(nn.Conv2d(3, 4, 1), nn.LPPool2d(2, 2)), "pixels")
    with pytest.raises(UserError, match="pools to 2"):
        add_cnn(graph, nn.Sequential(nn.AdaptiveAvgPool2d(2)), "pixels")
