"""Words against words, as a web page and as a picture: whole in itself, and nothing in it that strangers can break."""

from __future__ import annotations

import html
import json
import re

import numpy as np
import pytest
from PIL import Image, ImageDraw

from s2s.views.attention_view import AttentionView, Grid, Words
from s2s.views.fonts import font_for
from s2s.views.web_page import as_script
from s2s.views.words_matrix import Matrix, matrix_picture
from s2s.views.words_page import words_page

EVIL = """</script><script>alert("x")</script><!--<script> '"&amp; {{title}} {{data}}"""
VIEW = AttentionView(
    "line 1",
    (Words("source", ("A", " man", "</s>")),),
    ("Ein", " Mann"),
    ((0.5, 0.5, 0.0), (0.1, 0.9, 0.0)),
    "Ein Mann",
    -0.5,
)
PHOTOGRAPH = AttentionView("b.jpg", (Grid("photograph", 1, 2),), ("dog",), ((0.5, 0.5),), "dog", -1.0)


def data_of(page: str) -> list[dict[str, object]]:
    """What the page's script would read."""
    [content] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    return json.loads(content)


def test_the_page_holds_every_sentence() -> None:
    other = AttentionView("line 3", (Words("source", ("東京", "</s>")),), (), None, "東京", 0.0)
    first, second = data_of(words_page([VIEW, other], "Attention"))
    assert first["source"] == ["A", " man", "</s>"]
    assert first["tokens"] == ["Ein", " Mann"]
    assert first["weights"] == [[0.5, 0.5, 0.0], [0.1, 0.9, 0.0]]
    assert first["entropies"] == [1.0, 0.469]
    assert (second["name"], second["weights"], second["text"]) == ("line 3", None, "東京")


def test_nothing_in_it_is_code_but_the_page_s_own() -> None:
    view = AttentionView(EVIL, (Words(EVIL, (EVIL, "</s>")),), (EVIL,), ((0.5, 0.5),), EVIL, -0.5)
    plain, page = words_page([VIEW], "x"), words_page([view], EVIL)
    assert page.count("<script") == plain.count("<script")
    assert page.count("<!--") == plain.count("<!--")
    assert f"<title>{html.escape(EVIL)}</title>" in page
    [found] = data_of(page)
    assert [found["name"], found["text"], *found["tokens"]] == [EVIL] * 3  # type: ignore[misc]
    assert json.loads(as_script({EVIL: [EVIL]})) == {EVIL: [EVIL]}


def test_the_page_needs_no_other_file_and_no_network() -> None:
    page = words_page([VIEW], "Attention")
    assert "default-src 'none'" in page
    assert not re.search(r"(src|href)=|url\(|@import|https?:|fetch\(|innerHTML|{{", page)


def test_a_page_of_no_sentence_is_a_page() -> None:
    assert data_of(words_page([], "Attention")) == []


def test_a_grid_has_no_place_among_words() -> None:
    with pytest.raises(TypeError, match="grid"):
        words_page([PHOTOGRAPH], "Attention")
    with pytest.raises(TypeError, match="grid"):
        matrix_picture([PHOTOGRAPH])


def test_the_picture_has_a_matrix_for_each_sentence() -> None:
    matrix = Matrix(VIEW)
    (left, top), (width, height) = matrix.corner, matrix.extent
    assert (width - left, height - top) == (3 * 48, 2 * 48)
    picture = matrix_picture([VIEW, VIEW])
    assert picture.height == 40 + 2 * (height + 40)
    assert picture.width == max(width, 480) + 80
    assert matrix_picture([]).height == 40


def test_the_heavier_the_weight_the_darker_the_cell() -> None:
    left, top = Matrix(VIEW).corner
    picture = matrix_picture([VIEW]).convert("L")
    # The corner of a cell is never written on.
    greys = np.asarray(picture)[44 + top :: 48, 44 + left :: 48]
    assert greys[0][0] == greys[0][1] < greys[0][2]
    assert greys[1][1] < greys[0][0] < greys[1][0] < greys[1][2]


def test_a_picture_of_long_sentences_stays_bounded() -> None:
    long = tuple(f"word{i}" for i in range(1000))
    view = AttentionView("long", (Words("source", long),), ("a" * 500,), ((0.001,) * 1000,), "a", 0.0)
    width, height = Matrix(view).extent
    assert width < 10_000
    assert height < 1_000


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
    assert drawn(nowhere) != drawn(" ")  # what no font has is seen to be missing
    assert font_for(nowhere, 20) is font
