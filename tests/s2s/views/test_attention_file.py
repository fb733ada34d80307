"""attention.json: what is written is read back, whatever the tokens; a malformed item is named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2s.errors import UserError
from s2s.views.attention_file import attention_writer, read_attention_file
from s2s.views.attention_view import AttentionView, Grid, Photograph, Words

WORDS = Words("source", ("A", " man", ".", "</s>"))
GRID = Grid("photograph", 2, 3, Photograph("a/b.jpg", 640, 480, (0.0, 0.0, 640.0, 640.0)))
LINE = AttentionView(
    "line 1", (WORDS,), ("Ein", " Mann"), ((0.25, 0.75, 0.0, 0.0), (0.1, 0.2, 0.3, 0.4)), "Ein Mann", -0.5
)
PICTURE = AttentionView("b.jpg", (GRID,), ("dog",), ((0.5, 0.5, 0, 0, 0, 0),), "dog", -1.25)
BOTH = replace(LINE, segments=(Words("source", ("A",)), Grid("photograph", 1, 3)), name="both")
BLANK = AttentionView("line 2", (Words("source", ()),), (), None, "", 0.0)

names = st.text(st.characters(exclude_categories=[]), max_size=8)  # any code point, surrogates of file names too


def write(path: Path, *views: AttentionView) -> Path:
    with attention_writer(path) as add:
        for view in views:
            add(view)
    return path


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    views = [LINE, BLANK, PICTURE, BOTH]
    assert read_attention_file(write(tmp_path / "a.json", *views)) == views
    assert read_attention_file(write(tmp_path / "none.json")) == []


@settings(max_examples=25, deadline=None)  # each example waits for the disk
@given(texts=st.lists(names, min_size=4, max_size=4), path=names)
def test_any_text_comes_back(tmp_path_factory: pytest.TempPathFactory, texts: list[str], path: str) -> None:
    photograph = Photograph(path, 3, 2, (0, 0, 3, 3))
    view = AttentionView(texts[0], (Grid(texts[1], 1, 1, photograph),), (texts[2],), ((1.0,),), texts[3], 0.0)
    file = write(tmp_path_factory.mktemp("any") / "a.json", view)
    [found] = read_attention_file(file)
    [grid] = found.segments
    assert isinstance(grid, Grid)
    assert grid.photograph
    # Two halves of one character, side by side, are that character: JSON has no other way to write it.
    whole = [each.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass") for each in (*texts, path)]
    assert [found.name, grid.name, *found.tokens, found.text, grid.photograph.path] == whole
    file.read_text(encoding="utf-8")


def test_an_item_is_a_line(tmp_path: Path) -> None:
    lines = write(tmp_path / "a.json", LINE, replace(LINE, text="a\nb\u2028c")).read_text().split("\n")
    assert len(lines) == 5
    assert json.loads(lines[1].rstrip(","))["name"] == "line 1"


def test_the_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "a.json"

    def fail(view: AttentionView) -> None:
        with attention_writer(path) as add:
            add(view)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail(LINE)
    assert list(tmp_path.iterdir()) == []
    with attention_writer(path) as add:
        add(LINE)
        assert not path.exists()
    assert path.exists()


def changed(view: AttentionView, tmp_path: Path, **changes: Any) -> Path:
    path = write(tmp_path / "a.json", LINE, view)
    data = json.loads(path.read_text())
    data["items"][1] |= changes
    path.write_text(json.dumps(data))
    return path


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"name": None}, "name is missing or not a string"),
        ({"tokens": "Ein"}, "tokens is missing or not a list"),
        ({"tokens": ["Ein", 3]}, "tokens are not all strings"),
        ({"tokens": ["Ein"]}, "weights are not 1 tokens x 4 positions"),
        ({"weights": [[1.0, 0.0, 0.0, 0.0], [1.0]]}, "weights are not 2 tokens x 4 positions"),
        ({"weights": [[1, 0, 0, 0], [1, 0, 0, "x"]]}, "weights: not all are finite numbers"),
        ({"weights": [[1, 0, 0, 0], [float("nan"), 0, 0, 0]]}, "weights: not all are finite numbers"),
        ({"weights": [[1, 0, 0, 0], None]}, "weights: a list of numbers is missing"),
        ({"weights": [[1, 0, 0, 0], [2, -1, 0, 0]]}, "weights of a token are negative, or more than 1 together"),
        ({"weights": [[1, 0, 0, 0], [1, 1, 0, 0]]}, "weights of a token are negative, or more than 1 together"),
        ({"weights": [[10**400, 0, 0, 0]] * 2}, "int too large"),
        ({"score": None}, "score: not all are finite numbers"),
        ({"segments": {}}, "segments is missing or not a list"),
        ({"segments": [3]}, "name is missing or not a string"),
        ({"segments": [{"name": "photograph", "rows": 0, "columns": 4}]}, "rows is 0, not 1 or more"),
        ({"segments": [{"name": "photograph", "rows": True, "columns": 4}]}, "rows is missing or not a whole number"),
        ({"segments": [{"name": "p", "rows": 4, "columns": 1001}]}, "a grid of 4 x 1001 cells is too large"),
        (
            {"segments": [{"name": "p", "rows": 2, "columns": 2, "photograph": {"path": "x", "box": [0, 0, 1]}}]},
            "box: a list of numbers is missing",
        ),
        (
            {"segments": [{"name": "p", "rows": 2, "columns": 2, "photograph": {"path": "x", "box": [0, 0, 0, 1]}}]},
            "box is not left, top, right, bottom",
        ),
    ],
)
def test_a_malformed_item_is_named(tmp_path: Path, changes: dict[str, Any], complaint: str) -> None:
    path = changed(LINE, tmp_path, **changes)
    with pytest.raises(UserError) as caught:
        read_attention_file(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: item 2: {complaint}")
    assert message.endswith("; write it again with --attention")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"{", "is not JSON ("),
        (b"\xff", "is not JSON ("),
        (b"[" * 100_000, "is not JSON ("),
        (b"[]", "is not an attention file"),
        (b'{"format": "coco"}', "is not an attention file"),
        (b'{"format": "s2s-attention"}', "has no version"),
        (
            b'{"format": "s2s-attention", "version": 2, "items": []}',
            "has version 2, but this release reads versions up to 1; update this toolkit",
        ),
        (b'{"format": "s2s-attention", "version": 1}', "has no list of items"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        read_attention_file(path)
    assert str(caught.value).startswith(f"{path}: {complaint}")
    with pytest.raises(UserError, match="no such file"):
        read_attention_file(tmp_path / "missing.json")
