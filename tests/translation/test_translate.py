"""The `translate` command: what it writes, what it says, and what it refuses before anything is loaded."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from s2s.cli import command
from s2s.decoding.results import Sentence, Translation
from s2s.decoding.search import BeamOptions
from s2s.storage.bundled import bundled_models
from translation import loading, translate
from translation.configuration import KIND
from translation.model import TranslationModel
from translation.translator import Translator

ROOT = Path(__file__).resolve().parents[2]
LINES = ["A man is sleeping.", "", "Two dogs play!", " \t", "A red hat in the snow."]
# Longer than the sources that the tiny model knows, which are of 30 tokens.
LONG = "A man is in the park with dogs that play with a ball in the snow and it is a red ball in the park."

Translate = Callable[..., tuple[int, str, str]]


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.en"
    path.write_text("".join(f"{line}\n" for line in LINES))
    return path


def expected(model: Path, lines: Sequence[str], n_best: int = 1) -> list[Translation]:
    search = BeamOptions(3, n_best, stop_early=True)
    return Translator.load(model, search, device="cpu", precision="float32").translate(lines)


def test_every_line_gets_its_line(run: Translate, text: Path, tiny_model: Path) -> None:
    output = [each.text for each in expected(tiny_model, LINES)]
    assert output[1] == output[3] == ""
    assert run(text) == (0, "".join(f"{line}\n" for line in output), "")


def test_a_terminal_is_asked_for_lines(run: Translate, monkeypatch: pytest.MonkeyPatch) -> None:
    keyboard, terminal = os.openpty()
    with os.fdopen(terminal, "r") as typed:
        monkeypatch.setattr(sys, "stdin", typed)
        os.write(keyboard, b"A man is sleeping.\n\x04")
        code, output, errors = run()
    os.close(keyboard)
    assert (code, output.count("\n")) == (0, 1)
    assert errors == "Type a line and press Enter to translate it; end with Ctrl-D.\n"


@pytest.mark.parametrize(
    "words", [["A man is running."], ["A", "man", "is", "running."], ["x" * 300 + " y"], ["Hello"]]
)
def test_text_in_place_of_a_file_gets_a_hint(run: Translate, words: list[str]) -> None:
    code, output, errors = run(*words)
    assert (code, output) == (2, "")
    text = shlex.quote(" ".join(words))
    assert errors.endswith(f"or to translate these words use: echo {text} | translate\n")


def test_several_models_write_together(run: Translate, text: Path, tiny_model: Path, tmp_path: Path) -> None:
    """`run` names a --model already."""
    other = TranslationModel.load(tiny_model)
    with torch.no_grad():
        for parameter in other.network.parameters():
            parameter.normal_(generator=torch.Generator().manual_seed(1))
    other.save(tmp_path / "other", {})
    search = BeamOptions(3, stop_early=True)
    ensemble = Translator.load(tiny_model, search, others=[tmp_path / "other"], device="cpu", precision="float32")
    output = "".join(f"{each.text}\n" for each in ensemble.translate(LINES))
    assert run("--model", tmp_path / "other", text) == (0, output, "")
    assert output != run(text)[1]


def test_several_files_give_one_output_in_order(run: Translate, text: Path, tmp_path: Path) -> None:
    other, empty = tmp_path / "other.en", tmp_path / "empty.en"
    other.write_text("A ball.\r\n\r\nno end")
    empty.write_text("")
    alone = [run(path)[1] for path in (text, empty, other)]
    assert [output.count("\n") for output in alone] == [5, 0, 3]
    assert run(text, empty, other)[1] == "".join(alone)


def test_n_best_lists_hypotheses_with_scores(run: Translate, text: Path, tiny_model: Path) -> None:
    lines = [
        f"{number} ||| {each.text} ||| {f'{each.score:.4f}' if each.tokens else ''}\n"
        for number, several in enumerate([*expected(tiny_model, LINES, 2)] * 2)
        for each in several.n_best
    ]
    assert len(lines) == 16  # one of a blank line
    assert run("--n-best", 2, text, text) == (0, "".join(lines), "")


def test_windows_are_answered_one_after_the_other(
    run: Translate, text: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was translated is out before more is read; numbers go on from window to window."""
    whole, several = run(text)[1], run("--n-best", 2, text)[1]
    seen = []
    original = Translator.translate

    def spy(self: Translator, lines: Sequence[str], **options: Any) -> list[Translation]:
        seen.append((len(lines), capsys.readouterr().out))
        return original(self, lines, **options)

    monkeypatch.setattr(Translator, "translate", spy)
    monkeypatch.setattr("s2s.text.lines.WINDOW_LINES", 2)
    rest = run(text)[1]
    assert [count for count, _ in seen] == [2, 2, 1]
    assert "".join(output for _, output in seen) + rest == whole
    assert [output.count("\n") for _, output in seen] == [0, 2, 2]
    seen.clear()
    rest = run("--n-best", 2, text)[1]
    assert "".join(output for _, output in seen) + rest == several


