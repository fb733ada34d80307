"""Image files to pixels: the one way that training, evaluation and `caption` share.

`read_image` turns any JPEG, PNG, WebP, GIF, BMP or TIFF into upright 8-bit RGB, or says what is wrong with the file;
`Preprocessing` makes the square of pixels that a CNN sees.
"""

from __future__ import annotations

import errno
import io
import logging
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

import numpy as np
from PIL import Image, UnidentifiedImageError

from s2s.config import option
from s2s.errors import UserError, check

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
MAX_PIXELS = 1 << 27  # above the 108 million of a telephone's camera; decoding takes up to 16 bytes a pixel
MAX_SIDE = 65_535  # JPEG's; a picture a few pixels wide and millions high takes far more than 16 bytes a pixel
MAX_BYTES = 8 * MAX_PIXELS  # of a file: WebP is read whole, and no picture within the limit needs more

# A large JPEG is decoded at the smallest of 1/2, 1/4 and 1/8 of its size that leaves this many pixels a side.
# At 12 megapixels, decoding and shrinking to 224 took 86 instead of 202 ms; values differed by 0.2 of 255, 3 at most.
_DETAIL = 1024
_PADDING = (124, 116, 104)  # ImageNet's mean colour, close to zero once a CNN has normalised it

_KNOWN = "JPEG, PNG, WebP, GIF, BMP or TIFF"
_SIGNATURES = (  # position, bytes, what a file that cannot be opened is where it has them there
    (0, b"\xff\xd8\xff", "is a JPEG with a broken header"),
    (0, b"\x89PNG", "is a PNG with a broken header"),
    (8, b"WEBP", "is a WebP with a broken header"),
    (0, b"GIF8", "is a GIF with a broken header"),
    (0, b"II*\0", "is a TIFF with a broken header"),
    (0, b"MM\0*", "is a TIFF with a broken header"),
    (4, b"ftyp", f"is a HEIF, AVIF or video file; convert it to {_KNOWN}"),
    (0, b"%PDF", f"is a PDF document; convert its page to {_KNOWN}"),
)
_REFUSALS = {
    errno.ENOENT: "does not exist; check the path",
    errno.EACCES: "may not be read; check its permissions",
    errno.EPERM: "may not be read; check its permissions",
}

_CONVERTING = threading.Lock()
_DESCRIPTOR = threading.Lock()  # two threads that redirect standard error would lose it


