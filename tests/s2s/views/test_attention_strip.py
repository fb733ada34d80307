"""The strip: a panel for the inputs and one for each token, in which every segment is drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from s2s.views.attention_strip import attention_strip, strip_shape
from s2s.views.attention_view import AttentionView, Grid, Photograph, Words
from s2s.views.segment_picture import segment_picture

GRID = Grid("photograph", 1, 2, Photograph("b.jpg", 60, 40, (0, 0, 60, 40)))
PHOTOGRAPHS = {"b.jpg": Image.new("RGB", (60, 40), (200, 40, 40))}
PICTURE = AttentionView("b.jpg", (GRID,), ("a", "dog", "</s>"), ((0.9, 0.1), (0.0, 1.0), (0.5, 0.5)), "a dog", -1.0)
BOTH = AttentionView(
    "question 1",
    (Words("question", ("what", " is", " it")), GRID),
    ("a", "dog"),
    ((0.0, 0.5, 0.5, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0, 1.0)),
    "a dog",
    -1.0,
)


def test_the_strip_has_a_panel_for_the_photograph_and_each_word() -> None:
    assert [strip_shape(panels) for panels in (1, 5, 6, 11, 12)] == [(1, 1), (1, 5), (2, 3), (3, 4), (3, 4)]
    strip = attention_strip(PICTURE, PHOTOGRAPHS)
    panel_width, panel_height = 320, 213
    assert strip.size == (20 + 4 * (panel_width + 20), 20 + panel_height + 60 + 20)
    assert strip.getpixel((25, 25)) == (200, 40, 40)
    tokens = ("word",) * 500
    long = attention_strip(replace(PICTURE, tokens=tokens, weights=((0.5, 0.5),) * 500), PHOTOGRAPHS)
    assert long.height < 20 + 13 * (panel_height + 60 + 20) + 1


def test_every_segment_stands_in_every_panel() -> None:
    """One line of words and its name, then the photograph and its name."""
    strip = attention_strip(BOTH, PHOTOGRAPHS)
    height = 30 + 28 + 213 + 28
    assert strip.size == (20 + 3 * 340, 20 + height + 60 + 20)
    pixels = np.asarray(strip).astype(int)
    plain, words, photograph = (pixels[20 : 20 + height, 20 + i * 340 : 340 + i * 340] for i in range(3))
    shaded = [np.abs(panel[3, 30:110] - 255).sum() for panel in (plain, words, photograph)]  # above "is" and "it"
    assert shaded[0] == 0
    assert shaded[1] > 4 * shaded[2] > 0
    reds = [panel[58 + 60, 40:320:40, 0] for panel in (plain, words, photograph)]
    assert (reds[0] == 200).all()
    assert reds[1].max() < 80
    assert reds[2][-1] > 110 > 80 > reds[2][0]


def test_a_grid_without_its_photograph_is_drawn_as_cells() -> None:
    strip = np.asarray(attention_strip(PICTURE))
    assert strip.shape[1] == 20 + 4 * 340
    assert (strip.reshape(-1, 3) == (196, 72, 8)).all(1).any()  # the cell of weight 1
    assert not (strip.reshape(-1, 3) == (200, 40, 40)).all(1).any()


@pytest.mark.parametrize(
    ("view", "panels"),
    [
        (replace(BOTH, weights=None), 1),
        (replace(BOTH, tokens=(), weights=()), 1),
        (AttentionView("empty", (Words("source", ()),), ("a",), ((),), "a", 0.0), 2),
        (AttentionView("nothing", (), ("",), ((),), "", 0.0), 2),
        (AttentionView("long", (Words("s", ("x" * 400, "\u202e</s>")),), ("y" * 900,), ((1.0, 0.0),), "", 0.0), 2),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_odd_sentences_have_a_strip(view: AttentionView, panels: int) -> None:
    strip = attention_strip(view, PHOTOGRAPHS)
    width = 120 if view.name == "nothing" else 320
    assert strip.width == 20 + panels * (width + 20)


def test_a_long_sentence_ends_after_twelve_lines() -> None:
    words = Words("source", tuple(f" word{i}" for i in range(1000)))
    picture = segment_picture(words, {}, (320, 320))
    assert picture.size == (320, 12 * 30)
    assert picture.draw([0.001] * 1000).size == picture.size


def test_more_cells_than_pixels_are_drawn() -> None:
    picture = segment_picture(Grid("cells", 3, 700), {}, (320, 320))
    assert picture.size == (320, 1)
    assert picture.draw([1.0] + [0.0] * 2099).size == (320, 1)
    assert segment_picture(Grid("cells", 700, 3), {}, (320, 320)).draw(None).size == (1, 320)
