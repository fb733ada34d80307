"""Words against words as a picture: a matrix for each sentence, what was written downwards, what was read across."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from PIL import Image, ImageDraw

from s2s.views.attention_view import AttentionView, Words
from s2s.views.fonts import font_for

_PAPER, _CELL, _INK, _QUIET, _HEAT = (255, 255, 255), (244, 242, 238), (31, 29, 26), (109, 103, 93), (196, 72, 8)
_SPECIAL = {"</s>": "end", "<s>": "start", "<unk>": "unknown", "<pad>": "padding"}
_LONGEST = 24  # characters of a label; a longer one is cut
_SIDE = 8000  # pixels that the cells of a long sentence share


class Matrix:
    """The matrix of one sentence, measured; `draw` puts it on a picture.

    Args:
        view: with weights, and one segment, which is `Words`
    """

    def __init__(self, view: AttentionView) -> None:
        [source] = view.segments
        if not isinstance(source, Words) or view.weights is None:
            raise TypeError("a matrix needs words and weights: a grid is drawn on its photograph")
        self.view, self.weights = view, view.weights
        self.columns, self.rows = _labels(source.tokens), _labels(view.tokens)
        self.cell = min(48, max(4, _SIDE // max(1, len(self.columns), len(self.rows))))
        self.size = self.cell * 6 // 11  # of letters

    @cached_property
    def corner(self) -> tuple[int, int]:
        """Left and top of the cells: the longest labels, and the title."""
        across = max((self._width(label) for label in self.rows), default=0)
        upwards = max((self._width(label) for label in self.columns), default=0)
        return across + self.size // 2, upwards + 3 * self.size

    @property
    def extent(self) -> tuple[int, int]:
        """Width and height in pixels. A title that is wider is cut."""
        left, top = self.corner
        return left + self.cell * len(self.columns), top + self.cell * len(self.rows)

    def draw(self, image: Image.Image, x: int, y: int, width: int) -> None:
        """Draw it with its top left corner at (x, y); its title may take `width` pixels."""
        draw = ImageDraw.Draw(image)
        left, top = x + self.corner[0], y + self.corner[1]
        self._title(draw, x, y, width)
        for i, label in enumerate(self.rows):
            place = left - self.size // 2, top + i * self.cell + self.cell // 2
            draw.text(place, label, _INK, font_for(label, self.size), anchor="rm")
        for j, label in enumerate(self.columns):
            strip = self._upright(label)
            image.paste(strip, (left + j * self.cell + (self.cell - strip.width) // 2, top - strip.height))
        for i, row in enumerate(self.weights):
            for j, weight in enumerate(row):
                self._square(draw, left + j * self.cell, top + i * self.cell, weight)

    def _title(self, draw: ImageDraw.ImageDraw, x: int, y: int, width: int) -> None:
        title = f"{self.view.name} · score {self.view.score:.2f}"
        font = font_for(title, self.size)
        while len(title) > 1 and font.getlength(title) > width:
            title = title[:-2] + "…"
        draw.text((x, y), title, _QUIET, font)

    def _upright(self, label: str) -> Image.Image:
        """The label of a column, read from below."""
        strip = Image.new("RGB", (self._width(label) + self.size // 2, self.cell), _PAPER)
        place = self.size // 2, strip.height // 2
        ImageDraw.Draw(strip).text(place, label, _INK, font_for(label, self.size), anchor="lm")
        return strip.transpose(Image.Transpose.ROTATE_90)

    def _square(self, draw: ImageDraw.ImageDraw, x: int, y: int, weight: float) -> None:
        strength = min(1.0, weight) ** 0.7  # as on the page: a tenth should not look like nothing
        colour = tuple(round(cell + strength * (heat - cell)) for cell, heat in zip(_CELL, _HEAT))
        side = self.cell - 1 - self.cell // 16
        draw.rectangle((x, y, x + side, y + side), colour)
        if weight >= 0.05:
            number, font = str(round(100 * weight)), font_for("0", self.cell * 2 // 5)
            ink = _PAPER if strength > 0.75 else _INK
            draw.text((x + side / 2, y + side / 2), number, ink, font, anchor="mm")

    def _width(self, label: str) -> int:
        return round(font_for(label, self.size).getlength(label))


def matrix_picture(views: Sequence[AttentionView]) -> Image.Image:
    """The matrices of sentences, one below the other."""
    matrices = [Matrix(view) for view in views]
    margin = 40
    width = max((matrix.extent[0] for matrix in matrices), default=0)
    height = sum(matrix.extent[1] + margin for matrix in matrices)
    width = max(width, 480)  # room for a title
    image = Image.new("RGB", (width + 2 * margin, height + margin), _PAPER)
    y = margin
    for matrix in matrices:
        matrix.draw(image, margin, y, width)
        y += matrix.extent[1] + margin
    return image


def _labels(tokens: Sequence[str]) -> list[str]:
    labels = [_SPECIAL.get(token) or token.strip() or "_" for token in tokens]
    return [label if len(label) <= _LONGEST else label[: _LONGEST - 1] + "…" for label in labels]
