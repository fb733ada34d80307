"""Draw pictures that are no photographs: charts, pages, screens, icons and sketches.

`python -m tests.benchmarks.odd_pictures FOLDER` writes 20 of each kind. They share no code with captioning/spoiling.py,
so that a calibration that was fitted on spoiled photographs can be judged by them.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from s2s.views.fonts import font_for

EACH = 20
_WORDS = [
    *("report", "annual", "the", "of", "system", "user", "password", "revenue", "growth", "quarter", "model", "data"),
    *("chapter", "introduction", "we", "observe", "that", "results", "figure", "table", "value", "error", "file"),
    *("save", "close", "settings", "profile", "message", "inbox", "calendar", "meeting", "project", "budget", "server"),
    *("client", "return", "import", "function", "class", "print", "loop", "index", "market", "share", "sales", "cost"),
]
_INK, _WHITE = (30, 30, 30), (255, 255, 255)
Colour = tuple[int, int, int]


class Sheet:
    """A picture to draw on, of a random size, and the random numbers of everything on it."""

    def __init__(self, random: Random, paper: Colour | None = None) -> None:
        self.random = random
        self.width, self.height = random.randint(500, 1300), random.randint(400, 950)
        self.paper = paper or random.choice((_WHITE, (250, 250, 245), self.colour(180)))
        self.image = Image.new("RGB", (self.width, self.height), self.paper)
        self.draw = ImageDraw.Draw(self.image)

    def colour(self, low: int = 0, high: int = 255) -> Colour:
        """A random one, of channels in this range."""
        return self.random.randint(low, high), self.random.randint(low, high), self.random.randint(low, high)

    def words(self, count: int) -> str:
        """So many words."""
        return " ".join(self.random.choice(_WORDS) for _ in range(count))

    def write(self, x: float, y: float, text: str, size: float, ink: Colour = _INK) -> None:
        """Write a line."""
        font: ImageFont.FreeTypeFont = font_for(text, max(8, round(size)))
        self.draw.text((x, y), text, ink, font)

    def axes(self) -> tuple[float, float, float, float]:
        """Draw a title and two axes; return left, top, width and height of the chart."""
        left, top, width, height = self.width * 0.1, self.height * 0.12, self.width * 0.84, self.height * 0.74
        self.write(self.width * 0.3, self.height * 0.02, self.words(4).title(), self.height * 0.045)
        for tick in range(6):
            y = top + height * (1 - tick / 5)
            self.draw.line((left, y, left + width, y), (210, 210, 210))
            self.write(self.width * 0.03, y - 8, str(tick * 20), self.height * 0.03)
        self.draw.line((left, top, left, top + height, left + width, top + height), _INK, 2)
        return left, top, width, height


def bars(sheet: Sheet) -> None:
    """A bar chart."""
    left, top, width, height = sheet.axes()
    count, colour = sheet.random.randint(4, 14), sheet.colour(20, 220)
    for number in range(count):
        x, share = left + width * (number + 0.2) / count, sheet.random.random()
        sheet.draw.rectangle((x, top + height * (1 - share), x + width * 0.6 / count, top + height), colour)
        sheet.write(x, top + height + 8, sheet.words(1), sheet.height * 0.022)


def curves(sheet: Sheet) -> None:
    """A line chart."""
    left, top, width, height = sheet.axes()
    for _ in range(sheet.random.randint(1, 6)):
        level, points = sheet.random.uniform(0.2, 0.8), list[tuple[float, float]]()
        for step in range(60):
            level = min(1.0, max(0.0, level + sheet.random.gauss(0, 0.03)))
            points.append((left + width * step / 59, top + height * level))
        sheet.draw.line(points, sheet.colour(40), sheet.random.randint(2, 5))


def pie(sheet: Sheet) -> None:
    """A pie chart with its legend."""
    radius, x, y, start = min(sheet.width, sheet.height) * 0.36, sheet.width * 0.42, sheet.height / 2, 0.0
    while start < 360:
        end = min(360.0, start + sheet.random.uniform(15, 110))
        sheet.draw.pieslice((x - radius, y - radius, x + radius, y + radius), start, end, sheet.colour(60), _WHITE, 3)
        sheet.write(sheet.width * 0.8, sheet.height * (0.1 + start / 450), sheet.words(2), sheet.height * 0.03)
        start = end


def points(sheet: Sheet) -> None:
    """A scatter plot."""
    left, top, width, height = sheet.axes()
    for _ in range(sheet.random.randint(1, 4)):
        colour, x, y = sheet.colour(20, 230), sheet.random.uniform(0.2, 0.8), sheet.random.uniform(0.2, 0.8)
        for _ in range(80):
            right, down = left + width * sheet.random.gauss(x, 0.08), top + height * sheet.random.gauss(y, 0.08)
            sheet.draw.ellipse((right - 5, down - 5, right + 5, down + 5), colour)


def page(sheet: Sheet) -> None:
    """A page of text."""
    size, y = sheet.random.choice((12, 14, 16, 20)), sheet.height * 0.06
    sheet.write(sheet.width * 0.09, y, sheet.words(5).title(), size * 1.9)
    for line in range(int(sheet.height * 0.8 / size / 1.45)):
        count = int(sheet.width * 0.8 / size / 3.2)
        text = sheet.words(count if sheet.random.random() < 0.9 else count // 3)
        sheet.write(sheet.width * 0.09, y + size * (3 + 1.45 * line), text, size)


def code(sheet: Sheet) -> None:
    """A program in an editor, or a terminal, light on dark."""
    sheet.draw.rectangle(
        (0, 0, sheet.width, sheet.height), sheet.random.choice(((30, 30, 30), (0, 0, 0), (48, 10, 36)))
    )
    inks, indent = [sheet.colour(130) for _ in range(4)], 0
    for y in range(10, sheet.height, 22):
        x = 20.0 + 30 * indent
        for _ in range(sheet.random.randint(0, 7)):
            word = sheet.words(1)
            sheet.write(x, y, word, 15, sheet.random.choice(inks))
            x += 9.0 * (len(word) + 1)
        indent = max(0, min(4, indent + sheet.random.choice((-1, 0, 0, 1))))


def windows(sheet: Sheet) -> None:
    """Overlapping windows with buttons and fields, and a bar of icons."""
    sheet.draw.rectangle((0, 0, sheet.width, sheet.height), sheet.colour(20, 220))
    for _ in range(sheet.random.randint(1, 3)):
        x, y = sheet.random.uniform(0, sheet.width * 0.4), sheet.random.uniform(0, sheet.height * 0.4)
        width, height = sheet.width * 0.5, sheet.height * 0.45
        sheet.draw.rectangle((x, y, x + width, y + height), (243, 243, 243), (90, 90, 90))
        sheet.draw.rectangle((x, y, x + width, y + 28), sheet.colour(40, 200))
        sheet.write(x + 10, y + 6, sheet.words(2).title(), 14, _WHITE)
        for row in range(int(height / 36) - 1):
            down = y + 40 + 36 * row
            if sheet.random.random() < 0.6:
                sheet.write(x + 16, down, sheet.words(4), 13)
            else:
                sheet.draw.rounded_rectangle((x + 16, down, x + 130, down + 26), 5, sheet.colour(80))
    for icon in range(8):
        left = 10 + 44 * icon
        box = (left, sheet.height - 38, left + 32, sheet.height - 6)
        sheet.draw.rounded_rectangle(box, 6, sheet.colour(60))


def table(sheet: Sheet) -> None:
    """A table of numbers and words."""
    sheet.draw.rectangle((0, 0, sheet.width, 40), (33, 115, 70))
    step = sheet.random.randint(70, 120)
    for y in range(40, sheet.height, 22):
        sheet.draw.line((0, y, sheet.width, y), (212, 212, 212))
        for x in range(0, sheet.width, step):
            sheet.write(x + 6, y + 4, sheet.random.choice((f"{sheet.random.random() * 1000:.2f}", sheet.words(1))), 12)
    for x in range(0, sheet.width, step):
        sheet.draw.line((x, 40, x, sheet.height), (212, 212, 212))


def icon(sheet: Sheet) -> None:
    """One large sign: a star, a magnifying glass, a sun or a face."""
    x, y, size, kind = (
        sheet.width / 2,
        sheet.height / 2,
        min(sheet.width, sheet.height) * 0.4,
        sheet.random.randrange(4),
    )
    turns = [number * math.pi / 5 for number in range(10)]
    ink, line = sheet.colour(0, 200), round(size / 8)
    if kind == 0:
        lengths = [size if number % 2 == 0 else size * 0.42 for number in range(10)]
        star = [(x + length * math.sin(turn), y - length * math.cos(turn)) for turn, length in zip(turns, lengths)]
        sheet.draw.polygon(star, ink)
    elif kind == 1:
        sheet.draw.ellipse((x - size, y - size, x + size * 0.3, y + size * 0.3), None, ink, line)
        sheet.draw.line((x + size * 0.15, y + size * 0.15, x + size, y + size), ink, line * 2)
    else:
        for turn in turns if kind == 2 else ():
            sheet.draw.line((x, y, x + size * math.cos(turn), y + size * math.sin(turn)), ink, line)
        half = size * (0.6 if kind == 2 else 1)
        sheet.draw.ellipse((x - half, y - half, x + half, y + half), (255, 205, 60), ink, line // 2)
        for side in (-0.35, 0.35) if kind == 3 else ():
            sheet.draw.ellipse(
                (x + size * side - 12, y - size * 0.3 - 12, x + size * side + 12, y - size * 0.3 + 12), _INK
            )


def child(sheet: Sheet) -> None:
    """A child's drawing: a house, the sun and people of strokes."""
    ground, line = sheet.height * 0.75, sheet.random.randint(2, 6)
    sheet.draw.line((0, ground, sheet.width, ground), (40, 150, 40), line)
    x, size = sheet.width * sheet.random.uniform(0.05, 0.3), sheet.height * 0.3
    sheet.draw.rectangle((x, ground - size, x + size, ground), None, sheet.colour(0, 180), line)
    sheet.draw.line((x, ground - size, x + size / 2, ground - size * 1.6, x + size, ground - size), _INK, line)
    sheet.draw.ellipse((sheet.width * 0.8, 20, sheet.width * 0.8 + 90, 110), (255, 230, 0), (240, 180, 0), line)
    for _ in range(sheet.random.randint(1, 4)):
        x, tall, ink = sheet.width * sheet.random.uniform(0.45, 0.95), sheet.height * 0.22, sheet.colour(0, 180)
        head, hip = tall * 0.15, ground - tall * 0.35
        sheet.draw.ellipse((x - head, ground - tall, x + head, ground - tall + 2 * head), None, ink, line)
        sheet.draw.line((x, ground - tall + 2 * head, x, hip), ink, line)
        sheet.draw.line((x - tall * 0.2, ground, x, hip, x + tall * 0.2, ground), ink, line)
        sheet.draw.line((x - tall * 0.25, ground - tall * 0.6, x + tall * 0.25, ground - tall * 0.6), ink, line)


