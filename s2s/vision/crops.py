"""Augmentation of training pictures: crops and mirror images."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from s2s import seeds

if TYPE_CHECKING:
    from PIL import Image

_SMALLEST_CROP = 0.75  # share of each side


@dataclass(frozen=True)
class Augmentation:
    """An augmentation that can be applied to any picture.

    Attributes:
        crop: 0 for the whole picture; every other number is a different rectangle in each picture.
        mirrored: whether left and right are exchanged.
    """

    crop: int = 0
    mirrored: bool = False

    def apply(self, image: Image.Image, content: str) -> Image.Image:
        """Return the augmented image.

        Args:
            image: the whole picture.
            content: the SHA-256 of its file, which determines the rectangle of a crop on every machine.
        """
        from PIL import ImageOps

        if self.crop:
            random = Random(seeds.of_crop(self.crop, content))
            sides = [max(1, round(side * random.uniform(_SMALLEST_CROP, 1))) for side in image.size]
            left, top = (random.randint(0, whole - side) for whole, side in zip(image.size, sides))
            image = image.crop((left, top, left + sides[0], top + sides[1]))
        return ImageOps.mirror(image) if self.mirrored else image

    def __str__(self) -> str:
        return f"{f', crop {self.crop}' if self.crop else ''}{', mirrored' if self.mirrored else ''}"


WHOLE = Augmentation()
MIRRORED = Augmentation(mirrored=True)