def test_output_is_written_when_whole_and_not_over_another(run: Translate, text: Path, tmp_path: Path) -> None:
    output = tmp_path / "text.de"
    whole = run(text)[1]
    assert run("--output", output, text) == (0, "", "")
    assert output.read_text() == whole
    output.write_text("precious")
    assert run("--output", output, text) == (
        2,
        "",
        f"error: {output}: already exists; choose another name, or replace it with --force\n",
    )
    assert output.read_text() == "precious"
    assert run("--output", output, "--force", text)[0] == 0
    assert output.read_text() == whole


@pytest.mark.parametrize("option", ["--output", "--attention"])
def test_an_input_is_never_replaced(run: Translate, tmp_path: Path, option: str) -> None:
    page = tmp_path / "text.html"  # a name that --attention takes too
    page.write_text("A man\n")
    message = f"error: {page}: is an input and would be overwritten; choose another name\n"
    assert run(option, page, "--force", page) == (2, "", message)
    assert page.read_text() == "A man\n"


def test_a_failure_leaves_the_output_as_it_was(run: Translate, text: Path, tmp_path: Path) -> None:
    output, broken = tmp_path / "text.de", tmp_path / "broken.en"
    output.write_text("precious")
    broken.write_bytes(b"A man\n\xff\xfe\n")
    code, _, errors = run("--output", output, "--force", text, broken)
    assert (code, errors.count("\n")) == (2, 2)
    assert errors.splitlines()[0].startswith(f"warning: {output}.part keeps what is done, 5 lines; the same command")
    assert errors.splitlines()[1].startswith(f"error: {broken}: line 2, byte 6: not UTF-8: FF")
    assert output.read_text() == "precious"
    left = ["broken.en", "text.de", "text.de.part", "text.de.part.json", "text.en"]
    assert sorted(path.name for path in tmp_path.iterdir()) == left


def test_bytes_that_are_not_utf8_can_be_replaced(run: Translate, tmp_path: Path) -> None:
    broken = tmp_path / "broken.en"
    broken.write_bytes(b"\xff\nA man \xc3\n")
    code, output, errors = run("--encoding-errors", "replace", broken)
    assert (code, output.count("\n")) == (0, 2)
    assert output.startswith("\ufffd\n")
    assert errors == f"warning: {broken}: 2 sequences of bytes that are not UTF-8 were replaced by U+FFFD\n"