class ImageError(UserError):
    """A file that gives no picture: `str(error)` is one line, `PATH: reason`."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)  # both, so that it can be pickled on its way out of a worker process
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return " ".join(f"{self.path}: {self.reason}".splitlines())


@dataclass(frozen=True)
class Picture:
    """What a CNN sees: `pixels`, uint8 (3, size, size), of which the photograph fills `width` x `height`, top left."""

    pixels: NDArray[np.uint8]
    width: int
    height: int


@dataclass(frozen=True)
class Preprocessing:
    """How a photograph becomes a square. A model is used with what it was trained with."""

    size: int = option(224, low=1, high=4096, help="pixels a side of the square that the CNN sees")
    fit: Literal["stretch", "pad"] = option(
        "stretch", help="stretch to the square, or keep the shape and pad with grey"
    )

    def apply(self, image: Image.Image) -> Picture:
        """Resample an RGB image, bicubic and antialiased; one that fits already passes untouched."""
        width = height = self.size
        if self.fit == "pad":
            longer = max(image.size)
            width, height = (max(1, round(self.size * side / longer)) for side in image.size)
        square = image.resize((width, height), Image.Resampling.BICUBIC)
        if (width, height) != (self.size, self.size):
            padded = Image.new("RGB", (self.size, self.size), _PADDING)
            padded.paste(square)
            square = padded
        return Picture(np.array(square).transpose(2, 0, 1).copy(), width, height)


def read_image(path: Path) -> Image.Image:
    """The picture in a file as it is meant to be seen: upright, 8-bit RGB, on white where it is transparent.

    The content decides, not the name; an animation gives its first frame, and a JPEG of several megapixels a smaller
    version. Raises ImageError for everything that can be wrong with the path or the file.
    """
    try:
        _check_file(path)
        with path.open("rb") as file:
            rgb = _decoded(file, path)
    except ImageError:
        raise
    except Exception as error:  # a broken file makes Pillow raise nearly anything: SyntaxError, struct.error, ...
        raise ImageError(path, _reason(error)) from error
    rgb.info = {}  # else the orientation would be there to be applied again
    return rgb


def decode_image(data: bytes, name: str) -> Image.Image:
    """The picture in the content of a file, as `read_image` gives the picture in a file; `name` is for messages.

    Raises ImageError for everything that can be wrong with the content.
    """
    path = Path(name)
    try:
        _check_length(path, len(data))
        rgb = _decoded(io.BytesIO(data), path)
    except ImageError:
        raise
    except Exception as error:  # as in `read_image`
        raise ImageError(path, _reason(error)) from error
    rgb.info = {}
    return rgb


def convert_image(picture: Image.Image | NDArray[np.uint8], name: str) -> Image.Image:
    """Convert a picture in memory to upright 8-bit RGB, as `read_image` converts the picture in a file.

    Args:
        picture: an image of any mode, whose EXIF orientation is applied; or (height, width) grey, (height, width, 3)
            RGB, (height, width, 4) RGB and alpha
        name: of the picture, for messages

    Raises:
        UserError: an array has another shape or is not of uint8.
        ImageError: the picture is too large, or the file that it is loaded from is broken.
    """
    if isinstance(picture, Image.Image):
        image = picture
    else:
        found = f"{picture.dtype} {' x '.join(map(str, picture.shape))}"
        check(
            picture.dtype == np.uint8 and picture.size and (picture.ndim == 2 or picture.shape[2:] in ((3,), (4,))),
            f"{name}: is an array of {found}; it must be of uint8, (height, width) or (height, width, 3 or 4)",
        )
        image = Image.fromarray(picture)
    try:
        _check_size(Path(name), image)
        # One at a time: an image that is still in its file must not be loaded by two threads at once.
        with _CONVERTING, _silent() if image.format == "TIFF" else nullcontext():
            image.load()
            rgb = _turned(_rgb(image), _orientation(image))
    except ImageError:
        raise
    except Exception as error:  # as in `read_image`
        raise ImageError(Path(name), _reason(error)) from error
    rgb.info = {}
    return rgb


def _check_file(path: Path) -> None:
    """Raise ImageError for what is no regular file: opening a named pipe or a device might wait for ever."""
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise ImageError(path, "is a folder, not a picture" if any(path.iterdir()) else "is an empty folder")
    if not stat.S_ISREG(status.st_mode):
        raise ImageError(path, "is a pipe or a device, not a file")
    _check_length(path, status.st_size)


def _check_length(path: Path, length: int) -> None:
    """Raise ImageError for a file of so many bytes that it holds no picture that is read."""
    if length == 0:
        raise ImageError(path, "is empty (0 bytes)")
    if length > MAX_BYTES:
        raise ImageError(path, f"has {length:,} bytes, more than any picture that is read ({MAX_BYTES:,})")


@cache
def _discard_log() -> None:
    """Do not print the errors that Pillow logs, which are those of its exceptions.

    Without a handler, Python prints them on standard error; a program that sets up logging still gets them.
    """
    logging.getLogger("PIL").addHandler(logging.NullHandler())


def _check_size(path: Path, image: Image.Image) -> None:
    """Raise ImageError for an image without pixels, or with too many."""
    if not min(image.size):
        raise ImageError(path, "has no pixels")
    if image.width * image.height > MAX_PIXELS or max(image.size) > MAX_SIDE:
        raise ImageError(path, _too_large(f"{image.width} x {image.height}"))


def _decoded(file: BinaryIO, path: Path) -> Image.Image:
    """The picture in an open file, upright; `path` is for messages."""
    _discard_log()
    try:
        image = Image.open(file, formats=FORMATS)
    except UnidentifiedImageError as error:
        file.seek(0)
        raise ImageError(path, _unidentified(file.read(512))) from error
    with image:
        _check_size(path, image)
        image.draft(None, (_DETAIL, _DETAIL))
        with _silent() if image.format == "TIFF" else nullcontext():
            image.load()
        return _turned(_rgb(image), _orientation(image))


@contextmanager
def _silent() -> Iterator[None]:
    """Keep what libtiff writes to the file descriptor of standard error, past Pillow and Python, from getting there."""
    with _DESCRIPTOR:
        try:
            terminal = os.dup(2)
        except OSError:  # closed: nothing is seen anyway
            terminal = None
        nothing = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nothing, 2)
            yield
        finally:
            os.close(nothing)
            if terminal is None:
                os.close(2)
            else:
                os.dup2(terminal, 2)
                os.close(terminal)


def _rgb(image: Image.Image) -> Image.Image:
    """Any mode of Pillow as RGB, over white. Ink (CMYK) is converted without its colour profile."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _eight_bits(image).convert("RGB")
    if image.mode == "La":  # which Pillow converts to no other mode than LA
        image = image.convert("LA")
    if not image.has_transparency_data:
        return image.convert("RGB")
    rgba = image.convert("RGBA")
    white = Image.new("RGB", image.size, "white")
    white.paste(rgba, mask=rgba)
    return white


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey levels of more than 8 bits, which Pillow itself would clip at 255, as 8 bits.

    16-bit levels have a known white. 32-bit integers and floats have none: it is taken to be the smallest of 1, 255
    and 65535 that no level exceeds; where a level is negative or larger, darkest to lightest becomes black to white.
    """
    levels = np.asarray(image).astype(np.float32)  # (height, width); in place from here on, for it may be half a GB
    unseen = levels == image.info.get("transparency", np.nan)  # a PNG can name one level that is not to be seen
    if image.mode.startswith("I;16"):
        low, high = 0.0, 65535.0
    else:
        finite = levels[np.isfinite(levels)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
        if low >= 0:
            low, high = 0.0, next((white for white in (1.0, 255.0, 65535.0) if high <= white), high)
    with np.errstate(all="ignore"):
        scale = 255 / (high - low or 1)
        levels.clip(low, high, out=levels)
        levels *= scale
        levels -= low * scale
    levels[np.isnan(levels)] = 0
    levels[unseen] = 255
    return Image.fromarray(levels.round(out=levels).astype(np.uint8))


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(0x0112, 1))
    except Exception:  # EXIF data that cannot be read say nothing about the picture, which is sound
        return 1


def _turned(image: Image.Image, orientation: int) -> Image.Image:
    """Apply an EXIF orientation. (`ImageOps.exif_transpose` also rewrites the EXIF data, and fails where it cannot.)"""
    turns = Image.Transpose
    method = {
        2: turns.FLIP_LEFT_RIGHT,
        3: turns.ROTATE_180,
        4: turns.FLIP_TOP_BOTTOM,
        5: turns.TRANSPOSE,
        6: turns.ROTATE_270,
        7: turns.TRANSVERSE,
        8: turns.ROTATE_90,
    }.get(orientation)
    return image if method is None else image.transpose(method)


def _reason(error: Exception) -> str:
    match error:
        case Image.DecompressionBombError():
            return _too_large("far too many")
        case MemoryError():
            return "needs more memory than there is"
        case OSError() if error.errno is not None:
            return _REFUSALS.get(error.errno) or f"cannot be read: {error.strerror}"
        case _:
            return f"is broken or cut off: {str(error) or type(error).__name__}"


def _unidentified(head: bytes) -> str:
    """What a file that Pillow does not know seems to be, by its first bytes."""
    for position, signature, verdict in _SIGNATURES:
        if head.startswith(signature, position):
            return verdict
    if all(0x20 <= byte < 0xF8 or byte in b"\t\n\r\f" for byte in head):  # UTF-8 has none above
        return "is text, not a picture"
    return f"is no {_KNOWN} picture"


def _too_large(pixels: str) -> str:
    return f"has {pixels} pixels, over the limit of {MAX_PIXELS:,} (and {MAX_SIDE:,} a side); make a smaller copy"
