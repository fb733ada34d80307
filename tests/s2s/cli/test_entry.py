"""The command `s2s`, in processes of its own: lists, runs and names commands, and imports none that it does not run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from plugin_fixtures import install

from s2s.plugins import registered

ROOT = Path(__file__).resolve().parents[3]
COMMANDS = {
    "answer",
    "average",
    "calibrate captioning",
    "calibrate translation",
    "caption",
    "classify",
    "compare",
    "evaluate answerer",
    "evaluate captioning",
    "evaluate classifier",
    "evaluate frame-labeller",
    "evaluate language-model",
    "evaluate tagger",
    "evaluate translation",
    "export",
    "label-frames",
    "mass caption",
    "mass translate",
    "models",
    "prepare coco",
    "prepare corpus",
    "prepare features",
    "prepare flickr8k",
    "prepare multi30k",
    "prepare multi30k-captions",
    "prepare parallel",
    "prepare python-source",
    "prepare toy",
    "prepare toy-films",
    "prepare toy-questions",
    "rebalance captioning",
    "sample",
    "score text",
    "score translation",
    "serve",
    "tag",
    "train answerer",
    "train captioning",
    "train classifier",
    "train frame-labeller",
    "train language-model",
    "train tagger",
    "train translation",
    "translate",
    "view cells",
    "view gradients",
    "view heads",
    "view run",
    "view unrolled",
}
SCRIPTS = Path(sys.executable).parent  # where an installer puts `s2s`, `translate` and `caption`
HELLO = """'''Greet someone.'''
import argparse, sys

def main(arguments):
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    print(f"{parser.prog}: hello, {parser.parse_args(arguments).name}", "torch" in sys.modules)
    return 1
