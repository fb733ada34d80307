"""Confusion picture: how often each label was taken for each other one, as a matrix."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw

from s2s.views.drawing import INK, PAPER, QUIET, cut_to_width, ink_on, weight_colour
from s2s.views.fonts import font_for

_CELL, _SMALLEST, _SIDE = 64, 12, 1600  # pixels: of a cell at most and at least, and of all cells together
_EDGE, _LABEL, _TITLE, _SMALL, _READABLE = 24, 220, 20, 15, 28  # a cell of fewer pixels shows no number


def confusion_picture(counts: Sequence[Sequence[int]], labels: Sequence[str], title: str) -> Image.Image:
    """Draw a confusion matrix.

    Each row has the colours of its shares, so that rare labels can be read like frequent ones.

    Args:
        counts: (labels, labels): how often the label of the row was taken for that of the column
        labels: of rows and columns
        title: of the picture
    """
    cell = max(_SMALLEST, min(_CELL, _SIDE // max(1, len(labels))))
    letters = min(_SMALL, max(8, cell - 2))
    shown = [cut_to_width(label, letters, _LABEL) for label in labels]
    room = max(round(font_for(label, letters).getlength(label)) for label in shown) + 16
    left, top = _EDGE + _TITLE + room, 3 * _EDGE + _TITLE + room
    side = cell * len(labels)
    image = Image.new("RGB", (max(left + side, 420) + _EDGE, top + side + _EDGE), PAPER)
    draw = ImageDraw.Draw(image)
    heading = cut_to_width(title, _TITLE, image.width - 2 * _EDGE)
    draw.text((_EDGE, _EDGE), heading, INK, font_for(heading, _TITLE))
    draw.text((left, 2 * _EDGE + _TITLE - 8), "predicted", QUIET, font_for("predicted", _SMALL))
    _upright(image, "true", (_EDGE, top), QUIET, _SMALL)
    for i, (label, row) in enumerate(zip(shown, counts)):
        middle = top + i * cell + cell / 2
        draw.text((left - 8, middle), label, INK, font_for(label, letters), anchor="rm")
        strip = left + i * cell + (cell - letters - 6) // 2
        _upright(image, label, (strip, top - 8), INK, letters, above=True)
        for j, count in enumerate(row):
            share, x = count / max(1, sum(row)), left + j * cell
            draw.rectangle((x, top + i * cell, x + cell - 2, top + i * cell + cell - 2), weight_colour(share))
            if count and cell >= _READABLE:
                text = cut_to_width(str(count), letters, cell - 4)
                draw.text((x + cell / 2, middle), text, ink_on(share), font_for(text, letters), anchor="mm")
    return image


def _upright(
    image: Image.Image,
    text: str,
    place: tuple[int, int],
    colour: tuple[int, int, int],
    size: int,
    *,
    above: bool = False,
) -> None:
    """Write from below to above; `place` is the left upper corner, or with `above` the left lower one."""
    font = font_for(text, size)
    strip = Image.new("RGB", (round(font.getlength(text)) + 4, size + 6), PAPER)
    ImageDraw.Draw(strip).text((2, strip.height / 2), text, colour, font, anchor="lm")
    turned = strip.transpose(Image.Transpose.ROTATE_90)
    image.paste(turned, (place[0], place[1] - (turned.height if above else 0)))
