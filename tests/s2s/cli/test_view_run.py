"""`s2s view run`: a picture of what the log of a run holds, old runs included."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from s2s.cli import command
from s2s.cli.view_run import panels_of, view_run
from s2s.storage.run_directory import read_log

View = Callable[..., tuple[int, str, str]]
OLD = [
    {"step": 5 * e, "epoch": e, "train_loss": 3 / e, "loss": 4 / e, "BLEU": 10.0 * e, "seconds": e} for e in (1, 2, 3)
]
NEW = [{**entry, "rate": 0.1 / entry["step"]} for entry in OLD]
MEAN = {"step": 15, "epoch": 3, "mean_of": 2, "loss": 1.2, "BLEU": 31.0, "seconds": 4}


@pytest.fixture(name="run")
def run_view(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> View:
    """Run the command in this process, in an empty folder: exit code, output, errors."""
    monkeypatch.setattr("sys.argv", ["s2s view run"])
    monkeypatch.chdir(tmp_path)

    def _run(*arguments: str | Path) -> tuple[int, str, str]:
        code = command.run(view_run, list(map(str, arguments)))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return _run


def write_run(path: Path, entries: list[dict], rest: str = "") -> Path:
    path.mkdir()
    (path / "recipe.toml").touch()
    (path / "log.jsonl").write_text("".join(f"{json.dumps(entry)}\n" for entry in entries) + rest)
    return path


def test_a_panel_for_the_losses_each_score_and_the_rate() -> None:
    losses, bleu, rate = panels_of([[*NEW, MEAN]])
    assert [panel.title for panel in (losses, bleu, rate)] == ["loss", "BLEU", "learning rate"]
    assert [(curve.name, curve.light) for curve in losses.curves] == [("training", True), ("validation", False)]
    assert losses.curves[0].points == [(5, 3.0), (10, 1.5), (15, 1.0)]
    assert bleu.curves[0].points == [(5, 10.0), (10, 20.0), (15, 30.0)]
    assert (losses.curves[1].marks, bleu.curves[0].marks) == ([(15, 1.2)], [(15, 31.0)])
    assert [curve.run for curve in next(iter(panels_of([OLD, NEW]))).curves] == [0, 0, 1, 1]


def test_a_run_of_an_earlier_version_has_no_rate() -> None:
    assert [panel.title for panel in panels_of([OLD])] == ["loss", "BLEU"]
    assert [curve.run for curve in list(panels_of([OLD, NEW]))[2].curves] == [1]


def test_values_that_are_no_numbers_are_left_out() -> None:
    broken = [{"step": 1, "loss": float("nan"), "note": "x"}, {"step": 2, "loss": 1.0, "note": None}]
    [panel] = panels_of([broken])
    assert panel.curves[0].points == [(2, 1.0)]


def test_losses_between_validations_are_drawn() -> None:
    between = [{"step": 2, "train_loss": 9.0}, OLD[0], {"step": 7, "train_loss": 2.0}, OLD[1]]
    losses, _ = panels_of([between])
    assert losses.curves[0].points == [(2, 9.0), (5, 3.0), (7, 2.0), (10, 1.5)]
    assert losses.curves[1].points == [(5, 4.0), (10, 2.0)]


def test_the_picture_is_named_after_the_run_and_not_overwritten(run: View, tmp_path: Path) -> None:
    folder = write_run(tmp_path / "mine", NEW, rest='{"step": 20, "lo')  # a line that was cut short
    assert len(read_log(folder)) == 3
    assert run("mine") == (0, "mine-curves.png\n", "")
    with Image.open(tmp_path / "mine-curves.png") as picture:
        assert picture.format == "PNG"
    assert run("mine")[2].startswith("error: mine-curves.png: already exists; ")
    assert run("mine", "--force")[0] == 0
    assert sorted(path.name for path in folder.iterdir()) == ["log.jsonl", "recipe.toml"]
    write_run(tmp_path / "old", OLD)
    assert run("mine", "old", "--output", "both.png") == (0, "both.png\n", "")


def test_mistakes_are_told_and_nothing_is_written(run: View, tmp_path: Path) -> None:
    mine = write_run(tmp_path / "mine", NEW)
    (mine / "best").mkdir()
    write_run(tmp_path / "empty", [])
    write_run(tmp_path / "bare", [{"step": 1, "epoch": 1}])
    write_run(tmp_path / "odd", [], rest="\x00\x01\x02\n\x03\n")
    (tmp_path / "other").mkdir()
    before = sorted(tmp_path.iterdir())
    for arguments, message in [
        (["none"], "none: no such directory; name the folder of a run"),
        (["other"], "other: is not a run directory (it has no recipe.toml)"),
        (["mine/best"], "mine/best: is not a run directory (it has no recipe.toml); did you mean mine?"),
        (["empty"], "empty: its log is still empty"),
        (["odd"], "odd/log.jsonl: 2 lines, and none is an entry of a log (JSON with a step); "),
        (["bare"], "bare: the log holds no figures to draw"),
        (["mine", "--output", "a.svg"], "--output a.svg: the file name must end in .png"),
        (["mine"] * 7, "7 runs are too many for one picture: name 6 at most"),
    ]:
        code, output, errors = run(*arguments)
        assert (code, output, errors.count("\n")) == (2, "", 1)
        assert errors.startswith(f"error: {message}")
        assert sorted(tmp_path.iterdir()) == before
