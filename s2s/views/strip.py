"""A photograph and its caption as one picture: the photograph, then again under the light of each word, in rows."""

from __future__ import annotations

from PIL import Image, ImageDraw

from s2s.views.attention_view import AttentionView, Grid, entropy
from s2s.views.fonts import font_for
from s2s.views.light import heat, lit, peak

_PANEL = 320  # pixels of a panel's longer side
_ROW = 5  # panels at most
_GAP, _LABEL, _SIZE = 20, 60, 28
_MOST = 60  # words; the strip of a longer caption ends with "…"
_PAPER, _INK, _QUIET, _RING = (255, 255, 255), (31, 29, 26), (109, 103, 93), (255, 176, 87)
_SPECIAL = {"</s>": "end", "<unk>": "unknown"}


def caption_strip(view: AttentionView, image: Image.Image) -> Image.Image:
    """The strip; `image` is the photograph, upright."""
    [grid] = view.segments
    if not isinstance(grid, Grid) or view.weights is None:
        raise TypeError("a photograph's strip needs weights on a grid")
    photograph = _panel(image)
    panels = [(photograph, "photograph", "")]
    for token, weights in list(zip(view.tokens, view.weights))[:_MOST]:
        panel = lit(photograph, heat(weights, grid, *photograph.size))
        _ring(panel, *peak(weights, grid))
        panels.append((panel, _SPECIAL.get(token) or token.strip() or "_", f"{entropy(weights):.1f} bits"))
    if len(view.tokens) > _MOST:
        panels.append((Image.new("RGB", photograph.size, _PAPER), "…", ""))
    return _sheet(panels)


def shape(panels: int) -> tuple[int, int]:
    """Rows and columns of a strip: the least rows, and these as full as one another."""
    rows = -(-panels // _ROW)
    return rows, -(-panels // rows)


def _panel(image: Image.Image) -> Image.Image:
    """All panels are as large, small photographs too: their labels need the room."""
    scale = _PANEL / max(image.size)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image.resize(size, Image.Resampling.LANCZOS)


def _sheet(panels: list[tuple[Image.Image, str, str]]) -> Image.Image:
    width, height = panels[0][0].size
    rows, columns = shape(len(panels))
    size = _GAP + columns * (width + _GAP), _GAP + rows * (height + _LABEL + _GAP)
    sheet = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(sheet)
    for i, (panel, word, note) in enumerate(panels):
        row, column = divmod(i, columns)
        x, y = _GAP + column * (width + _GAP), _GAP + row * (height + _LABEL + _GAP)
        sheet.paste(panel, (x, y))
        middle, below = x + width / 2, y + height + 6
        draw.text((middle, below), _cut(word, width), _INK if note else _QUIET, font_for(word, _SIZE), anchor="ma")
        draw.text((middle, below + _SIZE + 8), note, _QUIET, font_for(note, _SIZE // 2), anchor="ma")
    return sheet


def _cut(word: str, width: int) -> str:
    font = font_for(word, _SIZE)
    while len(word) > 1 and font.getlength(word) > width:
        word = word[:-2] + "…"
    return word


def _ring(panel: Image.Image, x: float, y: float) -> None:
    """Mark the peak, given as shares of the panel's width and height."""
    place, radius = (x * panel.width, y * panel.height), panel.width / 36
    draw = ImageDraw.Draw(panel)
    draw.circle(place, radius + 1, outline=(0, 0, 0), width=5)
    draw.circle(place, radius, outline=_RING, width=3)