"""


def execute(*command: str | Path, path: Path | None = None, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a command, with the distributions in `path` installed too."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    extra = {"PYTHONPATH": str(path)} if path else {}
    return subprocess.run(
        command, env=environment | extra, cwd=cwd, capture_output=True, text=True, check=False, timeout=120
    )


def s2s(*arguments: str, path: Path | None = None) -> tuple[int, str, str]:
    done = execute(SCRIPTS / "s2s", *arguments, path=path)
    return done.returncode, done.stdout, done.stderr


def listed(help_text: str) -> dict[str, str]:
    """The commands in a text of --help, with their descriptions."""
    lines = [line.strip().split("  ", 1) for line in help_text.splitlines() if line.startswith("  ")]
    return {name: description.strip() for name, description in lines}


def test_help_lists_every_command_with_a_sentence() -> None:
    code, output, errors = s2s("--help")
    assert (code, errors) == (0, "")
    assert output.startswith("usage: s2s COMMAND ...\n")
    commands = listed(output)
    assert commands.keys() == COMMANDS
    assert commands["translate"] == "Translate text, one sentence per line."
    assert all(text[0].isupper() and text.endswith(".") for text in commands.values())
    assert (0, output, "") == s2s() == s2s("-h")


def test_a_group_lists_its_commands() -> None:
    code, output, errors = s2s("train", "--help")
    assert (code, errors) == (0, "")
    assert output.startswith("usage: s2s train COMMAND ...\n")
    assert listed(output).keys() == {
        *("answerer", "captioning", "classifier", "frame-labeller", "language-model", "tagger", "translation")
    }
    assert s2s("train") == (0, output, "")


@pytest.mark.parametrize("arguments", [["--help"], ["train"], ["models"], ["trainslate"]])
def test_no_command_is_imported_that_is_not_run(arguments: list[str]) -> None:
    done = execute(sys.executable, "-X", "importtime", "-m", "s2s", *arguments)
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "importlib.metadata" in imported
    packages = {name.partition(".")[0] for name in imported}
    assert not packages & {"translation", "captioning", "language_model", "data_prep", "torch", "numpy", "PIL"}


def test_a_command_gets_the_other_arguments(tmp_path: Path) -> None:
    code, output, _ = s2s("prepare", "toy", "--output", str(tmp_path / "toy"))
    assert code == 0
    assert output.splitlines()[0] == str(tmp_path / "toy" / "train.source")


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_is_called_in_its_help_as_the_user_called_it(name: str) -> None:
    code, output, errors = s2s(*name.split(), "--help")
    assert (code, errors) == (0, "")
    assert output.startswith(f"usage: s2s {name} [-h]")


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ([SCRIPTS / "translate"], "translate"),
        ([SCRIPTS / "caption"], "caption"),
        ([SCRIPTS / "s2s", "train", "captioning"], "s2s train captioning"),
        ([sys.executable, "-m", "s2s", "translate"], "python -m s2s translate"),
        ([sys.executable, "-m", "translation.train"], "python -m translation.train"),
        ([sys.executable, "-m", "s2s.cli.average_models"], "python -m s2s.cli.average_models"),
        ([sys.executable, "translation/translate.py"], "python translation/translate.py"),
    ],
)
def test_errors_name_the_command_as_the_user_called_it(command: list[str | Path], name: str) -> None:
    done = execute(*command, "--no-such-option")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith(f"(see {name} --help)\n")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("module", sorted({entry.module for entry in registered("s2s.commands")}))
def test_every_command_is_a_module_to_run(module: str) -> None:
    done = execute(sys.executable, "-m", module, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: python -m {module} [-h]")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["translat", "FILE"], "unknown command 'translat'; did you mean 'translate'? (see s2s --help)"),
        (["trian", "translation"], "unknown command 'trian'; did you mean 'train'? (see s2s --help)"),
        (["train", "translaton", "x"], "unknown command 'train translaton'; did you mean 'train translation'? (see"),
        (["prepare", "flickr"], "unknown command 'prepare flickr'; did you mean 'prepare flickr8k'? (see s2s --help)"),
        (["prepare", "--output", "x"], "unknown command 'prepare --output' (see s2s --help)"),
        (["xyzzy"], "unknown command 'xyzzy' (see s2s --help)"),
        (["--force"], "unknown command '--force' (see s2s --help)"),
    ],
)
def test_an_unknown_command_is_one_line_with_the_nearest_ones(arguments: list[str], message: str) -> None:
    code, output, errors = s2s(*arguments)
    assert (code, output, errors.count("\n")) == (2, "", 1)
    assert errors.startswith(f"error: {message}")


def test_a_third_party_can_add_a_command_and_its_exit_code_counts(tmp_path: Path) -> None:
    install(tmp_path, "greetings", "[s2s.commands]\nhello = hello:main\nhello twice = hello:main\n", hello=HELLO)
    commands = listed(s2s(path=tmp_path)[1])
    assert commands.keys() == COMMANDS | {"hello", "hello twice"}
    assert commands["hello"] == "Greet someone."
    assert s2s("hello", "Ada", path=tmp_path) == (1, "s2s hello: hello, Ada False\n", "")
    assert s2s("hello", "twice", "Ada", path=tmp_path)[1].startswith("s2s hello twice: hello, Ada")


def test_a_broken_third_party_breaks_no_other_command(tmp_path: Path) -> None:
    entries = "gone = no_such_module:main\nwrong = wrong:main\nodd = :::\n = nameless:main\n"
    install(tmp_path, "broken", f"[s2s.commands]\n{entries}", wrong="raise ImportError('no\\nluck')")
    install(tmp_path, "malformed", "[s2s.commands]\nno equals sign\n")
    code, output, errors = s2s("--help", path=tmp_path)
    assert (code, errors) == (0, "")
    assert COMMANDS | {"gone", "wrong", "odd"} == listed(output).keys()
    assert s2s("models", path=tmp_path)[0] == 0
    assert s2s("modles", path=tmp_path)[2].startswith("error: unknown command 'modles'; did you mean 'models'?")
    for name in ("gone", "wrong", "odd"):
        code, output, errors = s2s(name, path=tmp_path)
        assert (code, output, errors.count("\n")) == (2, "", 1)
        assert errors.startswith(f"error: {name}: cannot be loaded (")
        assert errors.endswith("; reinstall or remove broken\n")


def test_without_an_installation_the_message_says_what_to_do(tmp_path: Path) -> None:
    done = execute(sys.executable, "-S", "-m", "s2s")  # no site-packages, and therefore no metadata
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: no commands are installed: run `uv sync`, or `pip install .`")


def test_models_lists_name_kind_size_and_purpose() -> None:
    code, output, errors = s2s("models")
    assert (code, errors) == (0, "")
    rows = [line.split(maxsplit=4) for line in output.splitlines()]
    assert [(name, kind) for name, kind, *_ in rows] == [
        ("photo-questions", "answerer"),
        ("everyday", "captioning"),
        ("flickr8k", "captioning"),
        ("film-reviews", "classifier"),
        ("shakespeare", "language_model"),
        ("english-tags", "tagger"),
        ("de-en", "translation"),
        ("de-en-multi30k", "translation"),
        ("en-de", "translation"),
        ("en-de-multi30k", "translation"),
        ("en-fr", "translation"),
    ]
    for name, kind, size, unit, purpose in rows:
        (directory,) = [*ROOT.glob(f"*/models/{name}"), *ROOT.glob(f"*/models/{kind}/{name}")]
        assert unit == "MB"
        assert abs(float(size) - sum(path.stat().st_size for path in directory.iterdir()) / 1e6) <= 0.051
        assert purpose == (directory / "README.md").read_text(encoding="utf-8").splitlines()[0].strip("# ")
