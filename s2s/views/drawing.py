"""What the pictures of attention share: their colours, and text that fits its place."""

from __future__ import annotations

from PIL import ImageDraw

from s2s.views.fonts import font_for
from s2s.views.light import strength

PAPER, INK, QUIET, RING = (255, 255, 255), (31, 29, 26), (109, 103, 93), (255, 176, 87)
_CELL, _HEAT = (244, 242, 238), (196, 72, 8)  # weights of 0 and 1


def weight_colour(weight: float) -> tuple[int, int, int]:
    """The colour behind a word or a cell of this weight."""
    red, green, blue = (round(cell + strength(weight) * (heat - cell)) for cell, heat in zip(_CELL, _HEAT))
    return red, green, blue


def ink_on(weight: float) -> tuple[int, int, int]:
    """The colour of text on `weight_colour(weight)`."""
    return PAPER if strength(weight) > 0.75 else INK


def draw_weight(draw: ImageDraw.ImageDraw, box: tuple[float, float, float, float], weight: float, size: int) -> None:
    """Fill a box (left, top, right, bottom) with the colour of a weight; a weight from 5 % on is written into it."""
    draw.rectangle(box, weight_colour(weight))
    if weight >= 0.05 and size:
        left, top, right, bottom = box
        middle = (left + right) / 2, (top + bottom) / 2
        draw.text(middle, str(round(100 * weight)), ink_on(weight), font_for("0", size), anchor="mm")


def cut_to_width(text: str, size: int, width: float) -> str:
    """The text, shortened with an ellipsis if it is wider than `width` pixels in letters of `size` pixels."""
    font = font_for(text, size)
    while len(text) > 1 and font.getlength(text) > width:
        text = text[:-2] + "…"
    return text
