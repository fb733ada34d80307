"""Exporting a captioning model: its graphs, and pictures to compare its engines with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from captioning.captioner import Captioner
from captioning.model import CaptioningModel
from s2s.errors import UserError
from s2s.export.contracts import EngineName, LightFiles, Storage, Written
from s2s.export.decoders import EncodedGrid
from s2s.export.graphs import build_graphs, look_up
from s2s.export.image_encoder import IMAGE_ENCODERS
from s2s.export.matrices import NetworkGraph
from s2s.vision.images import ImageError, read_image

PICTURES = 20


class CaptioningExporter:
    """See `Exporter`."""

    unit = "pictures"

    def __init__(self, directory: Path) -> None:
        self.model = CaptioningModel.load(directory)

    def light_files(self, precision: Storage) -> LightFiles:
        """See `Exporter`."""
        config, network, encoder = self.model.config, self.model.network, self.model.encoder
        size, padded = config.preprocessing.size, config.preprocessing.fit == "pad"
        encode, grid = look_up(IMAGE_ENCODERS, config.encoder, "encoder"), encoder.backbone.grid_shape(size, size)

        def add_encoder(graph: NetworkGraph) -> EncodedGrid:
            return encode(graph, encoder, size, grid, padded=padded)

        return LightFiles(build_graphs(add_encoder, config.decoder, network.decoder, precision), grid)

    def samples(self, files: Sequence[Path]) -> list[Image.Image]:
        """The first pictures of `files`, or pictures of random patches of colour, of various shapes."""
        try:
            chosen = [read_image(file) for file in files[:PICTURES]]
        except ImageError as error:
            raise UserError(str(error)) from error
        return chosen or made_up_pictures(PICTURES)

    def write(self, directory: Path, engine: EngineName, samples: Sequence[Image.Image]) -> list[Written]:
        """See `Exporter`."""
        precision = "float32" if engine == "torch" else "auto"
        captioner = Captioner.load(directory, engine=engine, device="cpu", precision=precision)
        return [Written(each.text, each.score) for each in captioner.caption(samples)]


def made_up_pictures(count: int) -> list[Image.Image]:
    """Pictures of a few patches of colour with soft edges, of various shapes, and the same ones every time."""
    return [_made_up(np.random.default_rng(number)) for number in range(count)]


def _made_up(drawn: np.random.Generator) -> Image.Image:
    """A picture of a few patches with soft edges."""
    rows, columns = drawn.integers(2, 9, 2)
    patches = drawn.integers(0, 256, (rows, columns, 3), dtype=np.uint8)
    width, height = drawn.integers(200, 600, 2)
    return Image.fromarray(patches).resize((int(width), int(height)), Image.Resampling.BICUBIC)
