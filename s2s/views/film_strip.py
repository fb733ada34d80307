"""A film as one picture: its frames in rows, each with its label and the probability of it below."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

from s2s.views.drawing import INK, PAPER, QUIET, cut_to_width
from s2s.views.fonts import font_for
from s2s.vision.images import read_image

MOST = 120  # frames; the rest of a longer film is not drawn
_COLUMNS, _SIDE, _GAP = 10, 96, 8  # frames of a row, pixels of a frame's longer side
_BAND, _LABEL, _NOTE = 5, 15, 12
_EDGE = (214, 209, 200)  # around a frame, which may be as white as the paper
# Colours of labels that people with any colour vision tell apart (Okabe & Ito, 2008); then they begin again.
_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#999999")


def film_strip(frames: Sequence[tuple[Path, str, float]]) -> Image.Image:
    """Draw the first frames of a film.

    Args:
        frames: of each its picture, its label, and the probability of the label; at least one
    """
    labels = sorted({label for _, label, _ in frames})
    colours = {label: _COLOURS[i % len(_COLOURS)] for i, label in enumerate(labels)}
    shown = list(islice(frames, MOST))
    columns = min(_COLUMNS, len(shown))
    width, height = _SIDE + _GAP, _SIDE + _BAND + _LABEL + _NOTE + 3 * _GAP
    rows = -(-len(shown) // columns)
    sheet = Image.new("RGB", (_GAP + columns * width, _GAP + rows * height), PAPER)
    draw = ImageDraw.Draw(sheet)
    for number, (path, label, probability) in enumerate(shown):
        row, column = divmod(number, columns)
        x, y = _GAP + column * width, _GAP + row * height
        picture = ImageOps.contain(read_image(path), (_SIDE, _SIDE))
        left, top = x + (_SIDE - picture.width) // 2, y + (_SIDE - picture.height) // 2
        sheet.paste(picture, (left, top))
        draw.rectangle((left, top, left + picture.width - 1, top + picture.height - 1), outline=_EDGE)
        draw.rectangle((x, y + _SIDE + 2, x + _SIDE - 1, y + _SIDE + 2 + _BAND), colours[label])
        middle, below = x + _SIDE / 2, y + _SIDE + _BAND + 6
        text, note = cut_to_width(label, _LABEL, _SIDE), f"{100 * probability:.0f} %"
        draw.text((middle, below), text, INK, font_for(text, _LABEL), anchor="ma")
        draw.text((middle, below + _LABEL + 4), note, QUIET, font_for(note, _NOTE), anchor="ma")
    return sheet
