"""`s2s score translation`: a line for a line, the contract of parallel files, and what has no score."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from s2s.cli import command
from translation.score import score
from translation.translator import Translator

Score = Callable[..., tuple[int, str, str]]
SOURCE = ["Two dogs play.", "", "A man sleeps. Two women run.", "42"]
TARGET = ["Zwei Hunde spielen.", "", "Ein Mann schläft. Zwei Frauen laufen.", "42"]


@pytest.fixture(name="run")
def run_score(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Score:
    """Run the command in this process: exit code, output, errors."""
    monkeypatch.setattr("sys.argv", ["s2s score translation"])

    def _run(*arguments: str | Path) -> tuple[int, str, str]:
        code = command.run(score, list(map(str, arguments)))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return _run


def write(path: Path, lines: list[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return write(tmp_path / "text.en", SOURCE), write(tmp_path / "text.de", TARGET)


def test_a_pipe_has_each_score_before_the_next_line_is_written(tmp_path: Path) -> None:
    """Whether Python buffers its output or not."""
    source, target = tmp_path / "source", tmp_path / "target"
    os.mkfifo(source)
    os.mkfifo(target)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    program = [sys.executable, "-m", "translation.score", "--source", source, "--target", target]
    with subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, text=True) as scoring:
        assert scoring.stdout
        with source.open("w", buffering=1) as lines, target.open("w", buffering=1) as translations:
            for line, translation in zip(SOURCE[::2], TARGET[::2]):
                lines.write(f"{line}\n")
                translations.write(f"{translation}\n")
                readable, _, _ = select.select([scoring.stdout], [], [], 120)
                assert readable
                assert scoring.stdout.readline().count("\t") == 1
    assert scoring.returncode == 0


@pytest.mark.parametrize("engine", ["onnx", "torch"])
def test_a_line_of_scores_for_each_line(engine: str, files: tuple[Path, Path], run: Score, tmp_path: Path) -> None:
    source, target = files
    links = tmp_path / "links"
    code, output, errors = run("--source", source, "--target", target, "--engine", engine, "--alignments", links)
    first, blank, two, number = output.split("\n")[:-1]
    assert (code, blank, number) == (0, "", "")
    assert errors == "1 line holds nothing to translate, and has no score\n"
    expected = Translator.load("en-de", engine="onnx" if engine == "onnx" else "torch").score(SOURCE, TARGET)
    for line, each in ((first, expected[0]), (two, expected[2])):
        values = [float(value) for value in line.split("\t")]
        assert values == pytest.approx([each.log_probability, each.score], abs=2e-2)
    assert links.read_text() == "0-0 1-1 2-2\n\n0-0 1-1 2-2 3-3 4-4 5-5\n0-0\n"


def test_tokens_are_objects_of_json(files: tuple[Path, Path], run: Score) -> None:
    output = run("--source", files[0], "--target", files[1], "--tokens")[1]
    first, blank, *_ = map(json.loads, output.splitlines())
    assert first["tokens"][-1] == "</s>"
    assert first["log_probability"] == pytest.approx(sum(first["log_probabilities"]), abs=1e-3)
    assert first["score"] == pytest.approx(first["log_probability"] / len(first["tokens"]), abs=1e-3)
    assert blank == {"log_probability": None, "score": None, "tokens": [], "log_probabilities": []}


def test_the_length_penalty_is_that_of_the_search(files: tuple[Path, Path], run: Score) -> None:
    output = run("--source", files[0], "--target", files[1], "--length-penalty", "0")[1]
    log_probability, own = output.split("\n")[0].split("\t")
    assert log_probability == own


def test_lines_that_are_blank_on_one_side_are_reported(run: Score, tmp_path: Path) -> None:
    source = write(tmp_path / "a", ["A dog.", "", "A cat.", ""])
    target = write(tmp_path / "b", ["", "Ein Hund.", "Eine Katze.", " "])
    code, output, errors = run("--source", source, "--target", target)
    assert code == 1
    assert [bool(line) for line in output.split("\n")] == [False, False, True, False, False]
    assert errors == f"warning: {source}, {target}: 2 lines are blank on one side, and have no score (lines 1, 2)\n"


def test_counts_that_differ_are_told_before_a_model_is_loaded(run: Score, tmp_path: Path) -> None:
    source, target = write(tmp_path / "a", ["A dog."] * 3), write(tmp_path / "b", ["Ein Hund."])
    code, output, errors = run("--source", source, "--target", target, "--model", tmp_path / "none")
    assert (code, output) == (2, "")
    assert errors.startswith(f"error: {source} has 3 lines but {target} has 1; line n of both files must belong to ")


def test_a_pipe_is_scored_as_it_comes_and_its_count_is_checked_at_the_end(run: Score, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    target = write(tmp_path / "b", ["Ein Hund."])
    feeding = threading.Thread(target=pipe.write_text, args=("A dog.\nA cat.\nA bird.\n",))
    feeding.start()
    code, _, errors = run("--source", pipe, "--target", target)
    feeding.join()
    assert code == 2
    assert errors.startswith(f"error: {pipe} has 3 lines but {target} has 1; ")


def test_mistakes_are_told_and_nothing_is_written(files: tuple[Path, Path], run: Score, tmp_path: Path) -> None:
    source, target = files
    given = ["--source", source, "--target", target]
    missing, same = tmp_path / "missing", tmp_path / "same"
    broken = tmp_path / "broken"
    broken.write_bytes(b"A \xff dog.\n\n\n\n")
    for arguments, message in [
        ((*given[:3], missing), f"{missing}: no such file"),
        ((*given, "--output", source, "--force"), f"{source}: is an input and would be overwritten"),
        ((*given, "--output", same, "--alignments", same), f"--alignments {same}: this is the file of --output too"),
        (("--source", broken, "--target", target, "--output", same), f"{broken}: line 1, byte 2: not UTF-8: FF"),
        (given[:2], "the following arguments are required: --target"),
    ]:
        code, output, errors = run(*arguments)
        assert (code, output, errors.count("\n")) == (2, "", 1)
        assert errors.startswith(f"error: {message}")
        assert not same.exists()


def test_empty_files_have_no_scores(run: Score, tmp_path: Path) -> None:
    source, target = write(tmp_path / "a", []), write(tmp_path / "b", [])
    assert run("--source", source, "--target", target) == (0, "", "")
