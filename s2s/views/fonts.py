"""Fonts for pictures: the bundled Noto Sans, or a font of the machine if a text has characters of another script."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

_BUNDLED = Path(__file__).parent / "data" / "NotoSans-subset.ttf"  # Pillow's own font has no letter beyond ASCII
_NOWHERE = "\U0010fffd"  # a character that no font has
_WIDESPREAD = (
    "DejaVuSans.ttf",
    "NotoSansCJK-Regular.ttc",
    "NotoSansArabic-Regular.ttf",
    "NotoSansHebrew-Regular.ttf",
    "NotoSansDevanagari-Regular.ttf",
    "DroidSansFallbackFull.ttf",
    "Arial Unicode.ttf",
    "PingFang.ttc",
    "Hiragino Sans GB.ttc",
    "msyh.ttc",
    "msgothic.ttc",
    "malgun.ttf",
    "segoeui.ttf",
)


def font_for(text: str, size: int) -> ImageFont.FreeTypeFont:
    """The bundled font, or, if it lacks a character of `text`, the first widespread font that has all it lacks."""
    missing = frozenset(character for character in text if not _has("", character))
    name = next((name for name in _WIDESPREAD if all(_has(name, character) for character in missing)), "")
    return _font(name if missing else "", size) or _bundled(size)


@lru_cache
def _bundled(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(_BUNDLED), size)


@lru_cache
def _font(name: str, size: int) -> ImageFont.FreeTypeFont | None:
    """The font of this name; None if this machine does not have it."""
    if not name:
        return _bundled(size)
    try:
        return ImageFont.truetype(name, size)
    except OSError:
        return None


@lru_cache(maxsize=4096)
def _has(name: str, character: str) -> bool:
    """Whether a font draws `character` differently from the box that stands for missing characters."""
    font = _font(name, 20)
    if font is None:
        return False
    return _drawn(font, character) != _drawn(font, _NOWHERE)


def _drawn(font: ImageFont.FreeTypeFont, character: str) -> bytes:
    image = Image.new("L", (40, 40))
    ImageDraw.Draw(image).text((5, 5), character, 255, font)
    return image.tobytes()
