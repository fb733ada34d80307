"""The command `s2s classify`: one line in, one line out, whatever the line is."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from labelling_fixtures import classifier
from light_fixtures import S2S, run_light

from labelling.classifier import Classifier
from labelling.classify import classify
from labelling.doubts import doubts
from labelling.evaluate_classifier import evaluate
from labelling.labeller import LONGEST
from labelling.tagger import Tagger
from s2s.cli import command
from s2s.errors import UserError
from s2s.models.label_configuration import AttentionReadingConfig, MaxReadingConfig
from s2s.nn.configuration import AdditiveConfig
from s2s.views.attention_file import read_attention_file
from serving.export import export

Run = Callable[..., tuple[int, str, str]]
LINES = ["the dog runs .", "", "a very good film", "  \t", "unknown WORDS é 日本", "x" * 3000, "the " * 2000, "bad"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier of random weights that reads by attention."""
    directory = tmp_path_factory.mktemp("models") / "attention"
    classifier(AttentionReadingConfig(AdditiveConfig(4)), tokenise=True).save(directory, {})
    return directory


@pytest.fixture
def run(model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr("sys.argv", ["s2s classify"])

    def _run(*arguments: str | Path, program: Callable[[list[str]], int] = classify) -> tuple[int, str, str]:
        code = command.run(program, ["--model", str(model), *map(str, arguments)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return _run


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text"
    path.write_text("".join(f"{line}\n" for line in LINES))
    return path


def test_each_line_has_its_line_and_a_blank_one_stays_blank(run: Run, text: Path) -> None:
    code, output, errors = run(text)
    assert (code, errors) == (0, "5 of 8 lines are doubtful; --report FILE says which and why\n")
    lines = output.split("\n")
    assert [bool(line) for line in lines] == [bool(line.strip()) for line in [*LINES, ""]]
    for line in filter(None, lines):
        label, probability = line.split("\t")
        assert label in ("bad", "good", "odd")
        assert 1 / 3 <= float(probability) <= 1


def assert_alike(output: str, expected: str) -> None:
    """The same labels, and probabilities that rounding alone makes differ."""
    for one, other in zip(output.split("\n"), expected.split("\n"), strict=True):
        assert one.split("\t")[:1] == other.split("\t")[:1]
        probabilities = [[float(each) for each in line.split("\t")[1:]] for line in (one, other)]
        assert probabilities[0] == pytest.approx(probabilities[1], abs=2e-4)


def test_neither_company_nor_order_changes_a_label(run: Run, text: Path, tmp_path: Path) -> None:
    exact = ("--precision", "float32")
    output = run(text, *exact)[1]
    backwards = "".join(f"{line}\n" for line in reversed(output.splitlines()))
    (tmp_path / "reversed").write_text("".join(f"{line}\n" for line in reversed(LINES)))
    assert_alike(run(tmp_path / "reversed", *exact)[1], backwards)
    assert_alike(run(text, tmp_path / "reversed", *exact)[1], output + backwards)
    for line, expected in zip(LINES, output.splitlines()):
        (tmp_path / "one").write_text(f"{line}\n")
        assert_alike(run(tmp_path / "one", *exact)[1], f"{expected}\n")


def test_the_end_of_an_endless_line_is_left_out_with_a_warning(run: Run, tmp_path: Path) -> None:
    (tmp_path / "long").write_text("good\n" + "the " * (LONGEST + 5) + "\n")
    code, output, errors = run(tmp_path / "long")
    assert (code, output.count("\n")) == (0, 2)
    assert errors.splitlines()[0] == f"warning: {tmp_path / 'long'}: line 2 is long; its last 5 words were not read"


def test_standard_input_and_a_file_give_the_same(
    run: Run, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = run(text)[1]
    with text.open("rb", buffering=0) as file:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(file)))
        assert run()[1] == expected
    target = tmp_path / "labels.tsv"
    assert run(text, "--output", target)[1] == ""
    assert target.read_text() == expected
    code, _, errors = run(text, "--output", target)
    assert (code, target.read_text()) == (2, expected)
    assert errors.startswith(f"error: {target}: already exists")
    assert run(text, "--output", target, "--force")[0] == 0


def test_the_report_has_all_probabilities(run: Run, text: Path, tmp_path: Path) -> None:
    output = run(text, "--report", tmp_path / "r.jsonl")[1].splitlines()
    entries = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    assert [entry["line"] for entry in entries] == list(range(1, len(LINES) + 1))
    assert [entry["sentence"] for entry in entries] == LINES
    for entry, line in zip(entries, output):
        if line:
            assert line == f"{entry['label']}\t{entry['probability']:.4f}"
            assert sum(entry["probabilities"].values()) == pytest.approx(1, abs=2e-4)
            assert entry["probabilities"][entry["label"]] == max(entry["probabilities"].values())
        else:
            assert (entry["label"], entry["probabilities"]) == (None, {})


def test_doubtful_labels_are_counted_and_the_report_says_why(
    model: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labelling.doubts.CLOSE", 0)  # to random weights all labels are nearly as likely
    (tmp_path / "clear").write_text("the dog\n\n")
    (tmp_path / "odd").write_text("qwe rty uiop the\n")
    assert run(tmp_path / "clear")[2] == ""
    _, _, errors = run(tmp_path / "clear", tmp_path / "odd", "--report", tmp_path / "r.jsonl")
    assert errors == "1 of 3 lines is doubtful\n"
    entries = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    assert [entry["doubtful"] for entry in entries] == [False, False, True]
    assert entries[2]["reasons"] == ["3 of 4 words are unknown to the model"]
    assert not entries[1]["reasons"]
    (found,) = Classifier.load(model).classify(["uiop"])
    assert found
    assert found.doubtful


def test_a_label_is_doubtful_where_another_one_is_nearly_as_likely() -> None:
    assert doubts({"a": 0.35, "b": 0.4, "c": 0.25}, 4, 1) == ("a is nearly as likely",)
    assert doubts({"a": 0.6, "b": 0.39, "c": 0.01}, 1, 0) == ()
    assert doubts({"a": 1.0}, 1, 1) == ("1 of 1 words is unknown to the model",)


def test_attention_is_shown_on_the_words(run: Run, text: Path, tmp_path: Path) -> None:
    output = run(text, "--attention", tmp_path / "a.json")[1].splitlines()
    views = read_attention_file(tmp_path / "a.json")
    assert len(views) == sum(map(bool, output))
    assert views[0].segments[0].tokens == ("the", "dog", "runs", ".")  # type: ignore[union-attr]
    assert views[0].weights is not None
    assert sum(views[0].weights[0]) == pytest.approx(1, abs=1e-3)
    assert run(text, "--attention", tmp_path / "a.html")[0] == 0
    page = (tmp_path / "a.html").read_text()
    assert "runs" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert run(text, "--attention", tmp_path / "a.svg")[2].startswith("error: --attention")


def test_attention_of_a_model_that_has_none_is_refused(
    tmp_path: Path, text: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    classifier(MaxReadingConfig()).save(tmp_path / "model", {})
    arguments = ["--model", str(tmp_path / "model"), str(text), "--attention", str(tmp_path / "a.html")]
    assert command.run(classify, arguments) == 2
    assert "this classifier reads a sentence by its max; train one with" in capsys.readouterr().err
    assert not (tmp_path / "a.html").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"a\n\xff\n", "line 2, byte 2: not UTF-8: FF"), (b"\x00\x01", "line 1"), (b"%PDF-1.5\n", "")],
)
def test_what_is_no_text_is_told(content: bytes, message: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "broken").write_bytes(content)
    code, _, errors = run(tmp_path / "broken")
    assert code == 2
    assert errors.startswith(f"error: {tmp_path / 'broken'}")
    assert message in errors
    assert errors.count("\n") == 1


def test_no_model_and_a_model_of_another_kind_are_told(tmp_path: Path) -> None:
    classifier(MaxReadingConfig()).save(tmp_path / "model", {})
    with pytest.raises(UserError, match="holds a model of kind 'classifier', which this command cannot use"):
        Tagger.load(tmp_path / "model")
    with pytest.raises(UserError, match="none: no such directory"):
        Classifier.load(tmp_path / "none")


def test_the_light_form_gives_the_same_without_torch(run: Run, model: Path, text: Path, tmp_path: Path) -> None:
    """It is used where the model has it; in float32 the probabilities are those of PyTorch."""
    expected = run(text, "--precision", "float32")[1]
    assert command.run(export, [str(model), "--output", str(tmp_path / "light"), "--precision", "float32"]) == 0
    done = run_light(S2S, "classify", "--model", tmp_path / "light", text, "--attention", tmp_path / "a.html")
    assert done.returncode == 0, done.stderr
    assert_alike(done.stdout, expected)


# ------------------------------------------------------------------------------------------------------ evaluation


def test_the_evaluation_is_that_of_the_labels_that_are_written(run: Run, tmp_path: Path) -> None:
    sentences = ["the dog runs", "a good film", "bad house", "the cat sleeps", "not very fine"]
    (tmp_path / "text").write_text("".join(f"{line}\n" for line in sentences))
    labels = [line.split("\t")[0] for line in run(tmp_path / "text")[1].splitlines()]
    other = {"bad": "good", "good": "odd", "odd": "bad"}
    truth = [*labels[:3], *(other[label] for label in labels[3:])]
    data = tmp_path / "data.tsv"
    data.write_text("".join(f"{label}\t{line}\n" for label, line in zip(truth, sentences)))
    code, output, _ = run("--data", data, "--json", "--confusion", tmp_path / "c.png", program=evaluate)
    figures = json.loads(output)
    assert (code, figures["labels"], figures["accuracy"]) == (0, 5, 0.6)
    assert 0 <= figures["calibration_error"] <= 1
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
    assert "accuracy 60.00 % of 5 sentences\n" in run("--data", data, program=evaluate)[1]


def test_labels_that_training_never_saw_are_refused_or_count_as_errors(run: Run, tmp_path: Path) -> None:
    data = tmp_path / "data.tsv"
    data.write_text("good\tthe dog\nnew\ta cat\n")
    code, output, errors = run("--data", data, program=evaluate)
    assert (code, output) == (2, "")
    assert errors.startswith(f"error: {data}: line 2: the label 'new' does not occur in the training text, whose")
    code, output, _ = run("--data", data, "--unknown-labels", "count", "--json", program=evaluate)
    assert (code, [each["f1"] for each in json.loads(output)["by_label"] if each["label"] == "new"]) == (0, [0.0])
