"""Image files to pixels: the one way that training, evaluation and `caption` share.

`read_image` turns any file that Pillow reads (JPEG, PNG, WebP, AVIF, GIF, BMP, TIFF, JPEG 2000, PPM, ...) into upright
8-bit RGB, or says what is wrong with the file; `Preprocessing` makes the square of pixels that a CNN sees.
"""

from __future__ import annotations

import errno
import io
import logging
import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, TypeVar

import numpy as np
from PIL import Image, UnidentifiedImageError

from s2s.config import option
from s2s.errors import UserError, check
from s2s.vision.mending import mended
from s2s.vision.picture_files import FORMATS, unreadable
from s2s.vision.rgb import FLAT, first_frame, orientation, scaled, to_rgb, upright

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_PIXELS = 1 << 27  # above the 108 million of a telephone's camera; decoding takes up to 16 bytes a pixel
MAX_SIDE = 65_535  # JPEG's; a picture a few pixels wide and millions high takes far more than 16 bytes a pixel
MAX_BYTES = 8 * MAX_PIXELS  # of a file: WebP is read whole, and no picture within the limit needs more

# A large JPEG is decoded at the smallest of 1/2, 1/4 and 1/8 of its size that leaves this many pixels a side.
# At 12 megapixels, decoding and shrinking to 224 took 86 instead of 202 ms; values differed by 0.2 of 255, 3 at most.
_DETAIL = 1024
_PADDING = (124, 116, 104)  # ImageNet's mean colour, close to zero once a CNN has normalised it

_REFUSALS = {
    errno.ENOENT: "does not exist; check the path",
    errno.EACCES: "may not be read; check its permissions",
    errno.EPERM: "may not be read; check its permissions",
}

T = TypeVar("T")
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

    @property
    def is_flat(self) -> bool:
        """Whether the photograph is one colour, so that there is nothing to describe."""
        seen = self.pixels[:, : self.height, : self.width].reshape(3, -1)
        return int((seen.max(1).astype(int) - seen.min(1)).max()) <= FLAT


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
    """The picture in a file as it is meant to be seen: upright, 8-bit RGB, on a background if it is transparent.

    The content decides, not the name; an animation gives its first frame that is more than one colour, and a JPEG of
    several megapixels a smaller version. Metadata that are broken or too long are passed over. Raises ImageError for
    everything else that can be wrong with the path or the file.
    """
    rgb = _from_file(path, _opened)
    rgb.info = {}  # else the orientation would be there to be applied again
    return rgb


def decode_image(data: bytes, name: str) -> Image.Image:
    """The picture in the content of a file, as `read_image` gives the picture in a file; `name` is for messages.

    Raises ImageError for everything that can be wrong with the content.
    """
    path = Path(name)
    try:
        _check_length(path, len(data))
        rgb = _mending(io.BytesIO(data), path, _opened)
    except ImageError:
        raise
    except Exception as error:  # as in `_from_file`
        raise ImageError(path, _reason(error)) from error
    rgb.info = {}
    return rgb


def convert_image(picture: Image.Image | NDArray[Any], name: str) -> Image.Image:
    """Convert a picture in memory to upright 8-bit RGB, as `read_image` converts the picture in a file.

    Args:
        picture: an image of any mode, whose EXIF orientation is applied, in its present frame; or an array of numbers:
            (height, width) or (height, width, 1) grey, (height, width, 2) grey and alpha, (height, width, 3) RGB,
            (height, width, 4) RGB and alpha. Of uint8 and uint16 the largest level is white; of other types see
            `s2s.vision.rgb.scaled`
        name: of the picture, for messages

    Raises:
        UserError: an array has another shape, or is not of numbers.
        ImageError: the picture is too large, or the file that it is loaded from is broken.
    """
    image = picture if isinstance(picture, Image.Image) else _from_array(picture, name)
    try:
        _check_size(Path(name), image)
        # One at a time: an image that is still in its file must not be loaded by two threads at once.
        with _CONVERTING, _silent() if image.format == "TIFF" else nullcontext():
            image.load()
            rgb = upright(to_rgb(image), orientation(image))
    except ImageError:
        raise
    except Exception as error:  # as in `_from_file`
        raise ImageError(Path(name), _reason(error)) from error
    rgb.info = {}
    return rgb


def _from_array(array: NDArray[Any], name: str) -> Image.Image:
    channels = 1 if array.ndim == 2 else array.shape[2] if array.ndim == 3 else 0
    check(
        array.dtype.kind in "buif" and array.size and channels in (1, 2, 3, 4),
        f"{name}: is an array of {array.dtype} {' x '.join(map(str, array.shape))}; it must be of numbers, "
        "(height, width) or (height, width, 1 to 4)",
    )
    if array.dtype != np.uint8:
        array = scaled(array, 65535.0 if array.dtype == np.uint16 else None)
    return Image.fromarray(np.ascontiguousarray(array[:, :, 0] if array.ndim == 3 and channels == 1 else array))


def _from_file(path: Path, read: Callable[[BinaryIO, Path], T]) -> T:
    """What `read` takes of the picture in a file. Raises ImageError for all that can be wrong with it."""
    try:
        _check_file(path)
        with path.open("rb") as file:
            return _mending(file, path, read)
    except ImageError:
        raise
    except Exception as error:  # a broken file makes Pillow raise nearly anything: SyntaxError, struct.error, ...
        raise ImageError(path, _reason(error)) from error


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


def _mending(file: BinaryIO, path: Path, read: Callable[[BinaryIO, Path], T]) -> T:
    """What `read` takes of the picture in an open file; `path` is for messages. Broken metadata do not cost it."""
    _discard_log()
    try:
        return read(file, path)
    except (ImageError, MemoryError, Image.DecompressionBombError):
        raise
    except Exception as error:
        if without := mended(file):
            with suppress(Exception):
                return read(without, path)
        if isinstance(error, UnidentifiedImageError):
            raise ImageError(path, unreadable(file)) from error
        raise


def _opened(file: BinaryIO, path: Path) -> Image.Image:
    """Return the picture in an open file, turned upright."""
    with Image.open(file, formats=FORMATS) as image:
        _check_size(path, image)
        image.draft(None, (_DETAIL, _DETAIL))
        with _silent() if image.format == "TIFF" else nullcontext():
            image.load()
            return first_frame(image)


def _size(file: BinaryIO, path: Path) -> tuple[int, int]:
    """Width and height of the picture in an open file, which need not be upright."""
    with Image.open(file, formats=FORMATS) as image:
        _check_size(path, image)
        return image.size


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


def _too_large(pixels: str) -> str:
    return f"has {pixels} pixels, over the limit of {MAX_PIXELS:,} (and {MAX_SIDE:,} a side); make a smaller copy"


def upright_size(path: Path, image: Image.Image) -> tuple[int, int]:
    """Width and height of the photograph in the file; `image`, upright, may be a smaller version of it.

    Raises ImageError as `read_image` does: the file may have changed since `image` was read.
    """
    width, height = _from_file(path, _size)
    return (height, width) if (width > height) != (image.width > image.height) else (width, height)
