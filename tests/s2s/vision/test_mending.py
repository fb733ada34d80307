"""Metadata never cost a picture; missing pixels always do."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from s2s.vision.images import ImageError, decode_image, upright_size

SIGNATURE = b"\x89PNG\r\n\x1a\n"
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
PHOTO = Image.fromarray(np.random.default_rng(1).integers(0, 256, (11, 16, 3), dtype=np.uint8)).resize((64, 43))


def encoded(format: str, image: Image.Image = PHOTO, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def chunk(name: bytes, content: bytes, checksum: int | None = None) -> bytes:
    found = zlib.crc32(name + content) if checksum is None else checksum
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", found)


def with_chunk(extra: bytes, image: Image.Image = PHOTO, *, after: bool = False, **options) -> bytes:
    """A PNG with a chunk after its header, or before its end."""
    data = encoded("PNG", image, **options)
    at = len(data) - 12 if after else len(SIGNATURE) + 25
    return data[:at] + extra + data[at:]


LONG = zlib.compress(bytes(2 * PngImagePlugin.MAX_TEXT_CHUNK))
BROKEN_CHUNKS = {
    "zTXt": chunk(b"zTXt", b"Comment\0\0" + LONG),
    "iTXt": chunk(b"iTXt", b"Comment\0\1\0\0\0" + LONG),
    "iCCP": chunk(b"iCCP", b"profile\0\0" + LONG),
    "pHYs, wrong checksum": chunk(b"pHYs", bytes(9), 7),
    "tEXt, wrong checksum": chunk(b"tEXt", b"a\0b", 7),
    "gAMA, too short": chunk(b"gAMA", b"\1"),
    "pHYs, too short": chunk(b"pHYs", b"\1\1"),
}


@pytest.mark.parametrize("name", BROKEN_CHUNKS)
def test_the_size_of_a_mended_file_is_known(name: str, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(with_chunk(BROKEN_CHUNKS[name]))
    assert upright_size(tmp_path / "a.png", PHOTO) == PHOTO.size
    with pytest.raises(ImageError, match="does not exist"):
        upright_size(tmp_path / "b.png", PHOTO)


@pytest.mark.parametrize("name", BROKEN_CHUNKS)
def test_a_chunk_beside_the_pixels_does_not_cost_a_png(name: str) -> None:
    expected = PHOTO.tobytes()
    assert decode_image(with_chunk(BROKEN_CHUNKS[name]), "picture 1").tobytes() == expected
    if name[:4] in ("zTXt", "iTXt", "tEXt"):
        assert decode_image(with_chunk(BROKEN_CHUNKS[name], after=True), "picture 1").tobytes() == expected


def test_orientation_and_transparency_of_a_mended_png_stay() -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    turned = decode_image(with_chunk(BROKEN_CHUNKS["zTXt"], exif=exif), "picture 1")
    assert turned.tobytes() == PHOTO.rotate(180).tobytes()
    grey = Image.fromarray(np.array([[0, 9, 90]], dtype=np.uint8))
    seen = decode_image(with_chunk(BROKEN_CHUNKS["gAMA, too short"], grey, transparency=9), "picture 1")
    assert np.asarray(seen)[0, :, 0].tolist() == [0, 255, 90]


def test_a_png_with_a_broken_checksum_of_its_pixels_stays_refused() -> None:
    data = bytearray(encoded("PNG"))
    data[data.index(b"IDAT") + 40] ^= 1
    with pytest.raises(ImageError):
        decode_image(bytes(data), "picture 1")


KINDS = {
    "baseline": {},
    "progressive": {"progressive": True},
    "sharp colours": {"subsampling": 0, "quality": 90},
    "restart markers": {"restart_marker_blocks": 2},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_may_lack_its_end_marker_and_nothing_else(kind: str, mode: str) -> None:
    data = encoded("JPEG", PHOTO.convert(mode), **KINDS[kind])
    expected = decode_image(data, "picture 1").tobytes()
    for missing in (1, 2):
        assert decode_image(data[:-missing], "picture 1").tobytes() == expected
    scans = [i for i in range(len(data) - 1) if data[i : i + 2] == b"\xff\xda"]  # where a cut looks most like an end
    for end in (*range(len(data) - 40, len(data) - 2), *range(600, len(data), 61), *scans):
        try:
            found = decode_image(data[:end], "picture 1").tobytes()
        except ImageError:
            continue
        assert found == expected  # the last byte may hold nothing but the end of a run of zeros
        assert end == len(data) - 3


@pytest.mark.parametrize(
    "segment",
    [
        b"\xff\xe0\0\x07JFIF\0",  # cut short
        b"\xff\xee\0\x07Adobe",
        b"\xff\xe2\0\x10MPF\0II*\0\xff\xff\xff\xff\0\0",
    ],
)
def test_a_segment_beside_the_pixels_does_not_cost_a_jpeg(segment: bytes) -> None:
    data = encoded("JPEG")
    expected = decode_image(data, "picture 1").tobytes()
    assert decode_image(data[:2] + segment + data[2:], "picture 1").tobytes() == expected


def test_metadata_that_are_cut_off_do_not_cost_a_webp() -> None:
    data = encoded("WEBP", lossless=True, xmp=b"x" * 300)
    assert decode_image(data[:-200], "picture 1").tobytes() == PHOTO.tobytes()
    with pytest.raises(ImageError):
        decode_image(encoded("WEBP", lossless=True)[:-200], "picture 1")
