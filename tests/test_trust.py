"""What strangers' models can do: run no code, exceed no bounds; and whether the table of tests is true."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from s2s.cli import command
from s2s.errors import UserError
from s2s.storage.model_directory import load, read_model, write_model
from s2s.storage.verified import seal
from translation import model as _  # noqa: F401 - registers its kind
from translation.translate import translate

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("s2s", "translation", "captioning", "labelling", "question_answering", "language_model", "data_prep")
SOURCES = sorted(path.relative_to(ROOT) for room in ROOMS for path in (ROOT / room).rglob("*.py"))
RUNS_CODE = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "runpy.run_path", "yaml.load"}
UNPICKLES = {"pickle", "cPickle", "_pickle", "dill", "joblib", "shelve", "marshal", "cloudpickle"}
WALL_CLOCKS = {"time.time", "time.time_ns", "datetime.now", "datetime.datetime.now"}


def called(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Each call with the dotted name of what is called, empty where it has none."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def offences(source: str) -> Iterator[str]:
    """What could run a stranger's code, give a line to a shell, or go wrong when the clock is set."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        yield from (f"imports {module}" for module in modules if module.split(".")[0] in UNPICKLES)
    for name, call in called(tree):
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        if name in RUNS_CODE or name in WALL_CLOCKS:
            yield f"calls {name}"
        if "shell" in given and given["shell"] != "False":
            yield f"{name} with a shell"
        if name == "torch.load" and given.get("weights_only") != "True":
            yield "torch.load without weights_only=True"
        if name.endswith(("numpy.load", "np.load")) and given.get("allow_pickle", "False") != "False":
            yield "numpy.load with pickles"
        if name.endswith((".extractall", ".unpack_archive")):
            yield f"{name}, which may leave its folder"


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_no_source_unpickles_evaluates_or_asks_a_shell(source: Path) -> None:
    assert list(offences((ROOT / source).read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "eval(text)",
        "subprocess.run(line, shell=True)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path, allow_pickle=True)",
        "archive.extractall(folder)",
        "time.time()",
    ],
)
def test_an_offence_is_seen(source: str) -> None:
    assert len(list(offences(source))) == 1
    assert list(offences("model.eval(); torch.load(path, weights_only=True); re.compile(text); time.monotonic()")) == []


# ------------------------------------------------------------------------------------------------- strangers' models


def changed(directory: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """A copy of the stored translator, with a configuration that a stranger changed and sealed."""
    stored = read_model(ROOT / "tests" / "data" / "stored" / "translation")
    config = json.loads(json.dumps(stored.config))
    change(config)
    write_model(directory, kind=stored.kind, config=config, tensors=stored.tensors, assets=stored.assets)
    return directory


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda config: config["decoder"].update(layers=10**12),
            "'decoder.layers': expected at least 1 and at most 64",
        ),
        (
            lambda config: config["encoder"].update(layers=10**12),
            "'encoder.layers': expected at least 1 and at most 64",
        ),
        (lambda config: config["encoder"].update(dim=10**12), "'encoder.dim': expected at least 1 and at most 65536"),
        (lambda config: config["encoder"].update(dim=65_536), "does not fit this model: encoder"),
        (lambda config: config["encoder"].update(layers=64), "does not fit this model: missing encoder"),
        (lambda config: config.update(length_ratio=1e30), "'length_ratio': expected at most 100"),
        (
            lambda config: config.update(max_source_length=10**12),
            "'max_source_length': expected at least 1 and at most",
        ),
    ],
)
def test_sizes_that_the_tensors_do_not_have_are_refused_before_anything_is_allocated(
    change: Callable[[dict[str, Any]], object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        load(changed(tmp_path / "model", change))


def test_weights_that_are_no_numbers_are_an_error_and_no_translation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = read_model(ROOT / "tests" / "data" / "stored" / "translation")
    tensors = {name: tensor * torch.nan if name.endswith("bias") else tensor for name, tensor in stored.tensors.items()}
    write_model(tmp_path / "m", kind=stored.kind, config=stored.config, tensors=tensors, assets=stored.assets)
    (tmp_path / "text").write_text("A man\n")
    code = command.run(translate, ["--model", str(tmp_path / "m"), str(tmp_path / "text")])
    output, errors = capsys.readouterr()
    assert (code, output, errors.count("\n")) == (2, "", 1)
    assert errors.startswith("error: the model's log-probabilities are NaN or infinite, so its weights are damaged")


def test_a_record_of_many_levels_is_no_recursion_error(tmp_path: Path) -> None:
    path = changed(tmp_path / "model", lambda config: None) / "config.json"
    path.write_bytes(seal({"kind": "translation"}).replace(b'"translation"', b"[" * 10**5 + b"]" * 10**5))
    with pytest.raises(UserError, match=r"config\.json: "):
        load(path.parent)


# --------------------------------------------------------------------------------------------------------- the table


def named_tests(text: str) -> list[tuple[str, str]]:
    """File and name of each test that the table names: `test_x.py::test_y`."""
    return re.findall(r"`([\w/]+\.py)::(test_\w+)`", text)


def test_every_test_that_the_table_names_is_there() -> None:
    named = named_tests((ROOT / "tests" / "TRUST.md").read_text(encoding="utf-8"))
    missing = [
        f"{file}::{name}" for file, name in named if f"def {name}(" not in (ROOT / "tests" / file).read_text("utf-8")
    ]
    assert len(named) > 50
    assert missing == []
