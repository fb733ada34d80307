"""Learning curves: the figures of one run or several against the number of updates, one panel below the other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from s2s.views.drawing import INK, PAPER, QUIET, cut_to_width
from s2s.views.fonts import font_for

_WIDTH, _HEIGHT = 1000, 240  # pixels: of the area of a panel
_LEFT, _RIGHT, _ABOVE, _BELOW, _HEAD = 110, 160, 60, 34, 70
_LETTERS, _SMALL, _POINT = 20, 16, 3
_GRID = (226, 222, 214)
COLOURS = ((196, 72, 8), (44, 95, 160), (30, 122, 88), (130, 70, 160), (150, 120, 20), (190, 50, 110))


@dataclass(frozen=True)
class Curve:
    """One figure of one run.

    Attributes:
        name: of the figure, such as "train loss"
        run: the index of the run, which chooses the colour
        points: (step, value); values that are not finite are left out
        light: whether the line is thin, as that of a training figure beside that of the validation
        marks: points that are not on the line, such as the figures of the mean of checkpoints
    """

    name: str
    run: int
    points: Sequence[tuple[int, float]]
    light: bool = False
    marks: Sequence[tuple[int, float]] = ()


@dataclass(frozen=True)
class Panel:
    """The curves that share an axis.

    Attributes:
        title: of the panel
        curves: at least one point in all
        x: what is on the horizontal axis; panels with the same have the same axis
        logarithmic: whether the vertical axis is; then all values are above 0
    """

    title: str
    curves: Sequence[Curve]
    x: str = "steps"
    logarithmic: bool = False

    @property
    def last_step(self) -> float:
        """The end of the horizontal axis."""
        return max((step for curve in self.curves for step, _ in (*curve.points, *curve.marks)), default=1)


def curves_picture(panels: Sequence[Panel], names: Sequence[str]) -> Image.Image:
    """Draw the panels; `names` are those of the runs."""
    size = _LEFT + _WIDTH + _RIGHT, _HEAD + len(panels) * (_ABOVE + _HEIGHT + _BELOW) + 20
    image = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(image)
    x = 24
    for run, name in enumerate(names):
        label = cut_to_width(name, _LETTERS, (size[0] - 48) // len(names) - 40)
        draw.line((x, 34, x + 22, 34), COLOURS[run % len(COLOURS)], 4)
        draw.text((x + 30, 34), label, INK, font_for(label, _LETTERS), anchor="lm")
        x += 54 + round(font_for(label, _LETTERS).getlength(label))
    if any(curve.marks for panel in panels for curve in panel.curves):
        label = "◇ mean of checkpoints"
        draw.text((size[0] - 24, 62), label, QUIET, font_for(label, _SMALL), anchor="rm")
    for number, panel in enumerate(panels):
        top = _HEAD + number * (_ABOVE + _HEIGHT + _BELOW) + _ABOVE
        last_step = max(each.last_step for each in panels if each.x == panel.x)
        last = all(each.x != panel.x for each in panels[number + 1 :])
        _draw_panel(draw, panel, top, last_step, last=last)
    return image


def _draw_panel(draw: ImageDraw.ImageDraw, panel: Panel, top: int, last_step: float, *, last: bool) -> None:
    height = math.log10 if panel.logarithmic else float
    values = [height(value) for curve in panel.curves for _, value in (*curve.points, *curve.marks)]
    ticks = _powers(min(values), max(values)) if panel.logarithmic else nice_ticks(min(values), max(values))
    low, high = min(ticks[0], *values), max(ticks[-1], *values)

    def place(step: float, value: float) -> tuple[float, float]:
        return place_height(step, height(value))

    def place_height(step: float, value: float) -> tuple[float, float]:
        share = (value - low) / (high - low) if high > low else 0.5
        return _LEFT + step / max(1, last_step) * _WIDTH, top + (1 - share) * _HEIGHT

    draw.text((24, top - 38), panel.title, INK, font_for(panel.title, _LETTERS))
    for tick in ticks:
        y = place_height(0, tick)[1]
        draw.line((_LEFT, y, _LEFT + _WIDTH, y), _GRID)
        draw.text((_LEFT - 10, y), f"{10.0**tick if panel.logarithmic else tick:g}", QUIET, font_for("0", _SMALL), "rm")
    for tick in nice_ticks(0, last_step):
        x = place_height(tick, low)[0]
        if tick <= last_step:
            draw.line((x, top + _HEIGHT, x, top + _HEIGHT + 5), QUIET)
            label = f"{tick:,.0f}" + (f" {panel.x}" if last and tick == 0 else "")
            draw.text((x, top + _HEIGHT + 9), label, QUIET, font_for(label, _SMALL), anchor="ma")
    draw.line((_LEFT, top + _HEIGHT, _LEFT + _WIDTH, top + _HEIGHT), QUIET)
    for curve in panel.curves:
        _draw_curve(draw, curve, [place(*point) for point in curve.points], [place(*point) for point in curve.marks])
    named = len({curve.name for curve in panel.curves}) > 1
    ended = sorted(
        ((place(*curve.points[-1])[1], curve) for curve in panel.curves if curve.points), key=lambda each: each[0]
    )
    heights = spread([y for y, _ in ended], _SMALL + 3, top, top + _HEIGHT)
    for y, (_, curve) in zip(heights, ended):
        text = f"{curve.points[-1][1]:.4g} {curve.name if named else ''}"
        text = cut_to_width(text, _SMALL, _RIGHT - 16)
        draw.text((_LEFT + _WIDTH + 12, y), text, _colour(curve), font_for(text, _SMALL), anchor="lm")


def _draw_curve(
    draw: ImageDraw.ImageDraw,
    curve: Curve,
    points: Sequence[tuple[float, float]],
    marks: Sequence[tuple[float, float]],
) -> None:
    colour = _colour(curve)
    if len(points) > 1:
        draw.line(list(points), colour, 2 if curve.light else 3, joint="curve")
    if len(points) <= 60:
        for x, y in points:
            draw.ellipse((x - _POINT, y - _POINT, x + _POINT, y + _POINT), colour)
    for x, y in marks:
        draw.polygon([(x, y - 7), (x + 7, y), (x, y + 7), (x - 7, y)], PAPER, colour, 2)


def _colour(curve: Curve) -> tuple[int, int, int]:
    """The colour of its run; halfway to the paper for a light curve."""
    red, green, blue = COLOURS[curve.run % len(COLOURS)]
    if not curve.light:
        return red, green, blue
    return (red + 160) // 2, (green + 160) // 2, (blue + 160) // 2


def spread(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move ascending places apart to at least a gap, as little as may be, from `low` to `high` if there is room."""
    found = list(places)
    for i in range(1, len(found)):
        found[i] = max(found[i], found[i - 1] + gap)
    limit = high
    for i in reversed(range(len(found))):
        found[i] = min(found[i], limit)
        limit = found[i] - gap
    return [max(place, low + i * gap) for i, place in enumerate(found)]


def _powers(low: float, high: float, most: int = 8) -> list[float]:
    """The exponents of powers of ten, evenly spaced, that begin at or below `low` and end at or above `high`."""
    first, last = math.floor(low), max(math.ceil(high), math.floor(low) + 1)
    step = -(-(last - first) // most)
    return [float(exponent) for exponent in range(first, last + step, step)]


def nice_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers, evenly spaced, that begin at or below `low` and end at or above `high`."""
    if not high > low:
        low, high = (low - abs(low) / 10 or -1.0, high + abs(high) / 10 or 1.0)
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    step = next(factor * power for factor in (1, 2, 5, 10, 20) if (high - low) / (factor * power) <= most)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]
