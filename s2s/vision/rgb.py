"""Any image of Pillow's as upright RGB with 8 bits per channel, so that what it shows can be seen.

A transparent picture lies on white, or on black where its visible part is nearly white. An alpha channel that hides
everything is ignored. Of several frames the first one counts that is more than one colour.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from PIL import Image, ImageStat

FLAT = 2  # levels of 255 within which a picture counts as one colour
_HIDDEN = 1  # an alpha channel with no higher level hides everything: some programs store 0 to 1 as 0 and 1
_LIGHT = 223.0  # mean level of the visible part above which white does not contrast with it
_SOLID = 0.99  # mean opacity above which the background does not matter
_MOST_FRAMES = 500


def first_frame(image: Image.Image) -> Image.Image:
    """The first frame of a loaded file that is more than one colour, as upright RGB; the first if all are one colour.

    Further frames are decoded only if the first one is one colour.
    """
    turn = orientation(image)
    first = upright(to_rgb(image), turn)
    if image.format == "PSD" or not is_flat(first) or not getattr(image, "is_animated", False):
        return first  # the frames of a Photoshop file are its layers
    for number in range(1, _MOST_FRAMES):
        try:
            image.seek(number)
            frame = upright(to_rgb(image), turn)
        except Exception:  # EOFError after the last one; a broken one does not cost the first
            break
        if not is_flat(frame):
            return frame
    return first


def is_flat(image: Image.Image) -> bool:
    """Whether an RGB image is one colour."""
    width, height = image.size
    few = [image.getpixel((width * x // 8, height * y // 8)) for x, y in ((1, 1), (7, 2), (4, 4), (2, 7), (6, 6))]
    if np.ptp(np.array(few, dtype=int), axis=0).max() > FLAT:  # nearly all pictures, at once
        return False
    return all(high - low <= FLAT for low, high in np.array(image.getextrema(), dtype=int))


def to_rgb(image: Image.Image) -> Image.Image:
    """Any mode of Pillow as RGB. Ink (CMYK) is converted without its colour profile."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _eight_bits(image).convert("RGB")
    if image.mode == "La":  # which Pillow converts to no other mode than LA
        image = image.convert("LA")
    if not image.has_transparency_data:
        return image.convert("RGB")
    return _on_background(image.convert("RGBA"))


def _on_background(rgba: Image.Image) -> Image.Image:
    """An image with alpha over a background with which it contrasts, or without its alpha if that hides everything."""
    opaque, alpha = rgba.convert("RGB"), rgba.getchannel("A")
    if cast(tuple[int, int], alpha.getextrema())[1] <= _HIDDEN:
        return opaque
    red, green, blue, opacity = ImageStat.Stat(rgba.convert("RGBa")).mean  # the colours are multiplied by the opacity
    light = 255 * (0.299 * red + 0.587 * green + 0.114 * blue) / opacity
    dark_first = light > _LIGHT and opacity < 255 * _SOLID
    first, second = (_laid(opaque, alpha, colour) for colour in ("black", "white")[:: 1 if dark_first else -1])
    return next((seen for seen in (first, second, opaque) if not is_flat(seen)), first)


def _laid(opaque: Image.Image, alpha: Image.Image, colour: str) -> Image.Image:
    laid = Image.new("RGB", opaque.size, colour)
    laid.paste(opaque, mask=alpha)
    return laid


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey levels of more than 8 bits, which Pillow itself would clip at 255, as 8 bits.

    16-bit levels have a known white; of other levels see `scaled`.
    """
    levels = np.asarray(image)  # (height, width)
    unseen = levels == image.info.get("transparency", np.nan)  # a PNG can name one level that is not to be seen
    grey = scaled(levels, 65535.0 if image.mode.startswith("I;16") else None)
    grey[unseen] = 255
    return Image.fromarray(grey)


def scaled(levels: np.ndarray, white: float | None = None) -> np.ndarray:
    """Levels of any number type as uint8, of the same shape.

    Args:
        levels: of pixels
        white: the level of white. If None, it is taken to be the smallest of 1, 255 and 65535 that no level exceeds;
            where a level is negative or larger, darkest to lightest becomes black to white.
    """
    values = levels.astype(np.float32)  # in place from here on, for it may be half a GB
    low, high = 0.0, white or 0.0
    if white is None:
        finite = values[np.isfinite(values)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
        if low >= 0:
            low, high = 0.0, next((usual for usual in (1.0, 255.0, 65535.0) if high <= usual), high)
    with np.errstate(all="ignore"):
        scale = 255 / (high - low or 1)
        values.clip(low, high, out=values)
        values *= scale
        values -= low * scale
    values[np.isnan(values)] = 0
    return values.round(out=values).astype(np.uint8)


def orientation(image: Image.Image) -> int:
    """The EXIF orientation of an image, 1 if it has none."""
    try:
        return int(image.getexif().get(0x0112, 1))
    except Exception:  # EXIF data that cannot be read say nothing about the picture, which is sound
        return 1


def upright(image: Image.Image, orientation: int) -> Image.Image:
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
