"""Steering the search: sampling, lengths and diverse beams through the real commands, in both engines."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import light_captioner
import numpy as np
import pytest
from PIL import Image

from captioning.caption import caption
from s2s.cli import command
from translation.translate import translate
from translation.translator import Translator

LINES = [
    "A man in a red shirt is walking two dogs along the beach.",
    "Two children play in the snow.",
    "",
    "A woman is reading a book. A dog sleeps.",
    "Two children play in the snow.",
    "Call {name} at 555 now.",
]
ENGINES = [["--engine", "onnx"], ["--engine", "torch", "--device", "cpu", "--precision", "float32"]]

Run = Callable[..., list[str]]


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.en"
    path.write_text("".join(f"{line}\n" for line in LINES), encoding="utf-8")
    return path


@pytest.fixture(params=ENGINES, ids=["onnx", "torch"])
def run(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str], text: Path) -> Run:
    """Run `translate` on the text with a bundled model; the lines of its output."""

    def _run(*options: str) -> list[str]:
        code = command.run(translate, [str(text), "--model", "en-de-multi30k", *request.param, *options])
        captured = capsys.readouterr()
        assert code == 0, captured.err
        return captured.out.splitlines()

    return _run


def test_the_same_seed_samples_the_same_in_whatever_batch(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    sampled = run("--sample", "--seed", "3")
    assert len(sampled) == len(LINES)
    assert sampled[2] == ""
    assert {"{name}", "555"} <= set(sampled[5].rstrip(".").split())
    assert run("--sample", "--seed", "3", "--batch-tokens", "1") == sampled
    assert run("--sample", "--seed", "4") != sampled
    monkeypatch.setattr("s2s.text.lines.WINDOW_LINES", 2)
    assert run("--sample", "--seed", "3") == sampled


def test_lines_that_are_the_same_are_drawn_one_by_one(run: Run) -> None:
    sampled = run("--sample", "--temperature", "2", "--seed", "1")
    assert sampled[1] != sampled[4]


def test_one_token_that_remains_is_greedy_search(run: Run) -> None:
    assert run("--sample", "--top-k", "1") == run("--sample", "--top-p", "1e-9") == run("--beam", "1")


def test_draws_are_ranked(run: Run) -> None:
    rows = [line.split(" ||| ") for line in run("--sample", "--draws", "6", "--n-best", "4", "--top-k", "20")]
    best = run("--sample", "--draws", "6", "--top-k", "20")
    for number in (0, 3):  # one sentence, and two
        of_line = [(text, float(score)) for place, text, score in rows if place == str(number)]
        assert 1 < len(of_line) <= 4
        assert of_line[0][0] == best[number]
        assert [score for _, score in of_line] == sorted((score for _, score in of_line), reverse=True)


@pytest.mark.parametrize("how", [[], ["--sample"], ["--beam", "1"], ["--diverse-groups", "2", "--beam", "4"]])
def test_lengths_are_kept(run: Run, how: list[str]) -> None:
    short = run("--max-length", "4", *how)
    assert all(len(line.split()) <= 4 for i, line in enumerate(short) if i not in (3, 5))  # of each sentence
    long = run("--min-length", "40", *how)
    assert all(len(line) > len(LINES[1]) for line in (long[1], long[4]))


def test_diverse_groups(run: Run) -> None:
    plain = run("--beam", "3", "--n-best", "3")
    assert run("--beam", "3", "--n-best", "3", "--diverse-groups", "1") == plain
    diverse = run("--beam", "3", "--n-best", "3", "--diverse-groups", "3")
    assert diverse != plain
    same = run("--beam", "6", "--n-best", "3", "--diverse-groups", "2", "--diversity-penalty", "0")
    assert same == plain


def test_captions_are_steered_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In both engines; the number of a picture decides what is drawn, also behind one that cannot be read."""
    model, draw = light_captioner.write_captioner(tmp_path, "pad"), np.random.default_rng(0)
    paths = [tmp_path / f"{n}.png" for n in range(6)]
    for path in paths:
        Image.fromarray(draw.integers(0, 256, (60, 70, 3), dtype=np.uint8)).save(path)
    paths[1].write_bytes(b"no picture")

    def run(*options: str) -> list[str]:
        code = command.run(caption, [*map(str, paths), "--model", str(model), "--device", "cpu", *options])
        assert code == 1  # of the broken picture
        return [line.split("\t")[1] for line in capsys.readouterr().out.splitlines()]

    for engine in (["--engine", "onnx"], ["--engine", "torch", "--precision", "float32"]):
        sampled = run("--sample", "--seed", "5", *engine)
        assert len(sampled) == 5
        assert run("--sample", "--seed", "5", "--batch", "2", *engine) == sampled != run("--sample", *engine)
        assert run("--sample", "--top-k", "1", *engine) == run("--beam", "1", *engine)
        assert all(len(line.split()) <= 2 for line in run("--max-length", "2", *engine))
        assert all(len(line.split()) >= 8 for line in run("--min-length", "8", "--allow-loops", *engine))
        assert run("--beam", "2", "--diverse-groups", "1", *engine) == run("--beam", "2", *engine)
        assert run("--beam", "4", "--diverse-groups", "2", "--diversity-penalty", "0", *engine) == run(
            "--beam", "2", *engine
        )


