"""From folders of films to what training reads: a vector for each frame, and the labels."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor

from labelling.frames.corpus import LABELS, Film, check_known, read_films
from labelling.frames.recipe import FrameConfig, FrameLabellerRecipe
from s2s import cache
from s2s.config import to_dict
from s2s.errors import check, counted, printable
from s2s.files import sha256
from s2s.models.frame_encoder import pool_cells
from s2s.nn.configuration import Precision
from s2s.vision.backbones import Backbone
from s2s.vision.extract import extract

VERSION = 1  # of what vectors and labels follow from the same files
_POOLED = 256  # frames whose feature maps are in memory together


@dataclass(frozen=True)
class PreparedFilms:
    """Two with one `key` have the same content.

    Attributes:
        train_vectors, validation_vectors: (frames, dim) float32 of each film
        labels: in the order of the scores
    """

    train: Sequence[Film]
    validation: Sequence[Film]
    train_vectors: Sequence[Tensor]
    validation_vectors: Sequence[Tensor]
    labels: tuple[str, ...]
    key: str

    def label_ids(self, films: Sequence[Film]) -> list[list[int]]:
        """The numbers of all labels."""
        numbers = {label: i for i, label in enumerate(self.labels)}
        return [[numbers[label] for label in film.labels] for film in films]


def prepare(recipe: FrameLabellerRecipe, backbone: Backbone) -> PreparedFilms:
    """Read the films and look at their frames through the CNN; a report goes to standard error.

    Raises:
        UserError: a film cannot be used, or the validation films have labels that the training films lack.
    """
    train, validation = read_films(recipe.data.train), read_films(recipe.data.validation)
    labels = tuple(sorted(set(chain.from_iterable(film.labels for film in train))))
    check(len(labels) > 1, f"{recipe.data.train}: all labels are {labels[0]!r}, so there is nothing to learn")
    check_known(validation, labels, "add a film with it to the training films, or correct it")
    for name, films in (("train on", train), ("validate on", validation)):
        frames = counted(sum(len(film.frames) for film in films), "frame")
        print(printable(f"{counted(len(films), 'film')} of {frames} to {name}"), file=sys.stderr)
    check_sides(recipe.image, backbone)
    vectors = film_vectors([*train, *validation], backbone, recipe.image, recipe.training.precision)
    files = [[[sha256(path) for path in film.frames] for film in side] for side in (train, validation)]
    written = [[list(film.labels) for film in side] for side in (train, validation)]
    image = to_dict(recipe.image) | {"weights": None}
    key = cache.key([VERSION, files, written, image, backbone.fingerprint()])
    return PreparedFilms(train, validation, vectors[: len(train)], vectors[len(train) :], labels, key)


def check_sides(image: FrameConfig, backbone: Backbone) -> None:
    """Raise a UserError if the feature map has fewer cells along a side than parts are asked for."""
    size = image.preprocessing.size
    rows, columns = backbone.grid_shape(size, size)
    check(
        image.sides <= min(rows, columns),
        f"image.sides is {image.sides}, but the CNN's feature map has {rows} x {columns} cells: choose at most "
        f"{min(rows, columns)}, or a larger image.preprocessing.size",
    )


def film_vectors(films: Sequence[Film], backbone: Backbone, image: FrameConfig, precision: Precision) -> list[Tensor]:
    """The vectors (frames, dim) of each film, whose feature maps come from the cache or go there.

    Raises:
        UserError: a frame cannot be read.
    """
    frames = [frame for film in films for frame in film.frames]
    found = extract(frames, backbone, image.preprocessing, precision=precision)
    others = f" ({counted(len(found.failed) - 1, 'more frame')} like it)" if len(found.failed) > 1 else ""
    for error in found.failed[:1]:
        check(False, f"{error}{others}; repair it, or remove it and its line of {LABELS}")
    numbers = range(len(frames))
    parts = [numbers[start : start + _POOLED] for start in range(0, len(frames), _POOLED)]
    vectors = torch.cat([pool_cells(found.features.gather(part), image.sides) for part in parts])
    return list(vectors.split([len(film.frames) for film in films]))
