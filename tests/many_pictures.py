"""A folder of many small files as people have them: pictures of every format, broken ones, side files, links."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from random import Random

import numpy as np
from broken_pictures import contents, no_files
from PIL import Image

_FORMATS = {
    **dict.fromkeys(("jpg", "JPG", "jpeg", "jfif", "jpe"), "JPEG"),
    **dict.fromkeys(("tif", "tiff"), "TIFF"),
    "png": "PNG",
    "gif": "GIF",
    "webp": "WEBP",
    "bmp": "BMP",
    "dib": "DIB",
    "avif": "AVIF",
    "jp2": "JPEG2000",
    "mpo": "MPO",
    "ppm": "PPM",
    "pcx": "PCX",
    "sgi": "SGI",
    "tga": "TGA",
    "dds": "DDS",
    "ico": "ICO",
}
_MODES = {"JPEG": ("RGB", "L", "CMYK"), "MPO": ("RGB", "L"), "GIF": ("P", "L"), "WEBP": ("RGB", "RGBA")}
_MODES |= dict.fromkeys(("BMP", "DIB", "PPM", "PCX", "SGI", "TGA"), ("RGB", "L"))
_MODES |= dict.fromkeys(("AVIF", "JPEG2000", "DDS"), ("RGB", "RGBA"))
_NAMES = (
    "{}",
    "IMG {:04}",
    "\u00fcn\u00ef {}",
    "{:012}",
    "caf\udce9 {}",
    "tab\t{}",
)  # \udce9 is a byte that is not UTF-8
_BAD_TEXT = b"\0\0\0\4tEXta\0bc\0\0\0\0"  # a chunk with a wrong checksum
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
    faults = [*contents().items(), *no_files().items()]
    for name in ("a", "a/deep", "b"):
        (folder / name).mkdir(parents=True)
    (folder / "a" / "circle").symlink_to(folder, target_is_directory=True)
    (folder / "b" / "again").symlink_to(folder / "a", target_is_directory=True)
    for number in range(count):
        place = random.choice(("", "a/", "a/deep/", "b/"))
        chance = random.random()
        if chance < 0.1:
            name, fault = random.choice(faults)
            path = f"{place}{number} {name}"
            if isinstance(fault, bytes):
                (folder / path).write_bytes(fault)
            else:
                fault(folder / path)
            found.broken.append(path)
        elif chance < 0.15:
            path = f"{place}{number} {random.choice(_OTHERS)}"
            (folder / path).write_bytes(b"no picture")
            found.others.append(path)
        else:
            suffix, kind = random.choice([*_FORMATS.items()])
            name = random.choice(_NAMES).format(number)
            path = f"{place}{name}.{random.choice([*_FORMATS]) if random.random() < 0.02 else suffix}"
            (folder / path).write_bytes(_picture(random, kind))
            found.sound.append(path)
    return found


def _picture(random: Random, kind: str) -> bytes:
    """A picture of noise; some JPEGs and PNGs have faults that cost no pixel."""
    size = random.randint(8, 60), random.randint(8, 60)
    pixels = np.random.default_rng(random.randrange(1 << 30)).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    file = BytesIO()
    Image.fromarray(pixels).convert(random.choice(_MODES.get(kind, ("RGB", "RGBA", "L", "P")))).save(file, kind)
    data = file.getvalue()
    if random.random() < 0.1:
        data = data.removesuffix(b"\xff\xd9") if kind == "JPEG" else data
        data = data[:33] + _BAD_TEXT + data[33:] if kind == "PNG" else data  # behind the header
    return data
