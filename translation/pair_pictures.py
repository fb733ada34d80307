"""The photographs beside training and validation pairs: which picture stands beside which pair, and its features."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from s2s import cache
from s2s.errors import counted
from s2s.files import sha256
from s2s.vision.backbones import Backbone
from translation.pictures import SeenPictures, check_counts, preprocessing, read_names, see_pictures
from translation.prepare import PreparedPairs
from translation.recipe import PicturesConfig, Recipe


@dataclass(frozen=True)
class PairPictures:
    """Features of the photographs of the training pairs and of the validation pairs, by the numbers of the pairs."""

    train: SeenPictures
    validation: SeenPictures
    key: str


def pair_pictures(recipe: Recipe, config: PicturesConfig, data: PreparedPairs, backbone: Backbone) -> PairPictures:
    """Find the photograph of each prepared pair by the line that the pair stood on, and see it.

    Raises:
        UserError: a file of names has more or fewer lines than its text, or no picture can be read.
    """
    train = list(_train_names(recipe, config, data))
    validation: list[Path | None] = [None] * len(data.validation)
    if config.validation is not None:
        validation = read_names(config.validation, config.folder)
        check_counts(validation, config.validation, len(data.validation), recipe.data.validation_source)
    seen = see_pictures([train, validation], backbone, preprocessing(config.model), recipe.training.precision)
    with_picture = sum(name is not None for name in train)
    print(f"{with_picture:,} of {counted(len(train), 'training pair')} have a picture", file=sys.stderr)
    files = [sha256(path) for path in (*config.train, config.validation) if path is not None]
    return PairPictures(*seen, key=cache.key([files, backbone.fingerprint()]))


def _train_names(recipe: Recipe, config: PicturesConfig, data: PreparedPairs) -> Iterator[Path | None]:
    """The photograph of each training pair: cleaning has left some lines out, and each pair knows its line."""
    first = 0
    for path, corpus, size in zip(config.train, recipe.data.training, data.sizes):
        names = read_names(path, config.folder)
        check_counts(names, path, len(corpus.read()), corpus.sides[0])
        yield from (names[line - 1] for line in data.train.lines[first : first + size])
        first += size
