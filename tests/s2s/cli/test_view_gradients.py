"""`s2s view gradients`: a picture and the numbers that it shows; mistakes, each in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from s2s.cli import command, view_gradients
from s2s.training.gradient_flow import KINDS, CopyTask, measure

View = Callable[..., tuple[int, str, str]]


@pytest.fixture(name="view")
def run_view(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> View:
    """Run the command in this process, in an empty folder: exit code, output, errors."""
    monkeypatch.setattr("sys.argv", ["s2s view gradients"])
    monkeypatch.setattr(view_gradients, "CLIPPED_STEPS", 4)
    monkeypatch.chdir(tmp_path)

    def _run(*arguments: str) -> tuple[int, str, str]:
        code = command.run(view_gradients.view_gradients, list(arguments))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return _run


def test_the_numbers_are_those_of_the_experiment(view: View) -> None:
    options = ("--gap", "2", "--steps", "3", "--units", "4", "--seed", "5", "--clip", "0.5")
    code, output, errors = view(*options)
    assert (code, output) == (0, "gradients.png\ngradients.json\n")
    assert errors.count("\n") == len(KINDS) + 2
    found = json.loads(Path("gradients.json").read_text())
    assert found["task"] == {"gap": 2, "length": 3, "symbols": 6}
    assert [each["name"] for each in found["networks"]] == [kind.name for kind in KINDS]
    expected = measure(KINDS[-1], CopyTask(2), 4, 3, 5)
    assert found["networks"][-1] == json.loads(json.dumps(vars(expected)))
    assert [each["clip_norm"] for each in found["clipping"]] == [None, 0.5]
    assert all(len(each["norms"]) == len(each["losses"]) == 4 for each in found["clipping"])
    with Image.open("gradients.png") as picture:
        assert picture.width > 1000
        assert len(picture.convert("RGB").getcolors(1 << 20) or []) > 20
    assert view(*options)[2].startswith("error: gradients.png: already exists; ")
    assert view(*options, "--force", "--json", "other.json")[0] == 0
    assert json.loads(Path("other.json").read_text()) == found


def test_mistakes_are_told_and_nothing_is_written(view: View, tmp_path: Path) -> None:
    for arguments, message in [
        (["--output", "a.svg"], "--output a.svg: the file name must end in .png"),
        (["--json", "a.txt"], "--json a.txt: the file name must end in .json"),
        (["--output", "no/a.png"], "no/a.png: its folder"),
        (["--gap", "501"], "--gap 501: choose at most 500 blanks"),
        (["--gap", "0"], "argument --gap: '0' is not a whole number from 1"),
        (["--units", "2000"], "--units 2,000: choose at most 1,024"),
        (["--clip", "0"], "--clip 0.0: choose a norm above 0"),
        (["--clip", "nan"], "--clip nan: choose a norm above 0"),
        (["--steps", "few"], "argument --steps: 'few' is not a whole number from 1"),
        (["a.png"], "unrecognized arguments: a.png"),
    ]:
        code, output, errors = view(*arguments)
        assert (code, output, errors.count("\n")) == (2, "", 1), errors
        assert errors.startswith(f"error: {message}"), errors
    assert list(tmp_path.iterdir()) == []
