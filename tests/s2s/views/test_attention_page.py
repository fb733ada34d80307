"""The page of attention: complete in itself, for segments of any kind, and safe from strangers' text."""

from __future__ import annotations

import html
import json
import re
from base64 import b64decode
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from s2s.views.attention_page import attention_page
from s2s.views.attention_view import AttentionView, Grid, Photograph, Words
from s2s.views.web_page import json_for_script, write_page

EVIL = """</script><script>alert("x")</script><!--<script> '"&amp; {{title}} {{data}}"""
VIEW = AttentionView(
    "line 1",
    (Words("source", ("A", " man", "</s>")),),
    ("Ein", " Mann"),
    ((0.5, 0.5, 0.0), (0.1, 0.9, 0.0)),
    "Ein Mann",
    -0.5,
)
GRID = Grid("photograph", 1, 2, Photograph("b.jpg", 60, 40, (0, 0, 60, 40)))
PICTURE = AttentionView("b.jpg", (GRID,), ("dog", "</s>"), ((0.9, 0.1), (0.5, 0.5)), "dog", -1.0)
PHOTOGRAPHS = {"b.jpg": Image.new("RGB", (60, 40), "red")}
BOTH = AttentionView(
    "question 1",
    (Words("question", ("what", "?")), GRID, Grid("cells", 1, 1)),
    ("a", "dog"),
    ((0.2, 0.2, 0.1, 0.4, 0.1), (0.0, 0.0, 0.0, 1.0, 0.0)),
    "a dog",
    -1.0,
)


def data_of(page: str) -> list[dict[str, Any]]:
    """What the page's script reads."""
    [content] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    return json.loads(content)


def image_of(address: str) -> Image.Image:
    kind, _, data = address.partition(",")
    assert kind == "data:image/webp;base64"
    return Image.open(BytesIO(b64decode(data)))


def test_the_page_holds_every_sentence() -> None:
    other = AttentionView("line 3", (Words("source", ("東京", "</s>")),), (), None, "東京", 0.0)
    page = attention_page([VIEW, other], "Attention")
    first, second = data_of(page)
    assert first["segments"] == [{"name": "source", "tokens": ["A", " man", "</s>"]}]
    assert first["tokens"] == ["Ein", " Mann"]
    assert first["weights"] == [[0.5, 0.5, 0.0], [0.1, 0.9, 0.0]]
    assert first["entropies"] == [1.0, 0.469]
    assert (second["name"], second["weights"], second["text"]) == ("line 3", None, "東京")
    assert "<p>line 3: <bdi>東京</bdi></p>" in page.partition("<noscript>")[2].partition("</noscript>")[0]


def test_the_page_holds_the_photograph_and_where_its_cells_lie() -> None:
    page = attention_page([PICTURE], "b.jpg", PHOTOGRAPHS, gallery="index.html?a&b")
    [segment] = data_of(page)[0]["segments"]
    assert segment["box"] == [0, 0, 1, 1]
    [address] = re.findall(r'<img src="([^"]+)" width="60" height="40" alt="">', page)
    assert image_of(address).size == (60, 40)
    assert '<a href="index.html?a&amp;b">all pictures</a>' in page
    assert not re.search(r"https?:|url\(|innerHTML|{{|src=\"[^d]", page)


def test_the_language_of_the_output_is_said() -> None:
    page = attention_page([PICTURE], "b.jpg", PHOTOGRAPHS, language='d"e')
    assert page.count(' lang="d&quot;e"') == 2  # of the words, and of the text without JavaScript
    assert ' lang=""' not in attention_page([PICTURE], "b.jpg", PHOTOGRAPHS)


def test_a_page_has_segments_of_each_kind_and_each_photograph_once() -> None:
    page = attention_page([BOTH, replace(BOTH, name="question 2"), PICTURE], "Answers", PHOTOGRAPHS)
    assert page.count("<img ") == 1
    one, two, picture = data_of(page)
    words, photograph, cells = one["segments"]
    assert words == {"name": "question", "tokens": ["what", "?"]}
    assert photograph["name"] == "photograph"
    assert cells == {"name": "cells", "rows": 1, "columns": 1}
    assert [each["segments"][1]["photograph"] for each in (one, two)] == [0, 0]
    assert picture["segments"][0]["photograph"] == 0