def sketch(sheet: Sheet) -> None:
    """Curved strokes of a pencil."""
    for _ in range(sheet.random.randint(5, 40)):
        x, y, turn = sheet.random.uniform(0, sheet.width), sheet.random.uniform(0, sheet.height), 0.0
        path, bend = list[tuple[float, float]](), sheet.random.gauss(0, 0.12)
        for _ in range(sheet.random.randint(20, 90)):
            path.append((x, y))
            turn += bend + sheet.random.gauss(0, 0.08)
            x, y = x + 6 * math.cos(turn), y + 6 * math.sin(turn)
        sheet.draw.line(path, (60, 60, 70), sheet.random.randint(1, 4))


def city_map(sheet: Sheet) -> None:
    """A map of streets with their names."""
    sheet.draw.rectangle((0, 0, sheet.width, sheet.height), (242, 239, 233))
    for _ in range(25):
        ink, line = sheet.random.choice(((_WHITE, 6), ((249, 178, 156), 9), ((170, 211, 223), 14)))
        start, end = sheet.random.random(), sheet.random.random()
        across = (0, sheet.height * start, sheet.width, sheet.height * end)
        down = (sheet.width * start, 0, sheet.width * (start + 0.1 * end), sheet.height)
        sheet.draw.line(sheet.random.choice((across, down)), ink, line)
    for _ in range(14):
        x, y = sheet.random.uniform(0, sheet.width), sheet.random.uniform(0, sheet.height)
        sheet.write(x, y, sheet.words(1).title(), 12, (80, 80, 80))


KINDS: tuple[Callable[[Sheet], None], ...] = (
    bars,
    curves,
    pie,
    points,
    page,
    code,
    windows,
    table,
    icon,
    child,
    sketch,
    city_map,
)


def picture(kind: Callable[[Sheet], None], number: int) -> Image.Image:
    """The picture of a kind with this number; every third one is a little blurred."""
    sheet = Sheet(Random(f"{kind.__name__} {number}"))
    kind(sheet)
    return sheet.image.filter(ImageFilter.GaussianBlur(0.8)) if number % 3 == 0 else sheet.image


def main() -> None:
    """Write all pictures into the folder that the argument names."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for kind in KINDS:
        for number in range(EACH):
            picture(kind, number).save(folder / f"{kind.__name__}-{number:02}.{'jpg' if number % 2 else 'png'}")


if __name__ == "__main__":
    main()