def test_long_lines_are_named_and_then_counted(run: Translate, tmp_path: Path) -> None:
    few, many = tmp_path / "few.en", tmp_path / "many.en"
    few.write_text(f"A man\n{LONG}\n")
    many.write_text(f"{LONG}\n\n" * 4)
    code, output, errors = run(few)
    assert (code, output.count("\n")) == (0, 2)
    assert errors == (
        f"warning: {few}: line 2 is longer than all lines that the model was trained on (30 tokens); it was translated "
        "in 2 pieces\n"
    )
    code, output, errors = run(few, many)
    named = [warning.partition(" is longer")[0] for warning in errors.splitlines()]
    assert named[:3] == [f"warning: {few}: line 2", f"warning: {many}: line 1", f"warning: {many}: line 3"]
    assert named[3:] == ["warning: 5 lines were cut into pieces in all"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--n-best", "4"], "--n-best 4 is more than --beam 3; choose a wider beam"),
        (["--n-best", "0"], "argument --n-best: '0' is not a whole number from 1 (see translate --help)"),
        (["--beam", "many"], "argument --beam: 'many' is not a whole number from 1 (see translate --help)"),
        (["--to", "de"], "argument --to: not allowed with argument --model (see translate --help)"),
        (
            ["--length-penalty", "-1"],
            "argument --length-penalty: '-1' is not a number from 0 to 10 (see",
        ),
        (["--length-penalty", "nan"], "argument --length-penalty: 'nan' is not a number from 0 to 10"),
        (["--length-penalty", "inf"], "argument --length-penalty: 'inf' is not a number from 0 to 10"),
        (["--length-penalty", "much"], "argument --length-penalty: 'much' is not a number from 0 to 10"),
        (["--output", "/no/such/folder/x"], "/no/such/folder/x: its folder /no/such/folder does not exist; create it"),
        (["no-such-file"], "no-such-file: no such file (relative to the current folder); check the path"),
        (["/"], "/: is a folder; name a file in it"),
    ],
)
def test_a_mistake_is_one_line(run: Translate, text: Path, arguments: list[str], complaint: str) -> None:
    code, output, errors = run(text, *arguments)
    assert (code, output, errors.count("\n")) == (2, "", 1)
    assert errors.startswith(f"error: {complaint}")


def test_mistakes_are_told_before_torch_is_imported(tmp_path: Path, text: Path) -> None:
    program = (
        "import sys; from s2s.cli import command; from translation.translate import translate\n"
        "code = command.run(translate); print(code, 'torch' in sys.modules)"
    )
    taken = tmp_path / "taken"
    taken.touch()
    for arguments in (["missing"], [str(text), "--output", str(taken)], [str(text), "--n-best", "9"], ["--to", "tlh"]):
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.stdout == "2 False\n"


def test_the_bundled_model_is_chosen_by_its_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "MODELS", tmp_path)
    for pair in ("fr-de", "en-de", "ru-de", "de-en", "en-de-long-name"):
        (tmp_path / pair).mkdir()
        (tmp_path / pair / "config.json").touch()
    assert loading.bundled("de") == tmp_path / "en-de"
    assert loading.bundled("en") == tmp_path / "de-en"


def test_a_bundled_model_is_chosen_by_its_name(
    tiny_model: Path, tmp_path: Path, text: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(loading, "MODELS", tmp_path)
    shutil.copytree(tiny_model, tmp_path / "tiny")
    outputs = []
    for model in (tiny_model, "tiny"):
        assert command.run(translate.translate, ["--precision", "float32", "--model", str(model), str(text)]) == 0
        outputs.append(capsys.readouterr())
    assert outputs[0] == outputs[1]
    assert outputs[0].out.count("\n") == len(LINES)
    assert command.run(translate.translate, ["--model", "tinny", str(text)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: tinny: no such directory, and no bundled model has this name; the bundled models ")
    assert "tiny" in error


def test_the_bundled_models_are_of_the_kind_that_translate_asks_for() -> None:
    assert loading.model_directory(Path("de-en")) == loading.MODELS / "de-en"
    assert {model.kind for model in bundled_models("translation", loading.MODELS)} == {KIND}
    assert {model.name for model in bundled_models(KIND)} >= {"de-en", "de-en-multi30k", "en-de", "en-de-multi30k"}
    assert [loading.bundled(code).name for code in ("de", "en", "fr")] == ["en-de", "de-en", "en-fr"]


def test_without_a_bundled_model_the_message_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: Path
) -> None:
    monkeypatch.setattr(loading, "MODELS", tmp_path)
    assert command.run(translate.translate, [str(text)]) == 2
    assert capsys.readouterr().err.startswith("error: no model is bundled with this installation; choose one with")
    (tmp_path / "en-de").mkdir()
    (tmp_path / "en-de" / "config.json").touch()
    assert command.run(translate.translate, ["--to", "fr", str(text)]) == 2
    assert capsys.readouterr().err == (
        "error: --to fr: the bundled models translate to de; choose another language, or a --model\n"
    )


def test_a_wrong_number_of_translations_is_a_bug_and_not_an_output(
    run: Translate, text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Translator, "translate", lambda self, lines, **_: [Translation((Sentence("x", 0.0),))])
    code, output, errors = run(text)
    assert (code, output) == (70, "")
    assert "5 lines gave 1 translations" in errors