def test_a_page_with_a_photograph_has_at_most_so_many_bytes() -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (2000, 3000, 3), dtype=np.uint8))
    grid = Grid("photograph", 12, 12, Photograph("b.jpg", 3000, 2000, (0, 0, 3000, 2000)))
    view = AttentionView("b.jpg", (grid,), ("dog",) * 20, ((0.0069,) * 144,) * 20, "dog " * 20, -1.0)
    page = attention_page([view], "b.jpg", {"b.jpg": noise})
    assert len(page.encode()) < 250_000
    [address] = re.findall(r'<img src="([^"]+)"', page)
    assert max(image_of(address).size) >= 190


def test_a_grid_without_its_photograph_is_drawn_as_cells() -> None:
    [view] = data_of(attention_page([PICTURE], "b.jpg", {"another.jpg": PHOTOGRAPHS["b.jpg"]}))
    assert view["segments"] == [{"name": "photograph", "rows": 1, "columns": 2}]


@pytest.mark.parametrize(
    "view",
    [
        replace(BOTH, weights=None),
        replace(BOTH, tokens=(), weights=()),
        AttentionView("empty", (Words("source", ()),), ("a",), ((),), "a", 0.0),
        AttentionView("nothing", (), (), None, "", 0.0),
        AttentionView("zeros", (GRID,), ("a",), ((0.0, 0.0),), "a", 0.0),
        AttentionView("long", (Words("source", ("x",) * 5000),), ("y",), ((0.0002,) * 5000,), "y " * 5000, 0.0),
    ],
    ids=lambda view: view.name,
)
def test_odd_sentences_have_a_page(view: AttentionView) -> None:
    [data] = data_of(attention_page([view], "Odd", PHOTOGRAPHS))
    assert data["text"] == view.text
    assert len(data["segments"]) == len(view.segments)
    assert data["weights"] == json.loads(json.dumps(view.weights))


def test_nothing_in_it_is_code_but_the_page_s_own() -> None:
    evil = Grid(EVIL, 1, 1, Photograph("b.jpg", 60, 40, (0, 0, 60, 40)))
    view = AttentionView(EVIL, (Words(EVIL, (EVIL, "</s>")), evil), (EVIL,), ((0.5, 0.5, 0.0),), EVIL, -0.5)
    plain = attention_page([replace(BOTH, segments=BOTH.segments[:2])], "x", PHOTOGRAPHS)
    page = attention_page([view], EVIL, PHOTOGRAPHS)
    assert page.count("<script") == plain.count("<script")
    assert page.count("<!--") == plain.count("<!--")
    assert f"<title>{html.escape(EVIL)}</title>" in page
    [found] = data_of(page)
    names = [segment["name"] for segment in found["segments"]]
    assert [found["name"], found["text"], *found["tokens"], *names] == [EVIL] * 5
    assert json.loads(json_for_script({EVIL: [EVIL]})) == {EVIL: [EVIL]}


def test_the_page_needs_no_other_file_and_no_network() -> None:
    page = attention_page([VIEW], "Attention")
    assert "default-src 'none'" in page
    assert not re.search(r"(src|href)=|url\(|@import|https?:|fetch\(|innerHTML|{{", page)


def test_a_page_of_no_sentence_is_a_page() -> None:
    assert data_of(attention_page([], "Attention")) == []


def test_names_that_are_not_utf8_are_written(tmp_path: Path) -> None:
    write_page(tmp_path / "a.html", attention_page([replace(VIEW, name="\udcff.png")], "\udcff.png"))
    [data] = data_of((tmp_path / "a.html").read_text(encoding="utf-8"))
    assert data["name"] == "\udcff.png"
