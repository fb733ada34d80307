"""Captions from pixels: the CNN and the decoder apart, and the arithmetic floor of the CNN.

A network in the recipe's shape with random weights: how long a product takes does not depend on what is multiplied.
Every caption is as long as the mean one of Flickr8k. `python -m tests.benchmarks.captions JSON`, as in work.py.
"""

from __future__ import annotations

import json
import sys
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from s2s.cli.process import limit_compiled_products
from s2s.config import from_dict
from s2s.decoding.generation import generate
from s2s.decoding.search import BeamOptions
from s2s.decoding.torch_network import TorchNetwork
from s2s.models.configuration import DecoderConfig, ImageEncoderConfig
from s2s.models.decoders import build_decoder
from s2s.models.encoder_decoder import EncoderDecoder
from s2s.models.image_encoder import build_grid_encoder
from s2s.models.quantisation import quantise_for_decoding
from s2s.nn.precision import autocast
from s2s.vision.backbones import Backbone, empty_backbone, fold_batch_norm
from s2s.vision.grids import Features
from s2s.vision.images import Preprocessing
from tests.benchmarks import machine
from tests.benchmarks.record import Figures

WORDS, LENGTH = 2550, 11  # of Flickr8k with the recipe's threshold: words, and words of a caption


@dataclass(frozen=True)
class _Shapes:
    """The part of a recipe that is built here."""

    encoder: ImageEncoderConfig
    decoder: DecoderConfig


def captions(recipe: str, pictures: int, batch: int, width: int, device: str = "cpu") -> Figures:
    """Seconds a picture of the CNN, of the decoder, and of the CNN's arithmetic in either precision."""
    table = tomllib.loads(Path(recipe).read_text(encoding="utf-8"))
    size = from_dict(Preprocessing, table["image"]["preprocessing"]).size
    torch.manual_seed(1)
    place = torch.device(device)
    cnn = fold_batch_norm(empty_backbone(table["image"]["backbone"])).to(place)
    head = _head(from_dict(_Shapes, {name: table[name] for name in ("encoder", "decoder")}), cnn.dim, place)
    pixels = torch.randint(256, (batch, 3, size, size), dtype=torch.uint8).to(place)
    options = BeamOptions(width, minimum_length=LENGTH, stop_early=True)
    limits = np.full(batch, LENGTH + 1)
    cells = _look(cnn, pixels)  # warms up
    generate(head, Features(cells), limits, options)
    seen = written = 0.0
    for _ in range(-(-pictures // batch)):
        began = time.perf_counter()
        cells = _look(cnn, pixels)
        _wait(place)
        between = time.perf_counter()
        generate(head, Features(cells), limits, options)
        seen, written = seen + between - began, written + time.perf_counter() - between
    count = -(-pictures // batch) * batch
    return {"CNN": seen / count, "decoder": written / count} | _floor(cnn, pixels[:1])


def _wait(device: torch.device) -> None:
    """Until a GPU has done what it was given; what `generate` returns is waited for anyway."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


@torch.no_grad()
def _look(cnn: Backbone, pixels: torch.Tensor) -> torch.Tensor:
    with autocast("auto", pixels.device):
        return cnn(pixels)


def _head(shapes: _Shapes, dim: int, device: torch.device) -> TorchNetwork:
    grid = build_grid_encoder(shapes.encoder, dim)
    network = (
        EncoderDecoder(grid, build_decoder(shapes.decoder, WORDS, grid.output_dim, grid.summary_dim)).eval().to(device)
    )
    return TorchNetwork(network, quantise_for_decoding(network.decoder, "auto", device))


def _floor(cnn: Backbone, pixels: torch.Tensor) -> Figures:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        cnn(pixels)
    operations = counter.get_total_flops()
    rates = {name: machine.rate(machine.USUAL, dtype) for name, dtype in machine.TYPES.items()}
    return {"operations": operations} | {name: operations / rate for name, rate in rates.items()}


if __name__ == "__main__":
    limit_compiled_products()  # as commands do
    print(json.dumps(captions(**json.loads(sys.argv[1]))))
