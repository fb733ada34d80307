"""Which files are pictures: the formats that are read, their suffixes, and what a file is that none of them fits."""

from __future__ import annotations

import io
from functools import cache
from typing import BinaryIO

from PIL import Image

# All formats that Pillow reads by itself, those with the weakest signatures last, because the first that fits is taken.
# Not EPS, which starts another program; nor those that Pillow only names, or reads on one system only.
FORMATS = (
    *(
        "JPEG",
        "PNG",
        "WEBP",
        "GIF",
        "BMP",
        "TIFF",
        "AVIF",
        "JPEG2000",
        "PPM",
        "ICO",
        "ICNS",
        "PSD",
        "QOI",
        "DIB",
        "DDS",
    ),
    *("PCX", "DCX", "SGI", "SUN", "CUR", "BLP", "FITS", "FLI", "FTEX", "GBR", "MSP", "PIXAR", "MCIDAS", "XBM", "XPM"),
    *("XVTHUMB", "PCD", "TGA", "SPIDER"),
)
COMMON = "JPEG, PNG, WebP, AVIF, GIF, BMP, TIFF or JPEG 2000"  # for messages
_CONVERT = "convert it to JPEG or PNG"

_KNOWN = (  # position, bytes, and the format of Pillow's that begins so
    (0, b"\xff\xd8\xff", "JPEG"),
    (0, b"\x89PNG", "PNG"),
    (8, b"WEBP", "WEBP"),
    (0, b"GIF8", "GIF"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (0, b"II+\0", "TIFF"),
    (0, b"MM\0+", "TIFF"),
    (4, b"ftypavi", "AVIF"),
    (4, b"jP  ", "JPEG2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG2000"),
    (0, b"8BPS", "PSD"),
    (0, b"BM", "BMP"),
)
_NAMES = {"WEBP": "WebP", "JPEG2000": "JPEG 2000", "PSD": "Photoshop file"}
_OTHERS = (  # position, bytes, and what a file that begins so is
    *((4, b"ftyp" + brand, f"is a HEIF picture; {_CONVERT}") for brand in (b"hei", b"hev", b"mif1", b"msf1")),
    (4, b"ftyp", "is a video; save one of its frames as a picture"),
    (0, b"\x1a\x45\xdf\xa3", "is a video; save one of its frames as a picture"),
    (8, b"AVI ", "is a video; save one of its frames as a picture"),
    (0, b"\xff\x0a", f"is a JPEG XL picture; {_CONVERT}"),
    (4, b"JXL ", f"is a JPEG XL picture; {_CONVERT}"),
    (0, b"%PDF", "is a PDF document; convert its page to JPEG or PNG"),
    (0, b"%!PS", f"is a PostScript document; {_CONVERT}"),
    (0, b"\xc5\xd0\xd3\xc6", f"is a PostScript document; {_CONVERT}"),
    (0, b"PK\x03\x04", "is a ZIP archive or an office document; unpack it"),
    (0, b"\x1f\x8b", "is packed with gzip; unpack it"),
    (0, b"version https://git-lfs", "is a pointer of Git LFS, not the picture; run git lfs pull"),
)
_MARKUP = ((b"<svg", f"is an SVG drawing; {_CONVERT}"), (b"<html", "is a web page, not a picture; download it again"))
_COUNTS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight"}
_SAMPLES = {1: "-bit", 2: "-bit integer", 3: "-bit float", 5: "-bit complex", 6: "-bit complex"}


@cache
def picture_suffixes() -> frozenset[str]:
    """The suffixes of file names, in lower case, by which a folder's pictures are told from its other files."""
    Image.init()
    known = Image.registered_extensions().items()
    return frozenset(suffix for suffix, name in known if name in FORMATS) | {".mpo"}  # an MPO file is read as a JPEG


def unreadable(file: BinaryIO) -> str:
    """Why Pillow does not open a file: what it is, or what is wrong with it."""
    file.seek(0)
    head = file.read(512)
    name = next((name for position, begin, name in _KNOWN if head.startswith(begin, position)), None)
    if name == "TIFF" and (channels := _tiff_channels(file)):
        return f"is a TIFF with {channels}, which cannot be read; save it as RGB with 8 bits per channel"
    if name:
        return f"is a {_NAMES.get(name, name)} with a broken header{_complaint(file, name)}".replace(
            " a AVIF", " an AVIF"
        )
    for position, begin, verdict in _OTHERS:
        if head.startswith(begin, position):
            return verdict
    if not all(0x20 <= byte < 0xF8 or byte in b"\t\n\r\f" for byte in head):  # UTF-8 has none above
        return f"is no picture of a known format ({COMMON}, for example)"
    return next((verdict for tag, verdict in _MARKUP if tag in head.lower()), "is text, not a picture")


def _complaint(file: BinaryIO, name: str) -> str:
    """What Pillow's reader of one format says of a file, in brackets; `Image.open` keeps it to itself."""
    try:
        Image.init()
        file.seek(0)
        Image.OPEN[name][0](io.BytesIO(file.read()), b"")
    except Exception as error:
        return f" ({error})" if str(error) else ""
    return ""


def _tiff_channels(file: BinaryIO) -> str:
    """The channels of a TIFF whose header is sound, such as `three 32-bit float channels`."""
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    try:
        file.seek(0)
        header = file.read(8)
        directory = ImageFileDirectory_v2(header + file.read(8) if header[2] == 43 else header)
        file.seek(directory.next)
        directory.load(file)
        bits, kinds = _values(directory.get(258, 1)), _values(directory.get(339, 1))
        count = int(directory.get(277, len(bits)))
        if not (directory[256] and directory[257] and count):
            return ""
    except Exception:
        return ""
    plural = "s" * (count != 1)
    depth = "/".join(map(str, sorted(set(bits))))
    return f"{_COUNTS.get(count, str(count))} {depth}{_SAMPLES.get(kinds[0], '-bit')} channel{plural}"


def _values(value: object) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, tuple) else (int(str(value)),)
