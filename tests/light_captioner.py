"""A captioner with a light form, small enough for tests."""

from __future__ import annotations

from pathlib import Path

import captioning_fixtures as world
import numpy as np
import torch

from captioning.configuration import CaptioningConfig
from captioning.familiarity import learn
from captioning.model import CaptioningModel, build_network
from s2s.export.graphs import build_graphs
from s2s.export.image_encoder import encode_pictures
from s2s.models.configuration import DecoderConfig
from s2s.storage.light_form import write_light
from s2s.vision.backbones import empty_backbone
from s2s.vision.images import Preprocessing

SIZE = 64


def write_captioner(
    folder: Path,
    fit: str,
    *,
    dim: int | None = None,
    grid: tuple[int, int] | None = (2, 2),
    decoder: DecoderConfig | None = None,
) -> Path:
    """A captioner of random weights with a light form in float32, which knows pictures of `dim` channels."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        shape = world.recipe()
        preprocessing = Preprocessing(SIZE, fit)  # type: ignore[arg-type]
        shapes = shape.encoder, decoder or shape.decoder
        config = CaptioningConfig("efficientnet_lite0", "word", 9, preprocessing, *shapes)
        words = world.vocabulary()
        network = build_network(config, empty_backbone(config.backbone), len(words)).eval()
    known = None
    if dim:
        known = learn([np.random.default_rng(0).random((9, dim), dtype=np.float32)], [[[5, 6], [7]]] * 9)
    model = CaptioningModel(config, words, network, known)
    model.save(folder / "model", {})
    network.half().float()  # as it is stored
    files: dict[str, bytes] = build_graphs(
        lambda graph: encode_pictures(graph, model.encoder, SIZE, (2, 2), padded=fit == "pad"),
        config.decoder,
        network.decoder,
        "float32",
    )
    write_light(folder / "model", folder / "model", files, precision="float32", grid=grid, verify=lambda _: None)
    return folder / "model"
