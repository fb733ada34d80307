"""The matrix picture: a row for each token, columns for each segment, bounded whatever the length."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image, ImageDraw

from s2s.views.attention_matrix import Matrix, attention_matrix
from s2s.views.attention_view import AttentionView, Grid, Photograph, Words
from s2s.views.fonts import font_for

VIEW = AttentionView(
    "line 1",
    (Words("source", ("A", " man", "</s>")),),
    ("Ein", " Mann"),
    ((0.5, 0.5, 0.0), (0.1, 0.9, 0.0)),
    "Ein Mann",
    -0.5,
)
GRID = Grid("photograph", 1, 2, Photograph("b.jpg", 60, 40, (0, 0, 60, 40)))
PHOTOGRAPHS = {"b.jpg": Image.new("RGB", (60, 40), (0, 255, 0))}
BOTH = AttentionView(
    "question 1",
    (Words("question", ("what", "?")), GRID),
    ("a", "dog"),
    ((0.5, 0.5, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0)),
    "a dog",
    -1.0,
)


def test_the_picture_has_a_matrix_for_each_sentence() -> None:
    matrix = Matrix(VIEW)
    (left, top), (width, height) = matrix.corner, matrix.extent
    assert (width - left, height - top) == (3 * 48, 2 * 48)
    picture = attention_matrix([VIEW, VIEW])
    assert picture.height == 40 + 2 * (height + 40)
    assert picture.width == max(width, 480) + 80
    assert attention_matrix([]).height == 40


def test_the_heavier_the_weight_the_darker_the_cell() -> None:
    left, top = Matrix(VIEW).corner
    picture = attention_matrix([VIEW]).convert("L")
    # The corner of a cell is never written on.
    greys = np.asarray(picture)[44 + top :: 48, 44 + left :: 48]
    assert greys[0][0] == greys[0][1] < greys[0][2]
    assert greys[1][1] < greys[0][0] < greys[1][0] < greys[1][2]


def test_a_photograph_has_a_column_that_is_lit_where_the_weight_is() -> None:
    """The question has all the weight of the first row, the right half of the photograph that of the second."""
    picture = np.asarray(attention_matrix([BOTH], PHOTOGRAPHS)).astype(int)
    left, top = Matrix(BOTH, PHOTOGRAPHS).corner
    name = round(font_for("question", 26).getlength("question"))
    photograph = 40 + left + max(2 * 48, name) + 26  # question's columns are as wide as its name
    rows = picture[40 + top + 42 :: 124, photograph:, 1][:2]  # green, a third below the top of each photograph
    dark, lit = rows[:, 20:160:20]
    assert dark.max() < 80
    assert lit[0] < 80
    assert lit[-1] > 120


def test_a_grid_without_its_photograph_is_drawn_as_cells() -> None:
    picture = np.asarray(attention_matrix([BOTH])).astype(int).reshape(-1, 3)
    assert not (picture[:, 1] > picture[:, 0] + 20).any()  # nothing of the green photograph
    assert (picture == (196, 72, 8)).all(1).any()  # the cell of weight 1


def test_odd_sentences_are_drawn() -> None:
    rowless = replace(BOTH, weights=None)
    empty = AttentionView("empty", (Words("source", ()), Words("", ("",))), ("a",), ((1.0,),), "a", 0.0)
    nothing = AttentionView("nothing", (), ("a",), ((),), "a", 0.0)
    assert Matrix(rowless).extent[1] == Matrix(rowless).corner[1]
    for view in (rowless, empty, nothing):
        assert attention_matrix([view], PHOTOGRAPHS).height > 80


def test_a_picture_of_long_sentences_stays_bounded() -> None:
    long = Words("source", tuple(f"word{i}" for i in range(1000)))
    view = AttentionView("long", (long,), ("a" * 500,), ((0.001,) * 1000,), "a", 0.0)
    width, height = Matrix(view).extent
    assert width < 10_000
    assert height < 1_000
    tokens = ("a",) * 1000
    tall = AttentionView("tall", (Grid("cells", 2, 2), long), tokens, ((0.0,) * 1004,) * 1000, "a", 0.0)
    width, height = Matrix(tall).extent
    assert width < 10_000
    assert height < 15_000


def test_letters_of_europe_are_drawn_on_every_machine() -> None:
    def drawn(character: str) -> bytes:
        image = Image.new("L", (40, 40))
        ImageDraw.Draw(image).text((5, 5), character, 255, font)
        return image.tobytes()

    font = font_for("a", 20)
    nowhere = "\U0010fffe"
    for letter in "äßÉøłőşžΩяЖ’“…–€ầ":
        assert font_for(letter, 20) is font
        assert drawn(letter) != drawn(nowhere)
    assert drawn(nowhere) != drawn(" ")  # a missing character is visibly missing
    assert font_for(nowhere, 20) is font
