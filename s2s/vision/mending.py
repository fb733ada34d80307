"""Pictures whose pixels are sound and whose metadata are not: the same files without these metadata.

PNG, JPEG and WebP keep pixels and metadata in separate parts. Pillow refuses the whole file for a text of more than
1 MB, a wrong checksum of a comment, or an end marker that is missing. Here such a file is written anew from the parts
that matter. It is not made whole where pixels are missing.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from math import ceil, prod
from typing import BinaryIO

from PIL import Image

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = {b"tRNS", b"eXIf", b"acTL", b"fcTL", b"fdAT"}  # transparency, orientation, frames
_WEBP_KEPT = {b"VP8X", b"ALPH", b"VP8 ", b"VP8L", b"ANIM", b"ANMF", b"EXIF"}
_WEBP_FLAGS = 0b1101_1011  # of VP8X, all but those of the colour profile (0x20) and of XMP (0x04)
_JFIF = b"JFIF\0\1\1\0\0\1\0\1\0\0"
_END = b"\xff\xd9"
# A scan that lacks data decodes to different pixels with each of these behind it, and a whole one to the same.
_TAILS = tuple(bytes([first, *(37 * i % 251 for i in range(first, first + 60))]) for first in (0, 85, 170, 15, 240, 51))


def mended(file: BinaryIO) -> BinaryIO | None:
    """The picture of a file without metadata that may be broken; None if there is nothing to mend."""
    file.seek(0)
    data = file.read()
    try:
        if data.startswith(_PNG):
            found = _png(data)
        elif data.startswith(b"\xff\xd8"):
            found = _jpeg(data)
        elif data.startswith(b"RIFF") and data[8:12] == b"WEBP":
            found = _webp(data)
        else:
            return None
    except (ValueError, IndexError, struct.error):
        return None
    return io.BytesIO(found) if found else None


def _png(data: bytes) -> bytes:
    """All critical chunks as they are, and of the others those that bear on the picture, if their checksum is right."""
    parts, position = [_PNG], len(_PNG)
    while position + 8 <= len(data):
        (length,) = struct.unpack_from(">I", data, position)
        name, end = data[position + 4 : position + 8], position + 12 + length
        sound = zlib.crc32(data[position + 4 : end - 4]).to_bytes(4, "big") == data[end - 4 : end]
        if not name[0] & 0x20 or (name in _PNG_KEPT and sound):
            parts.append(data[position:end])
        position = end
    return b"".join(parts)


def _webp(data: bytes) -> bytes:
    """The chunks of the picture and a whole one of EXIF data, for the orientation."""
    parts, position = [], 12
    while position + 8 <= len(data):
        (length,) = struct.unpack_from("<I", data, position + 4)
        name, end = data[position : position + 4], position + 8 + length + length % 2
        chunk = data[position:end]
        if name in _WEBP_KEPT and (len(chunk) >= 8 + length or name != b"EXIF"):
            parts.append(chunk[:8] + bytes([chunk[8] & _WEBP_FLAGS]) + chunk[9:] if name == b"VP8X" else chunk)
        position = end
    body = b"WEBP" + b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body


@dataclass(frozen=True)
class _Scan:
    """The components that a JPEG's scan refines, its last coefficient, the bits that it leaves out, and restarts."""

    components: tuple[int, ...]
    last: int
    missing: int
    restarts: int = 0


@dataclass
class _Jpeg:
    """A JPEG as segments before its first scan, the rest, and what is known of its scans.

    Attributes:
        head: SOI and the segments that bear on the picture
        rest: from the first scan to the end of the data, without the end marker
        ended: whether the end marker is there
        progressive: whether each scan refines the coefficients
        size: width and height
        sampling: of each component by its number, horizontal and vertical
        interval: blocks of pixels between two restart markers; 0 if there are none
        scans: all of them, in their order
    """

    head: bytearray = field(default_factory=lambda: bytearray(b"\xff\xd8"))
    rest: bytes = b""
    ended: bool = False
    progressive: bool = False
    size: tuple[int, int] = (0, 0)
    sampling: dict[int, tuple[int, int]] = field(default_factory=dict)
    interval: int = 0
    scans: list[_Scan] = field(default_factory=list)

    def complete(self) -> bool:
        """Whether there is a scan of all bits of the last coefficient of each component, and the last scan is whole.

        Of a scan with restart markers this can be told from their number; for others see `_TAILS`.
        """
        final = {part for scan in self.scans if not scan.missing and scan.last == 63 for part in scan.components}
        if not self.sampling or not final >= self.sampling.keys():
            return False
        return not self.interval or self.scans[-1].restarts >= (self._blocks(self.scans[-1]) - 1) // self.interval

    def _blocks(self, scan: _Scan) -> int:
        """The units that a scan counts: squares of 8 pixels of its only component, or those of all components."""
        most = [max(each) for each in zip(*self.sampling.values())]
        own = self.sampling[scan.components[0]]
        if len(scan.components) == 1:
            pixels = [ceil(side * factor / largest) for side, largest, factor in zip(self.size, most, own)]
            return prod(ceil(side / 8) for side in pixels)
        return prod(ceil(side / (8 * largest)) for side, largest in zip(self.size, most))


