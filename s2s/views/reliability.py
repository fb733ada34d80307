"""Reliability picture: the share of acceptable outputs against their confidence, and how many outputs there are.

Perfectly calibrated outputs lie on the diagonal: of those with a confidence of 0.8, 80 % are acceptable.
"""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw

from s2s.views.drawing import INK, PAPER, QUIET, cut_to_width
from s2s.views.fonts import font_for

_SIDE, _COUNTS = 480, 120  # pixels: of the square, and height of the bars below it
_LEFT, _TOP, _RIGHT, _GAP, _BOTTOM = 90, 130, 40, 60, 70
_LETTERS, _SMALL, _POINT = 20, 15, 7
_GRID, _BAR, _MARK = (226, 222, 214), (232, 204, 184), (196, 72, 8)

Rows = Sequence[tuple[int, float, float]]  # (outputs, mean confidence, share that is acceptable) of a range each


def reliability_picture(bins: Rows, title: str, note: str, threshold: float, spoiled: Rows = ()) -> Image.Image:
    """Draw the reliability of confidences.

    Args:
        bins: outputs in ranges of confidence, see `s2s.decoding.calibrating.reliability`
        title: of the picture
        note: the lines below the title, at most two
        threshold: outputs with a confidence below it are called doubtful; a line stands there
        spoiled: the same of outputs for spoiled inputs, which are drawn as rings
    """
    size = _LEFT + _SIDE + _RIGHT, _TOP + _SIDE + _GAP + _COUNTS + _BOTTOM
    image = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(image)
    lines = [
        (14, title, _LETTERS, INK),
        *((44 + 20 * i, line, _SMALL, QUIET) for i, line in enumerate(note.split("\n"))),
    ]
    for y, text, letters, ink in lines:
        text = cut_to_width(text, letters, size[0] - 40)
        draw.text((20, y), text, ink, font_for(text, letters))
    _draw_axes(draw, threshold)
    bottom = _TOP + _SIDE + _GAP + _COUNTS
    most = max((outputs for outputs, _, _ in bins), default=1)
    for _, confidence, acceptable in spoiled:
        x, y = _x(confidence), _y(acceptable)
        draw.ellipse((x - _POINT, y - _POINT, x + _POINT, y + _POINT), None, _MARK, 2)
    for outputs, confidence, acceptable in bins:
        x, y, on_diagonal = _x(confidence), _y(acceptable), _y(confidence)
        draw.line((x, on_diagonal, x, y), _MARK, 2)
        draw.ellipse((x - _POINT, y - _POINT, x + _POINT, y + _POINT), _MARK)
        top = bottom - max(2, round(outputs / most * (_COUNTS - 20)))
        draw.rectangle((x - 14, top, x + 14, bottom), _BAR)
        draw.text((x, top - 4), f"{outputs:,}", QUIET, font_for("0", _SMALL), anchor="mb")
    draw.line((_LEFT, bottom, _LEFT + _SIDE, bottom), QUIET)
    label = "confidence, and number of outputs"
    draw.text((_LEFT + _SIDE / 2, bottom + 34), label, INK, font_for(label, _SMALL), anchor="ma")
    return image


def _draw_axes(draw: ImageDraw.ImageDraw, threshold: float) -> None:
    font = font_for("0", _SMALL)
    for tenth in range(0, 11, 2):
        share = tenth / 10
        draw.line((_x(0), _y(share), _x(1), _y(share)), _GRID)
        draw.line((_x(share), _y(0), _x(share), _y(1)), _GRID)
        draw.text((_LEFT - 10, _y(share)), f"{tenth * 10} %", QUIET, font, anchor="rm")
        draw.text((_x(share), _y(0) + 10), f"{share:.1f}", QUIET, font, anchor="ma")
    draw.line((_x(0), _y(0), _x(1), _y(1)), QUIET, 2)
    draw.line((_x(threshold), _y(0), _x(threshold), _y(1)), _MARK)
    label = "doubtful"
    draw.text((_x(threshold) - 6, _y(1) + 6), label, _MARK, font_for(label, _SMALL), anchor="ra")
    label = "acceptable"
    draw.text((20, _TOP - 32), label, INK, font_for(label, _SMALL))


def _x(confidence: float) -> float:
    return _LEFT + confidence * _SIDE


def _y(share: float) -> float:
    return _TOP + (1 - share) * _SIDE
