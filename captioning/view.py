"""What is seen of a training picture: the whole or a part of it, as it is or in a mirror."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

_LEAST = 0.75  # of a side that a part shows


@dataclass(frozen=True)
class View:
    """One way to look at pictures.

    Attributes:
        part: 0 is the whole picture; each other number is a rectangle of its own, which follows from the pixels
        mirrored: whether left is right
    """

    part: int = 0
    mirrored: bool = False

    def apply(self, image: Image.Image) -> Image.Image:
        """What is seen of an image, the same whenever it is looked at."""
        from PIL import ImageOps

        if self.part:
            random = Random(self.part << 32 | zlib.crc32(image.tobytes()))
            sides = [max(1, round(side * random.uniform(_LEAST, 1))) for side in image.size]
            left, top = (random.randint(0, whole - side) for whole, side in zip(image.size, sides))
            image = image.crop((left, top, left + sides[0], top + sides[1]))
        return ImageOps.mirror(image) if self.mirrored else image

    def __str__(self) -> str:
        return f"{f', part {self.part}' if self.part else ''}{', mirrored' if self.mirrored else ''}"


WHOLE = View()
MIRRORED = View(mirrored=True)
