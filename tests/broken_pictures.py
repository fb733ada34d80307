"""Twenty files that stand where pictures should be, each wrong in a way of its own."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

_NOISE = Image.fromarray(np.random.default_rng(1).integers(0, 256, (48, 64, 3), dtype=np.uint8))


def _saved(kind: str, **options: object) -> bytes:
    data = BytesIO()
    _NOISE.save(data, kind, **options)
    return data.getvalue()


def _png(width: int, height: int) -> bytes:
    """A PNG that says this size of itself, its checksums right, with hardly any pixels in it."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(64))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def _flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


def contents() -> dict[str, bytes]:
    """What is wrong in the file itself, by name."""
    jpeg, png = _saved("JPEG"), _saved("PNG")
    return {
        "nothing.jpg": b"",
        "two bytes.jpg": jpeg[:2],
        "half.jpg": jpeg[: len(jpeg) // 2],
        "half progressive.jpg": _saved("JPEG", progressive=True)[: len(jpeg) // 2],
        "no tables.jpg": jpeg.replace(b"\xff\xdb", b"\xff\xe9"),
        "half.png": png[: len(png) // 2],
        "flipped.png": _flipped(png, len(png) // 2),
        "no width.png": _png(0, 40),
        "bomb.png": _png(60_000, 60_000),
        "few pixels.png": _png(300, 300),
        "half.gif": _saved("GIF")[:20],
        "half.webp": _saved("WEBP")[:200],
        "half.bmp": _saved("BMP")[:200],
        "half.tif": _saved("TIFF")[:200],
        "words.png": b"Not a picture, but a poem.\n",
        "page.jpg": b"<!doctype html><title>404 Not Found</title>",
        "zeros.jpg": bytes(5000),
        "drawing.svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
    }


def no_files() -> dict[str, Callable[[Path], None]]:
    """What is no file, by name: functions that make it."""
    return {
        "pipe.jpg": os.mkfifo,
        "gone.jpg": lambda path: path.symlink_to("nowhere.jpg"),
    }


def write_broken_pictures(folder: Path) -> list[str]:
    """Write them into a folder; their names."""
    for name, data in contents().items():
        (folder / name).write_bytes(data)
    for name, make in no_files().items():
        make(folder / name)
    return [*contents(), *no_files()]
