"""A sentence and its attention as a strip of panels: the inputs once as they are, then once for each token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from PIL import Image, ImageDraw

from s2s.views.attention_view import AttentionView, entropy
from s2s.views.drawing import INK, PAPER, QUIET, cut_to_width
from s2s.views.fonts import font_for
from s2s.views.segment_picture import segment_picture
from s2s.views.token_label import token_label

_PANEL, _NARROWEST = 320, 120  # pixels of a panel's longer side; a narrower panel has no room for a word
_ROW = 5  # panels at most
_GAP, _LABEL, _SIZE, _NOTE = 20, 60, 28, 14
_MOST = 60  # tokens; the strip of a longer sentence ends with "…"

_Panel = tuple[Image.Image, str, str]  # the inputs, and what stands below them: a word and a note


def attention_strip(view: AttentionView, photographs: Mapping[str, Image.Image] = MappingProxyType({})) -> Image.Image:
    """The strip of a sentence. Without weights it has one panel, the inputs as they are.

    Args:
        view: any segments. If there are several, they stand one below the other in each panel.
        photographs: upright, by the path that the view names; a grid whose photograph is missing is drawn as cells
    """
    panel = _Segments(view, photographs)
    single = view.segments[0].name if len(view.segments) == 1 else ""
    panels = [(panel.draw(None), single, "")]
    by_segment = view.segment_weights()
    for i, (token, weights) in enumerate(zip(view.tokens, view.weights or ())):
        if i == _MOST:
            panels.append((Image.new("RGB", panel.size, PAPER), "…", ""))
            break
        drawn = panel.draw([segment[i] for segment in by_segment])
        panels.append((drawn, token_label(token), f"{entropy(weights):.1f} bits"))
    return _sheet(panels)


def strip_shape(panels: int) -> tuple[int, int]:
    """Rows and columns of a strip: the fewest rows, and these as full as one another."""
    rows = -(-panels // _ROW)
    return rows, -(-panels // rows)


class _Segments:
    """The segments of a panel, one below the other; each of several has its name and its share of the weight below."""

    def __init__(self, view: AttentionView, photographs: Mapping[str, Image.Image]) -> None:
        self._names = [segment.name for segment in view.segments]
        self._pictures = [segment_picture(segment, photographs, (_PANEL, _PANEL)) for segment in view.segments]
        self._line = 2 * _NOTE if len(self._names) > 1 else 0
        heights = [picture.size[1] + self._line for picture in self._pictures]
        self.size = max([_NARROWEST, *(picture.size[0] for picture in self._pictures)]), max(1, sum(heights))

    def draw(self, weights: Sequence[Sequence[float]] | None) -> Image.Image:
        """The segments under the weights of a token on each of them."""
        panel = Image.new("RGB", self.size, PAPER)
        draw, y = ImageDraw.Draw(panel), 0
        for i, (name, picture) in enumerate(zip(self._names, self._pictures)):
            drawn = picture.draw(None if weights is None else weights[i])
            panel.paste(drawn, ((panel.width - drawn.width) // 2, y))
            y += drawn.height
            if self._line:
                note = name if weights is None else f"{name} {round(100 * sum(weights[i]))} %"
                note = cut_to_width(note, _NOTE, panel.width)
                draw.text((panel.width / 2, y + 4), note, QUIET, font_for(note, _NOTE), anchor="ma")
                y += self._line
        return panel


def _sheet(panels: Sequence[_Panel]) -> Image.Image:
    width, height = panels[0][0].size
    rows, columns = strip_shape(len(panels))
    size = _GAP + columns * (width + _GAP), _GAP + rows * (height + _LABEL + _GAP)
    sheet = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(sheet)
    for i, (panel, word, note) in enumerate(panels):
        row, column = divmod(i, columns)
        x, y = _GAP + column * (width + _GAP), _GAP + row * (height + _LABEL + _GAP)
        sheet.paste(panel, (x, y))
        middle, below = x + width / 2, y + height + 6
        label = cut_to_width(word, _SIZE, width)
        draw.text((middle, below), label, INK if note else QUIET, font_for(label, _SIZE), anchor="ma")
        draw.text((middle, below + _SIZE + 8), note, QUIET, font_for(note, _NOTE), anchor="ma")
    return sheet
