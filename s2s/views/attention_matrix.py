"""Attention as a matrix: a row for each token of the sentence, a column for each word of the input.

A grid has one column: in each row its photograph, lit by the token's weights, or its plain cells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from PIL import Image, ImageDraw

from s2s.views.attention_view import AttentionView, Grid, Words
from s2s.views.drawing import INK, PAPER, QUIET, cut_to_width, draw_weight
from s2s.views.fonts import font_for
from s2s.views.segment_picture import segment_picture
from s2s.views.token_label import token_label

_LONGEST = 24  # characters of a label; a longer one is cut
_SIDE = 8000  # pixels that the rows or the columns of a long sentence share
_CELL, _THUMBNAIL = 48, 120  # pixels at most: of a word's column, of a photograph's height
_MARGIN, _NARROWEST = 40, 480  # pixels; a title needs the room


def attention_matrix(
    views: Sequence[AttentionView], photographs: Mapping[str, Image.Image] = MappingProxyType({})
) -> Image.Image:
    """The matrices of sentences, one below the other. The matrix of a sentence without weights has no rows.

    Args:
        views: any segments
        photographs: upright, by the path that the view names; a grid whose photograph is missing is drawn as cells
    """
    matrices = [Matrix(view, photographs) for view in views]
    width = max([_NARROWEST, *(matrix.extent[0] for matrix in matrices)])
    height = sum(matrix.extent[1] + _MARGIN for matrix in matrices)
    image = Image.new("RGB", (width + 2 * _MARGIN, height + _MARGIN), PAPER)
    y = _MARGIN
    for matrix in matrices:
        matrix.draw(image, _MARGIN, y, width)
        y += matrix.extent[1] + _MARGIN
    return image


class Matrix:
    """The matrix of one sentence: measured when it is made, and drawn by `draw`.

    Attributes:
        corner: left and top of the cells, in pixels; beside and above them stand the labels and the title
        extent: width and height in pixels; a title that is wider is cut
    """

    def __init__(self, view: AttentionView, photographs: Mapping[str, Image.Image] = MappingProxyType({})) -> None:
        self._view, self._weights = view, view.segment_weights()
        rows = len(view.weights or ())
        words = sum(segment.positions for segment in view.segments if isinstance(segment, Words))
        cell = min(_CELL, max(4, _SIDE // max(1, words, rows)))
        self.size = cell * 6 // 11  # of letters
        self._labels = _labels(view.tokens[:rows])
        thumbnail = min(_THUMBNAIL, max(cell, _SIDE // max(1, rows)))
        self._columns = [
            _GridColumn(segment, photographs, thumbnail, self.size)
            if isinstance(segment, Grid)
            else _WordColumns(segment, cell, self.size)
            for segment in view.segments
        ]
        self._row = max([cell, *(columns.row for columns in self._columns)])
        across = max((_width(label, self.size) for label in self._labels), default=0)
        above = max((columns.above for columns in self._columns), default=0)
        self.corner = across + self.size // 2, 2 * self.size + above
        gaps = self.size * max(0, len(self._columns) - 1)
        width = sum(columns.width for columns in self._columns) + gaps
        self.extent = self.corner[0] + width, self.corner[1] + self._row * rows

    def draw(self, image: Image.Image, x: int, y: int, width: int) -> None:
        """Draw it with its top left corner at (x, y); its title may take `width` pixels."""
        draw = ImageDraw.Draw(image)
        left, top = x + self.corner[0], y + self.corner[1]
        score = "no weights" if self._view.weights is None else f"score {self._view.score:.2f}"
        title = cut_to_width(f"{self._view.name} · {score}", self.size, width)
        draw.text((x, y), title, QUIET, font_for(title, self.size))
        for i, label in enumerate(self._labels):
            place = left - self.size // 2, top + i * self._row + self._row // 2
            draw.text(place, label, INK, font_for(label, self.size), anchor="rm")
        for columns, weights in zip(self._columns, self._weights):
            columns.draw_head(image, left, top)
            for i, row in enumerate(weights):
                columns.draw_row(image, left, top + i * self._row, self._row, row)
            left += columns.width + self.size


class _WordColumns:
    """The columns of a sentence: above them its name and its words, read from below."""

    row = 0  # pixels that a row needs

    def __init__(self, words: Words, cell: int, size: int) -> None:
        self._cell, self._size, self._labels = cell, size, _labels(words.tokens)
        [self._name] = _labels([words.name])
        self.width = max(cell * len(self._labels), _width(self._name, size))
        self.above = max((_width(label, size) + size // 2 for label in self._labels), default=0) + 3 * size // 2

    def draw_head(self, image: Image.Image, left: int, top: int) -> None:
        draw = ImageDraw.Draw(image)
        draw.text((left, top - self.above), self._name, QUIET, font_for(self._name, self._size))
        for j, label in enumerate(self._labels):
            upright = self._upright(label)
            place = left + j * self._cell + (self._cell - upright.width) // 2, top - upright.height
            image.paste(upright, place)

    def draw_row(self, image: Image.Image, left: int, top: int, height: int, weights: Sequence[float]) -> None:
        draw, gap = ImageDraw.Draw(image), 1 + self._cell // 16
        for j, weight in enumerate(weights):
            x = left + j * self._cell
            box = x, top, x + self._cell - gap, top + height - gap
            draw_weight(draw, box, weight, self._cell * 2 // 5)

    def _upright(self, label: str) -> Image.Image:
        strip = Image.new("RGB", (_width(label, self._size) + self._size // 2, self._cell), PAPER)
        place = self._size // 2, strip.height // 2
        ImageDraw.Draw(strip).text(place, label, INK, font_for(label, self._size), anchor="lm")
        return strip.transpose(Image.Transpose.ROTATE_90)


class _GridColumn:
    """The column of a grid: above it its name, in each row the grid under the weights of a token."""

    def __init__(self, grid: Grid, photographs: Mapping[str, Image.Image], height: int, size: int) -> None:
        self._picture = segment_picture(grid, photographs, (2 * height, height))
        self._size, [self._name] = size, _labels([grid.name])
        self.width = max(self._picture.size[0], _width(self._name, size))
        self.row, self.above = self._picture.size[1] + 4, 3 * size // 2

    def draw_head(self, image: Image.Image, left: int, top: int) -> None:
        place = left, top - self.above
        ImageDraw.Draw(image).text(place, self._name, QUIET, font_for(self._name, self._size))

    def draw_row(self, image: Image.Image, left: int, top: int, height: int, weights: Sequence[float]) -> None:
        image.paste(self._picture.draw(weights), (left, top + (height - self._picture.size[1]) // 2))


def _width(label: str, size: int) -> int:
    return round(font_for(label, size).getlength(label))


def _labels(tokens: Sequence[str]) -> list[str]:
    labels = map(token_label, tokens)
    return [label if len(label) <= _LONGEST else label[: _LONGEST - 1] + "…" for label in labels]