def _jpeg(data: bytes) -> bytes | None:
    jpeg = _parsed(data)
    start, whole = bytes(jpeg.head) + jpeg.rest, bytes(jpeg.head) + jpeg.rest + _END
    if jpeg.ended:
        return whole
    if not jpeg.complete():
        return None
    expected = _pixels(whole)
    return whole if all(_pixels(start + tail + _END) == expected for tail in _TAILS) else None


def _pixels(data: bytes) -> bytes:
    """A digest of the pixels."""
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
        return sha256(image.tobytes()).digest()


def _parsed(data: bytes) -> _Jpeg:
    """Raises ValueError, IndexError or struct.error where the segments before the first scan are broken."""
    jpeg, first = _Jpeg(), None
    for marker, position, body in _segments(data):
        if marker == 0xD9:
            jpeg.ended = True
            jpeg.rest = data[first:position]
            return jpeg
        if marker == 0xDA:
            first = position if first is None else first
            jpeg.scans.append(_scan(body, jpeg.progressive))
        elif marker == 0xDD:
            (jpeg.interval,) = struct.unpack_from(">H", body)
        elif 0xD0 <= marker <= 0xD7 and jpeg.scans:
            jpeg.scans[-1] = replace(jpeg.scans[-1], restarts=jpeg.scans[-1].restarts + 1)
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            jpeg.progressive = marker in (0xC2, 0xC6, 0xCA, 0xCE)
            _, height, width, count = struct.unpack_from(">BHHB", body)
            jpeg.size = (width, height)
            jpeg.sampling = {body[6 + 3 * i]: (body[7 + 3 * i] >> 4, body[7 + 3 * i] & 15) for i in range(count)}
        if first is None and (kept := _kept(marker, body)) is not None:
            jpeg.head += bytes([0xFF, marker]) + struct.pack(">H", len(kept) + 2) + kept
    if first is None:
        raise ValueError("no scan")
    jpeg.rest = data[first:].removesuffix(b"\xff")
    return jpeg


def _scan(header: bytes, progressive: bool) -> _Scan:
    count = header[0]
    components = tuple(header[1 + 2 * i] for i in range(count))
    return (
        _Scan(components, header[2 + 2 * count], header[3 + 2 * count] & 15)
        if progressive
        else _Scan(components, 63, 0)
    )


def _kept(marker: int, body: bytes) -> bytes | None:
    """What of a segment bears on the picture; None if nothing does."""
    if marker == 0x01 or 0xD0 <= marker <= 0xD8:
        return None
    if marker == 0xE0:
        return _JFIF if body.startswith(b"JFIF") else None  # it says what the colours are
    if marker == 0xE1:
        return body if body.startswith(b"Exif") else None  # the orientation
    if marker == 0xEE:
        return body if body.startswith(b"Adobe") and len(body) >= 12 else None  # it says what the colours are
    return None if 0xE0 <= marker <= 0xEF or marker == 0xFE else body


def _segments(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """The marker, the position and the content of each segment; of scans the header."""
    position = 2
    while position + 2 <= len(data):
        if data[position] != 0xFF or data[position + 1] in (0x00, 0xFF):
            position += 1  # the pixels of a scan, or padding
            if (position := data.find(b"\xff", position)) < 0:
                return
            continue
        marker = data[position + 1]
        if marker == 0xD9:
            yield marker, position, b""
            return
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:  # without content
            yield marker, position, b""
            position += 2
            continue
        (length,) = struct.unpack_from(">H", data, position + 2)
        yield marker, position, data[position + 4 : position + 2 + length]
        position += 2 + length
