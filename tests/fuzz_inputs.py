"""What a stranger could hand to a command: drawn from a random generator, so that a number finds an input again."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from io import BytesIO
from random import Random
from typing import Any

import numpy as np
from PIL import Image

_WORDS = ["A man", "two dogs", " ", "\t", "", "red.", "the park", "!", "|||", "<unk>", "</s>", "▁", "⁇"]
_BYTES = [
    b"\n",
    b"\r\n",
    b"\r",
    b"\0",
    b"\xff",
    b"\xc3",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b"\xc0\xaf",
    b"\xf4\x90\x80\x80",
]
_PLANES = [(0, 0x7F), (0x80, 0x24F), (0x300, 0x36F), (0x590, 0x6FF), (0x2000, 0x206F), (0x3040, 0x9FFF)]
_PLANES += [(0xAC00, 0xD7A3), (0xE000, 0xF8FF), (0xFE00, 0xFFFF), (0x1F000, 0x1FAFF), (0xE0000, 0xE01EF), (0, 0x10FFFF)]
NASTY: Sequence[Any] = [
    -1,
    0,
    1,
    2,
    0.5,
    -0.5,
    1e-300,
    1e300,
    float("nan"),
    float("inf"),
    2**31,
    2**63,
    10**12,
    10**400,
]
NASTY = [*NASTY, True, False, "", "none", "x", "lstm", "a\0b", "../..", "\x1b[2J\n", [], [1], ["x"], {}, {"x": 1}, [[]]]
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")


def some_bytes(draw: Random) -> bytes:
    """Text, more or less: what is not UTF-8 stands between what is."""
    parts = []
    for _ in range(draw.randint(0, 12)):
        kind = draw.random()
        if kind < 0.5:
            parts.append(draw.choice(_WORDS).encode())
        elif kind < 0.75:
            parts.append(b"\n")
        elif kind < 0.9:
            parts.append(draw.choice(_BYTES))
        else:
            parts.append(draw.randbytes(draw.randint(1, 30)))
    return b"".join(parts)


def some_text(draw: Random) -> str:
    """Lines of characters of every part of Unicode, words that the model knows among them."""
    lines = []
    for _ in range(draw.randint(1, 6)):
        words = [_characters(draw) if draw.random() < 0.6 else draw.choice(_WORDS) for _ in range(draw.randint(0, 8))]
        lines.append(draw.choice(["", " "]).join(words) * (40 if draw.random() < 0.02 else 1))
    return draw.choice(["\n", "\r\n"]).join(lines) + draw.choice(["", "\n"])


def _characters(draw: Random) -> str:
    low, high = draw.choice(_PLANES)
    points = [draw.randint(low, high) for _ in range(draw.randint(1, 5))]
    return "".join(chr(point) for point in points if point and not 0xD800 <= point <= 0xDFFF)


def damaged(content: bytes, draw: Random) -> bytes:
    """The content cut short, with a bit flipped, a byte changed, something added, taken out or put in its place."""
    at = draw.randrange(len(content)) if content else 0
    match draw.choice(["cut", "flip", "flip", "flip", "change", "insert", "remove", "append", "replace"]):
        case "cut":
            return content[:at]
        case "flip" if content:
            return content[:at] + bytes([content[at] ^ 1 << draw.randrange(8)]) + content[at + 1 :]
        case "change" if content:
            return content[:at] + draw.randbytes(1) + content[at + 1 :]
        case "insert":
            return content[:at] + draw.randbytes(draw.randint(1, 8)) + content[at:]
        case "remove":
            return content[:at] + content[at + draw.randint(1, 40) :]
        case "append":
            return content + draw.randbytes(draw.randint(1, 40))
        case _:
            return draw.randbytes(draw.randint(0, 40))


def picture(draw: Random) -> tuple[bytes, bool]:
    """A small picture in one of the six formats, damaged in up to four places; and whether much of it is missing."""
    width, height = draw.randint(8, 48), draw.randint(8, 48)
    noise = np.random.default_rng(draw.getrandbits(32)).integers(0, 256, (height, width, 3), dtype=np.uint8)
    image, data, kind = Image.fromarray(noise), BytesIO(), draw.choice(FORMATS)
    mode = draw.choice(["RGB", "RGB", "L", "P"] if kind != "WEBP" else ["RGB"])
    options = {"progressive": True} if kind == "JPEG" and draw.random() < 0.3 else {}
    (image if mode == "RGB" or (kind, mode) == ("JPEG", "P") else image.convert(mode)).save(data, kind, **options)
    content = data.getvalue()
    if draw.random() < 0.2:
        return content[: draw.randrange(len(content) // 2)], True
    for _ in range(draw.randint(0, 4)):
        content = damaged(content, draw)
    return content, False


def leaves(table: dict[str, Any], prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The keys of all values, those of nested tables included."""
    found = []
    for key, value in table.items():
        found += [(*prefix, key), *(leaves(value, (*prefix, key)) if isinstance(value, dict) else [])]
    return found


def changed(table: dict[str, Any], key: Sequence[str], *value: Any) -> dict[str, Any]:
    """A copy in which `key` has the value, or is missing where none is given."""
    result = copy.deepcopy(table)
    inner = result
    for part in key[:-1]:
        inner = inner.setdefault(part, {})
    inner.pop(key[-1], None)
    inner.update(dict.fromkeys(key[-1:], *map(copy.deepcopy, value)) if value else {})
    return result


def misspelt(key: str, draw: Random) -> str:
    """The key with a letter too many, too few, or another one."""
    at = draw.randrange(len(key))
    return key[:at] + draw.choice(["", "x", key[at] * 2]) + key[at + 1 :] or "x"
