"""Short films, a CNN that needs no weights to look at them, and recipes for them."""

from __future__ import annotations

from pathlib import Path

import pytest
from torch import nn

from data_prep.toy_films import Draw, films, write_film
from s2s.vision.backbones import Backbone

CNN = "mean_colours"
RECIPE = """
batch = 4
[data]
train = "{folder}/train"
validation = "{folder}/val"
[image]
backbone = "mean_colours"
sides = 8
[image.preprocessing]
size = 64
[encoder]
kind = "{encoder}"
dim = {dim}
embedding_dropout = 0.1
[head]
dropout = 0.1
[training]
epochs = {epochs}
precision = "float32"
save_every = {save_every}
[training.optimiser]
learning_rate = 5e-3
[training.schedule]
warmup_steps = 10
"""
SETTINGS = {"encoder": "recurrent", "dim": 8, "epochs": 3, "save_every": 5}


def mean_colours(name: str, weights: Path | None = None) -> Backbone:
    """A CNN whose feature map is the mean colour of each 8 x 8 pixels; it has no weights."""
    assert (name, weights) == (CNN, None)
    return Backbone(name, nn.Sequential(nn.AvgPool2d(8)), 3, [128.0] * 3, [64.0] * 3).eval()


def see_colours(patch: pytest.MonkeyPatch) -> None:
    """Let the name `mean_colours` stand for this CNN."""
    patch.setattr("s2s.vision.backbones.build_backbone", mean_colours)
    patch.setattr("labelling.frames.model.empty_backbone", mean_colours)


def write_films(folder: Path, count: int, seed: int = 1) -> None:
    """Draw so many films into a new folder."""
    folder.mkdir(parents=True)
    for number, film in enumerate(films(Draw(seed), count), 1):
        write_film(folder / f"film{number}", film)


def write_recipe(folder: Path, name: str, **settings: object) -> Path:
    """A recipe for the films in `folder`; see `RECIPE` for its settings."""
    path = folder / f"{name}.toml"
    path.write_text(RECIPE.format(folder=folder, **{**SETTINGS, **settings}))
    return path
