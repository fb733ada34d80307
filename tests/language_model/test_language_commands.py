"""The commands of language models: from a text to a model and to what it writes; and mistakes, each in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from language_fixtures import LINES, tiny_language_model

from language_model import evaluate, sample, score, train
from s2s.cli import average_models, command
from serving import export

RECIPE = """
data.train = ["{folder}/text.txt"]
data.validation_share = 0.2
batch = {{ streams = 4, steps = 16 }}
[model]
embedding_dim = 8
dim = 12
layers = 2
[training]
epochs = 2
precision = "float32"
optimiser.learning_rate = 1e-2
schedule.warmup_steps = 2
averaging.decay = 0.9
"""
Run = Callable[..., tuple[int, str, str]]
COMMANDS = {
    "train": train.train,
    "evaluate": evaluate.evaluate,
    "sample": sample.sample,
    "score": score.score,
    "export": export.export,
    "average": average_models.average_models,
}


@pytest.fixture(name="run")
def run_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., tuple[int, str, str]]:
    """Run a command in this process: exit code, output, errors."""
    monkeypatch.setenv("S2S_CACHE", str(tmp_path / "cache"))

    def _run(name: str, *arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", [f"s2s {name}"])
        code = command.run(COMMANDS[name], list(map(str, arguments)))
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return code, captured.out, captured.err

    return _run


@pytest.fixture
def model(tmp_path: Path) -> Path:
    tiny_language_model().save(tmp_path / "model", {})
    return tmp_path / "model"


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    (tmp_path / "text.txt").write_text("\n".join(LINES * 12) + "\n", encoding="utf-8")
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE.format(folder=tmp_path))
    return path


def error_of(found: tuple[int, str, str]) -> str:
    code, output, errors = found
    *_, last = errors.splitlines()
    assert (code, output) == (2, ""), errors
    assert last.startswith("error: ")
    return last


# ------------------------------------------------------------------------------------------------- what they do


@pytest.mark.parametrize("kind", ["character", "word", "bpe"])
def test_from_a_text_to_what_a_model_writes(recipe: Path, run: Run, tmp_path: Path, kind: str) -> None:
    setting = ("--set", f"vocabulary.kind={kind}", "--set", "vocabulary.size=45")
    shape = () if kind == "character" else ("--set", "batch.streams=2", "--set", "batch.steps=12")
    code, output, errors = run("train", recipe, "--run", tmp_path / "run", *setting, *shape)
    assert code == 0, errors
    best = tmp_path / "run" / "best"
    assert json.loads(output)["model"] == str(best)
    assert json.loads((best / "config.json").read_text())["config"]["example"] == LINES[0]
    assert "different tokens" in errors
    code, output, errors = run("evaluate", tmp_path / "text.txt", "--model", best, "--json", "--share", "0.2")
    assert (code, "unknown" in errors) == (0, kind == "word")  # half of a word, where the text was cut
    figures, log = json.loads(output), [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").open()]
    assert figures["nats_per_token"] == pytest.approx(min(entry["loss"] for entry in log), abs=2e-3)  # in float16
    code, output, errors = run("sample", "--model", best, "--prime", "A man", "--length", "12", "--n", "2")
    assert (code, errors) == (0, "")
    assert [line for line in output.splitlines() if line.startswith("===")] == ["=== 1 of 2", "=== 2 of 2"]
    assert output.count("A man") >= 2
    code, output, errors = run("average", best, best, "--output", tmp_path / "mean")
    assert code == 0, errors


def test_sample_prints_what_python_writes(model: Path, run: Run) -> None:
    options = ("--model", model, "--engine", "torch", "--precision", "float32", "--length", "30", "--seed", "3")
    code, output, errors = run("sample", *options, "--prime", "A man\n")
    assert (code, errors) == (0, "")
    code, as_json, _ = run("sample", *options, "--prime", "A man\n", "--n", "3", "--json")
    records = [json.loads(line) for line in as_json.splitlines()]
    assert output.rstrip("\n") == (records[0]["prime"] + records[0]["text"]).rstrip("\n")
    assert [record["tokens"] for record in records] == [30, 30, 30]
    code, output, _ = run("sample", *options, "--until", "p")
    assert output.rstrip("\n").endswith("p")
    assert output.count("p") == 1


def test_scores_stand_line_by_line(model: Path, run: Run, tmp_path: Path) -> None:
    (tmp_path / "lines").write_text("A man\n\n  \nTwo dogs\nA man", encoding="utf-8")
    code, output, errors = run("score", tmp_path / "lines", "--model", model)
    lines = output.split("\n")
    assert (code, errors, len(lines)) == (0, "", 6)
    assert lines[1] == lines[2] == lines[5] == ""
    assert lines[0] == lines[4] != lines[3]
    total, mean = map(float, lines[0].split("\t"))
    assert mean == pytest.approx(total / 6, abs=1e-3)
    code, output, _ = run("score", tmp_path / "lines", "--model", model, "--tokens", "--output", tmp_path / "scores")
    records = [json.loads(line) for line in (tmp_path / "scores").open()]
    assert (code, output) == (0, "")
    assert records[0]["tokens"] == [*"A man", "</s>"]
    assert sum(records[0]["log_probabilities"]) == pytest.approx(total, abs=1e-3)
    assert records[1] == {"log_probability": None, "score": None, "tokens": [], "log_probabilities": []}


def test_dynamic_evaluation_is_named_as_such(model: Path, run: Run, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("A man in a red hat\n" * 8)
    code, static, _ = run("evaluate", tmp_path / "text", "--model", model)
    assert code == 0
    assert "dynamic evaluation" not in static
    code, output, _ = run("evaluate", tmp_path / "text", "--model", model, "--dynamic", "--dynamic-rate", "0.01")
    assert "dynamic evaluation (chunks of 20, rate 0.01, decay 0.001)" in output
    assert output.splitlines()[1] < static.splitlines()[1]


def test_a_light_form_is_made_and_used(model: Path, run: Run) -> None:
    code, output, errors = run("export", model)
    assert (code, output) == (0, f"{model}\n"), errors
    code, light, errors = run("sample", "--model", model, "--engine", "onnx", "--length", "9")
    assert (code, errors) == (0, "")
    assert len(light) >= 9


# ------------------------------------------------------------------------------------------------------ mistakes


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["batch.streams=60"], "tokens, too few for batch.streams = 60 streams of at least batch.steps = 16 tokens"),
        (["batch.steps=400"], "lower one of them, or train on more text"),
        (["data.validation_share=0"], "data: set either validation or validation_share"),
        (["data.train=[]"], "data: there is no text to train on: set train"),
        (["vocabulary.kind=bpe", "vocabulary.size=9000"], "too large for this text; set a size of at most"),
        (["model.cells=gru"], "unknown key 'model.cells' (did you mean 'cell'?)"),
        (['data.train=["none.txt"]'], "none.txt is not a file"),
    ],
)
def test_a_recipe_that_cannot_be_trained(
    recipe: Path, run: Run, tmp_path: Path, settings: list[str], message: str
) -> None:
    options = [option for setting in settings for option in ("--set", setting)]
    assert message in error_of(run("train", recipe, "--run", tmp_path / "run", *options))


def test_an_empty_text_is_an_error_everywhere(recipe: Path, model: Path, run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert "is empty" in error_of(run("evaluate", tmp_path / "empty", "--model", model))
    (tmp_path / "text.txt").write_text("")
    assert "is empty" in error_of(run("train", recipe, "--run", tmp_path / "run"))
    assert run("score", tmp_path / "empty", "--model", model) == (0, "", "")


def test_mistakes_are_one_line(model: Path, run: Run, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("A man\n")
    here = ("--model", model)
    assert "does not know: '€'; leave them out" in error_of(run("sample", *here, "--prime", "€"))
    assert "--until is empty" in error_of(run("sample", *here, "--until", ""))
    assert "not a number above 0" in error_of(run("sample", *here, "--temperature", "0"))
    assert "has no light form" in error_of(run("sample", *here, "--engine", "onnx"))
    assert "no such file" in error_of(run("evaluate", tmp_path / "none", *here))
    evaluated = ("evaluate", tmp_path / "text", *here)
    assert "--dynamic-rate needs --dynamic" in error_of(run(*evaluated, "--dynamic-rate", "1"))
    assert "not a share above 0" in error_of(run(*evaluated, "--share", "2"))
    assert "already exists" in error_of(run("score", tmp_path / "text", *here, "--output", model / "config.json"))
    assert "no such directory" in error_of(run("sample", "--model", tmp_path / "none"))
    (tmp_path / "bytes").write_bytes(b"A\xff\n")
    assert "not UTF-8: FF" in error_of(run("score", tmp_path / "bytes", *here))


def test_what_the_model_does_not_know_is_told(model: Path, run: Run, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("A man\nA € man\n", encoding="utf-8")
    code, output, errors = run("evaluate", tmp_path / "text", "--model", model, "--json")
    assert code == 0
    assert "1 of 14 tokens is unknown to the model" in errors
    assert json.loads(output)["unknown"] == 1
    code, output, errors = run("score", tmp_path / "text", "--model", model)
    assert (code, len(output.splitlines())) == (0, 2)
    assert "in 1 of 2 lines (line 2)" in errors
