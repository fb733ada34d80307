"""A folder of many small files as people have them: pictures of every format, broken ones, side files, links."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from random import Random

import numpy as np
from broken_pictures import contents
from PIL import Image

_KINDS = {"jpg": "JPEG", "jpeg": "JPEG", "png": "PNG", "gif": "GIF", "webp": "WEBP", "bmp": "BMP", "tif": "TIFF"}
_MODES = {"JPEG": ("RGB", "L", "CMYK"), "GIF": ("P", "L"), "BMP": ("RGB", "L"), "WEBP": ("RGB", "RGBA")}
_OTHERS = ("thumbs.db", "desktop.ini", "metadata.json", "notes.md", "film.mp4")


@dataclass
class ManyPictures:
    """What is in the folder: paths relative to it.

    Attributes:
        sound: pictures
        broken: files that stand where pictures should be
        others: files that are passed over
    """

    sound: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


def write_many_pictures(folder: Path, count: int, seed: int = 1) -> ManyPictures:
    """Write so many files into a folder with subfolders, a link to a folder and a circle of links."""
    random, found = Random(seed), ManyPictures()
    faults = list(contents().items())
    for name in ("a", "a/deep", "b"):
        (folder / name).mkdir(parents=True)
    (folder / "a" / "circle").symlink_to(folder, target_is_directory=True)
    (folder / "b" / "again").symlink_to(folder / "a", target_is_directory=True)
    for number in range(count):
        place = random.choice(("", "a/", "a/deep/", "b/"))
        chance = random.random()
        if chance < 0.1:
            name, data = random.choice(faults)
            path = f"{place}{number} {name}"
            (folder / path).write_bytes(data)
            found.broken.append(path)
        elif chance < 0.15:
            path = f"{place}{number} {random.choice(_OTHERS)}"
            (folder / path).write_bytes(b"no picture")
            found.others.append(path)
        else:
            suffix = random.choice([*_KINDS])
            name = random.choice((f"{number}", f"IMG {number:04}", f"ünï {number}", f"{number:012}"))
            path = f"{place}{name}.{suffix}"
            (folder / path).write_bytes(_picture(random, _KINDS[suffix]))
            found.sound.append(path)
    return found


def _picture(random: Random, kind: str) -> bytes:
    size = random.randint(8, 60), random.randint(8, 60)
    pixels = np.random.default_rng(random.randrange(1 << 30)).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    data = BytesIO()
    Image.fromarray(pixels).convert(random.choice(_MODES.get(kind, ("RGB", "RGBA", "L", "P")))).save(data, kind)
    return data.getvalue()
