"""What is seen of a training picture: the whole or a crop of it, as it is or in a mirror."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from s2s import seeds

if TYPE_CHECKING:
    from PIL import Image

_LEAST = 0.75  # of a side that a crop shows


@dataclass(frozen=True)
class Augmentation:
    """One way to look at pictures.

    Attributes:
        crop: 0 is the whole picture; each other number is a rectangle of its own in each picture
        mirrored: whether left is right
    """

    crop: int = 0
    mirrored: bool = False

    def apply(self, image: Image.Image, content: str) -> Image.Image:
        """What is seen of an image; of files with the same SHA-256, `content`, the same on every machine."""
        from PIL import ImageOps

        if self.crop:
            random = Random(seeds.of_crop(self.crop, content))
            sides = [max(1, round(side * random.uniform(_LEAST, 1))) for side in image.size]
            left, top = (random.randint(0, whole - side) for whole, side in zip(image.size, sides))
            image = image.crop((left, top, left + sides[0], top + sides[1]))
        return ImageOps.mirror(image) if self.mirrored else image

    def __str__(self) -> str:
        return f"{f', crop {self.crop}' if self.crop else ''}{', mirrored' if self.mirrored else ''}"


WHOLE = Augmentation()
MIRRORED = Augmentation(mirrored=True)
