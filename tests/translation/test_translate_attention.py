"""`translate --attention`: three formats, every line in its place, bounded memory, and mistakes told at once."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from s2s.views.attention_file import read_attention_file
from s2s.views.attention_view import Words
from translation.option_checks import ATTENTION_FORMATS

ROOT = Path(__file__).resolve().parents[2]
LINES = ["A man is sleeping.", "", "Two dogs play!", "A red hat </script> in the snow.", "東"]
LONG = "A man is in the park. Two dogs play with a ball in the snow! It is a red ball."

Translate = Callable[..., tuple[int, str, str]]


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.en"
    path.write_text("".join(f"{line}\n" for line in LINES), encoding="utf-8")
    return path


def test_json_has_an_item_for_every_line(run: Translate, text: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    code, output, errors = run(text, "--attention", path)
    assert (code, errors) == (0, "")
    assert output == run(text)[1]
    views = read_attention_file(path)
    assert [view.name for view in views] == [f"{text}: line {number}" for number in range(1, 6)]
    assert [view.text for view in views] == output.splitlines()
    man, blank, _, hat, foreign = views
    assert (blank.weights, blank.tokens, blank.segments) == (None, (), (Words("source", ()),))
    assert (foreign.weights, foreign.text) == (None, "東")
    for view in (man, hat):
        [source] = view.segments
        assert isinstance(source, Words)
        assert source.tokens[-1] == "</s>"
        assert view.weights
        assert len(view.weights) == len(view.tokens)
        assert all(len(row) == len(source.tokens) for row in view.weights)
        assert all(sum(row) == pytest.approx(1, abs=1e-2) for row in view.weights)


def test_numbers_go_on_within_a_file_and_n_best_shows_the_best(
    run: Translate, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("s2s.text.lines.WINDOW_LINES", 2)
    path = tmp_path / "a.json"
    assert run(text, text, "--attention", path)[0] == 0
    once = read_attention_file(path)
    assert [view.name.rpartition(" ")[2] for view in once] == [*"12345"] * 2
    assert run(text, text, "--attention", path, "--n-best", 3, "--force")[0] == 0
    assert [view.text for view in read_attention_file(path)] == [view.text for view in once]


def test_a_line_in_pieces_has_the_weights_of_each(run: Translate, tmp_path: Path) -> None:
    long = tmp_path / "long.en"
    long.write_text(f"{LONG}\n")
    assert run(long, "--attention", tmp_path / "a.json")[0] == 0
    [view] = read_attention_file(tmp_path / "a.json")
    assert view.weights is not None
    assert len(view.weights) == len(view.tokens)
    assert view.segments[0].tokens.count("</s>") == 3  # type: ignore[union-attr]
    assert run(long, "--attention", tmp_path / "a.png")[0] == 0
    assert run(long, "--attention", tmp_path / "a.html")[0] == 0
    assert json.dumps(view.text, ensure_ascii=False).replace("<", "\\u003c") in (tmp_path / "a.html").read_text()


def test_a_page_shows_the_first_lines_and_says_so(
    run: Translate, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shown(path: Path) -> list[str]:
        [data] = re.findall(r'id="data">(.*?)</script>', path.read_text(encoding="utf-8"), re.DOTALL)
        return [view["name"].rpartition(" ")[2] for view in json.loads(data)]

    path = tmp_path / "a.html"
    assert run(text, "--attention", path)[::2] == (0, "")
    assert shown(path) == ["1", "3", "4", "5"]  # what is blank has nothing to show
    monkeypatch.setattr("s2s.views.attention_output.PAGE_LINES", 2)
    code, _, errors = run(text, "--attention", path, "--force")
    assert (code, shown(path)) == (0, ["1", "3"])
    assert errors == f"warning: {path}: shows the first 2 of 4 lines; a .json file has no such limit\n"


def test_a_picture_shows_the_first_lines_and_says_so(
    run: Translate, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "A.PNG"
    assert run(text, "--attention", path)[::2] == (0, "")
    with Image.open(path) as whole:
        assert whole.format == "PNG"
        height = whole.height
    monkeypatch.setattr("s2s.views.attention_output.PICTURE_LINES", 1)
    code, _, errors = run(text, "--attention", path, "--force")
    assert (code, errors.count("\n")) == (0, 1)
    told = "shows the first 1 of 3 lines that have attention; a .json file has no such limit"
    assert errors == f"warning: {path}: {told}\n"
    with Image.open(path) as first:
        assert first.height < height / 2


def test_an_empty_input_gives_an_empty_file(run: Translate, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    for ending in ATTENTION_FORMATS:
        assert run(empty, "--attention", tmp_path / f"a{ending}") == (0, "", "")
    assert read_attention_file(tmp_path / "a.json") == []


def test_a_failure_leaves_the_file_as_it_was(run: Translate, text: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.en"
    broken.write_bytes(b"\xff\n")
    before = sorted(path.name for path in tmp_path.iterdir())
    for ending in ATTENTION_FORMATS:
        assert run(text, broken, "--attention", tmp_path / f"a{ending}")[0] == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_mistakes_are_told_before_torch_is_imported(tmp_path: Path, text: Path) -> None:
    program = (
        "import sys; from s2s.cli import command; from translation.translate import translate\n"
        "code = command.run(translate); print(code, sorted({'torch', 'PIL', 'translation.attention'} & {*sys.modules}))"
    )
    taken = tmp_path / "taken.json"
    taken.touch()
    same = str(tmp_path / "same.json")
    for arguments, complaint in [
        (["--attention", "a.svg"], "--attention a.svg: the file name must end in .json, .html, .png"),
        (["--attention", "json"], "--attention json: the file name must end in .json, .html, .png"),
        (["--attention", str(taken)], f"{taken}: already exists; choose another name, or replace it with --force"),
        (
            ["--attention", same, "--output", same],
            f"--attention {same}: this is the file of --output too",
        ),
    ]:
        done = subprocess.run(
            [sys.executable, "-c", program, str(text), *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.stdout == "2 []\n"
        assert done.stderr.startswith(f"error: {complaint}")
