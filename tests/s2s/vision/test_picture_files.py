"""Which files are pictures, and true reasons for those that cannot be read."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from s2s.vision.images import ImageError, decode_image
from s2s.vision.picture_files import FORMATS, picture_suffixes


def tiff(channels: int, bits: int, kind: int) -> bytes:
    """A TIFF of 2 x 1 pixels, made by hand for what Pillow does not write."""
    tags = [
        (256, 4, 1, 2),
        (257, 4, 1, 1),
        (258, 3, channels, 0),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, 1, 0),
        (277, 3, 1, channels),
        (278, 4, 1, 1),
        (279, 4, 1, channels * bits // 4),
        (339, 3, channels, 0),
    ]
    after = 8 + 2 + 12 * len(tags) + 4
    values = {258: after, 339: after + 2 * channels, 273: after + 4 * channels}
    entries = b"".join(
        struct.pack("<HHI", tag, type_, count) + struct.pack("<I", values.get(tag, value))
        for tag, type_, count, value in tags
    )
    lists = struct.pack(f"<{channels}H", *[bits] * channels) + struct.pack(f"<{channels}H", *[kind] * channels)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + lists + bytes(channels * bits // 4)


@pytest.mark.parametrize(
    ("channels", "bits", "kind", "told"),
    [
        (3, 32, 3, "is a TIFF with three 32-bit float channels, which cannot be read"),
        (3, 16, 3, "is a TIFF with three 16-bit float channels, which cannot be read"),
        (5, 8, 1, "is a TIFF with five 8-bit channels, which cannot be read"),
    ],
)
def test_a_tiff_that_pillow_cannot_read_says_what_it_holds(channels: int, bits: int, kind: int, told: str) -> None:
    with pytest.raises(ImageError) as caught:
        decode_image(tiff(channels, bits, kind), "picture 1")
    assert caught.value.reason == f"{told}; save it as RGB with 8 bits per channel"


def test_the_tiff_made_by_hand_is_sound() -> None:
    assert decode_image(tiff(3, 8, 1), "picture 1").size == (2, 1)


def test_the_suffixes_are_those_of_the_formats_that_are_read() -> None:
    usual = ".jpg .jpeg .jpe .jfif .png .webp .avif .gif .bmp .tif .tiff .jp2 .ppm .mpo .ico .tga"
    assert set(usual.split()) <= picture_suffixes()
    assert not {".txt", ".json", ".caption", ".db", ".ini", ".eps", ".pdf", ".mpg", ".npz", ".csv"} & picture_suffixes()


def test_no_format_starts_another_program_or_only_has_a_name() -> None:
    assert not {"EPS", "WMF", "BUFR", "GRIB", "HDF5", "MPEG", "IPTC"} & set(FORMATS)
    Image.init()
    assert set(FORMATS) <= set(Image.OPEN)


def test_text_and_noise_are_no_pictures_of_a_weak_format() -> None:
    random = np.random.default_rng(0)
    letters = np.frombuffer(b'abc def: 1234\n{}"<>,;#*/', dtype=np.uint8)
    for length in (10, 100, 600, 5000):
        for data in (random.bytes(length), random.choice(letters, length).tobytes()):
            with pytest.raises(ImageError):
                decode_image(data, "picture 1")


def test_grey_floats_of_spider_are_scaled() -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.array([[0, 128, 255]], dtype=np.float32)).save(buffer, "SPIDER")
    assert np.asarray(decode_image(buffer.getvalue(), "picture 1"))[0, :, 0].tolist() == [0, 128, 255]
