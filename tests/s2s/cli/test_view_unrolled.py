"""`s2s view unrolled`: the page holds the numbers of the model; mistakes, each in one line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import captioning_fixtures
import numpy as np
import pytest
from language_fixtures import tiny_language_model

from language_model.unroll import unroll_text
from s2s.cli import command
from s2s.cli.view_unrolled import view_unrolled

View = Callable[..., tuple[int, str, str]]


@pytest.fixture(name="view")
def run_view(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> View:
    """Run the command in this process, in a folder with a language model `lm`: exit code, output, errors."""
    monkeypatch.setattr("sys.argv", ["s2s view unrolled"])
    monkeypatch.chdir(tmp_path)
    tiny_language_model().save(tmp_path / "lm", {})

    def _run(*arguments: str | Path) -> tuple[int, str, str]:
        code = command.run(view_unrolled, [*map(str, arguments), "--device", "cpu"])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return _run


def data_of(page: Path) -> dict[str, Any]:
    found = re.search(r'id="data">(.*?)</script>', page.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return json.loads(found[1])


def numbers(data: object) -> list[float]:
    """All numbers, in order."""
    if isinstance(data, float):
        return [data]
    parts = data.values() if isinstance(data, dict) else data if isinstance(data, list | tuple) else ()
    return [number for part in parts for number in numbers(part)]


def test_the_page_holds_the_numbers_of_the_model(view: View, tmp_path: Path) -> None:
    assert view("lm", "A </script> man", "--units", "3") == (0, "unrolled.html\n", "")
    data = data_of(tmp_path / "unrolled.html")
    unrolled = asdict(unroll_text(tiny_language_model(), "A </script> man", 3))
    np.testing.assert_allclose(numbers(data["steps"]), numbers(unrolled["steps"]), atol=1e-4)
    assert [step["token"] for step in data["steps"]] == [step["token"] for step in unrolled["steps"]]
    assert data["notes"] == ["The model has up to 8 units in a layer; the first 3 of each are shown."]
    assert view("lm", "A man")[2].startswith("error: unrolled.html: already exists; ")
    assert view("lm", "A man", "--force")[0] == 0
    assert data_of(tmp_path / "unrolled.html")["notes"] == []


def test_a_translator_reads_a_given_translation(view: View, tiny_model: Path, tmp_path: Path) -> None:
    assert view(tiny_model, "A man", "--target", "A hat")[0] == 0
    data = data_of(tmp_path / "unrolled.html")
    decoder = [step for step in data["steps"] if step["part"] == "decoder"]
    assert "".join(step["token"] for step in decoder) == "<s>Ahat"
    assert decoder[-1]["following"] == "</s>"
    assert len(data["source"]) == len(decoder[0]["attention"])


def test_mistakes_are_told_and_nothing_is_written(view: View, tiny_model: Path, tmp_path: Path) -> None:
    captioning_fixtures.model().save(tmp_path / "captioner", {})
    (tmp_path / "there.html").touch()
    before = sorted(tmp_path.iterdir())
    for arguments, message in [
        (["none", "a"], "none: no such directory, and no bundled model has this name"),
        (["none", "a", "--output", "there.html"], "none: no such directory, and no bundled model has this name"),
        (["lm", " "], "SENTENCE is blank; give a sentence"),
        (["lm", "a\nb"], "SENTENCE has several lines; give one sentence"),
        (["lm", "a", "--target", "b"], "--target: a language model reads one text"),
        (["lm", "a", "--output", "a.png"], "--output a.png: the file name must end in .html"),
        (["lm", "a", "--units", "0"], "argument --units: '0' is not a whole number from 1"),
        (["lm", "a" * 300], "the text has 300 tokens; give one of fewer than 200"),
        (["captioner", "a"], "captioner: models of kind 'captioning' cannot be shown so"),
        ([tiny_model, "..."], "the text holds nothing to translate"),
        ([tiny_model, "A man", "--target", ""], "--target is blank; give a sentence"),
    ]:
        code, output, errors = view(*arguments)
        assert (code, output, errors.count("\n")) == (2, "", 1), errors
        assert errors.startswith(f"error: {message}"), errors
        assert sorted(tmp_path.iterdir()) == before