def test_prefixes_from_a_file_and_from_a_column(
    text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    prefixes = ["Ein Kerl", "Zwei Ki", "", "Die Dame ", "", "Bitte rufen Sie {name}"]
    file, table = tmp_path / "prefixes.de", tmp_path / "table.txt"
    file.write_text("".join(f"{prefix}\n" for prefix in prefixes), encoding="utf-8")
    rows = [f"{line}\t{prefix}" if prefix else line for line, prefix in zip(LINES, prefixes)]
    table.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    found = []
    for arguments in ([str(text), "--prefix-file", str(file)], [str(table), "--prefix-column"]):
        for engine in ENGINES:
            assert command.run(translate, [*arguments, *engine]) == 0
            found.append(capsys.readouterr().out)
            monkeypatch.setattr("s2s.text.lines.WINDOW_LINES", 2)
    assert found[0] == found[2]
    for output in found:
        assert [line.startswith(prefix) for line, prefix in zip(output.splitlines(), prefixes)] == [True] * 6


def test_a_prefix_that_is_not_kept_is_reported(text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, report = tmp_path / "prefixes.de", tmp_path / "report.jsonl"
    file.write_text("Ein Kerl\n\n\nЖ\n\n\n", encoding="utf-8")
    assert command.run(translate, [str(text), "--prefix-file", str(file), "--report", str(report)]) == 1
    captured = capsys.readouterr()
    assert captured.out.count("\n") == 6
    assert f"warning: {text}: line 4 has a prefix that the model cannot write as the beginning\n" in captured.err
    reasons = [json.loads(line)["reasons"] for line in report.read_text(encoding="utf-8").splitlines()]
    assert ["does not begin with its prefix" in each for each in reasons] == [False] * 3 + [True] + [False] * 2
    file.write_text("Ж\n" * 6, encoding="utf-8")
    assert command.run(translate, [str(text), "--prefix-file", str(file)]) == 1
    errors = capsys.readouterr().err
    assert errors.count("has a prefix that") == 3
    assert "warning: 6 translations do not begin with their prefixes in all\n" in errors


@pytest.mark.parametrize(
    ("prefixes", "options", "message"),
    [
        ("a\n", [], "has 1 line, and the text has more; each line needs one, if only an empty one"),
        ("a\n" * 7, [], "has more lines than the text, which has 6; each line needs one"),
        ("a\n" * 6, ["--prefix-column"], "argument --prefix-column: not allowed with argument --prefix-file"),
        (
            "a\n" * 6,
            ["--format", "html"],
            "works for plain text only, not for html; if this is text, say --format text",
        ),
        ("a\n" * 6, ["--glossary", "terms.tsv"], "a glossary may move what a translation begins with: leave out"),
        (None, [], "no such file"),
    ],
)
def test_prefixes_that_do_not_fit_are_refused(
    text: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    prefixes: str | None,
    options: list[str],
    message: str,
) -> None:
    file, output = tmp_path / "prefixes.de", tmp_path / "text.de"
    if prefixes is not None:
        file.write_text(prefixes, encoding="utf-8")
    arguments = [str(text), "--prefix-file", str(file), "--output", str(output), *options]
    assert command.run(translate, arguments) == 2
    errors = capsys.readouterr().err
    assert errors.splitlines()[-1].startswith("error: ")
    assert message in errors
    assert not output.exists()


def test_all_captions_begin_with_a_prefix(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, path = light_captioner.write_captioner(tmp_path, "pad"), tmp_path / "a.png"
    Image.new("RGB", (60, 70), "red").save(path)

    def run(*options: str) -> tuple[int, str, str]:
        code = command.run(caption, [str(path), "--model", str(model), "--device", "cpu", *options])
        captured = capsys.readouterr()
        return code, captured.out.rstrip("\n").partition("\t")[2], captured.err

    words = run()[1].split()
    for engine in (["--engine", "onnx"], ["--engine", "torch", "--precision", "float32"]):
        for how in ([], ["--sample"], ["--beam", "1"]):
            assert run("--prefix", "Blue blue gr", *engine, *how)[1].startswith("blue blue gr")
            assert run("--prefix", f"{words[0]} ", *engine, *how)[1].split()[0] == words[0]
    assert run("--prefix", "a xylophone")[0::2] == (
        2,
        "error: the model cannot write the prefix 'a xylophone', as it does not know xylophone; choose words of its "
        "training captions\n",
    )


def test_a_third_column_is_no_part_of_a_prefix(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "table.txt"
    table.write_text("A man runs.\tEin\nA man runs.\tEin\tMann\n", encoding="utf-8")
    assert command.run(translate, [str(table), "--prefix-column"]) == 2
    assert "--prefix-column: line 2 has more than two columns" in capsys.readouterr().err


def test_capitals_of_the_source_do_not_change_the_letters_of_a_prefix() -> None:
    translator = Translator.load("en-de")
    [mixed] = translator.translate(["The URL is good."], prefixes=["Die Adresse "])
    assert mixed.text.startswith("Die Adresse ")
    [upper] = translator.translate(["THE HOUSE IS GOOD."], prefixes=["Das haus "])
    assert upper.text.startswith("Das haus ")
    assert mixed.prefix_kept
    assert upper.prefix_kept
