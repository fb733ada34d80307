"""What `translation.evaluate` prints are sacreBLEU's own figures, and mistakes are told before anything is loaded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from model_fixtures import recurrent
from translation_fixtures import SHAPE

from s2s.decoding.search import BeamOptions
from s2s.errors import UserError
from s2s.text.tokens import END
from s2s.text.vocabulary import WordVocabulary
from translation.evaluate import evaluate
from translation.metrics import corpus_scores, lower_tokenised_bleu, paired_bootstrap
from translation.model import TranslationModel
from translation.translate import translate
from translation.translator import Translator

SOURCE = ["two dogs play", "", "a man is sleeping in the park", "a man with a dog", "a ball"]
OURS = ["Zwei Hunde spielen.", "", "Ein Mann schläft im Park.", "Die Frau und ein Hund.", "Ein großer Park."]
THEIRS = ["Zwei Hunde.", "Nichts.", "Ein Mann im Park.", "Eine Frau, ein Hund.", "Der Park."]
REFERENCE = ["Zwei Hunde spielen.", "Ja.", "Ein Mann schläft im Park.", "Eine Frau und ein Hund.", "Ein Park."]
OTHER = ["Hunde spielen.", "Ja!", "Da schläft ein Mann im Park.", "Frau und Hund.", "Das ist ein großer Park."]


def write(path: Path, lines: list[str]) -> str:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """The texts above as files, by their names in lower case."""
    texts = {"source": SOURCE, "ours": OURS, "theirs": THEIRS, "reference": REFERENCE, "other": OTHER}
    return {name: write(tmp_path / f"{name}.txt", lines) for name, lines in texts.items()}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Directories of two models that write words until they are cut off: nonsense, but with 4-grams to be counted."""
    words = WordVocabulary.from_lines(SOURCE)
    config = replace(SHAPE, max_source_length=10)
    directories = [tmp_path_factory.mktemp("models") / name for name in ("first", "second")]
    for seed, directory in enumerate(directories):
        torch.manual_seed(seed)
        model = TranslationModel.fresh(config, words, words)
        with torch.no_grad():
            for parameter in model.network.parameters():
                parameter.normal_()
            recurrent(model.network).projection.bias[END] = -100
        model.save(directory, {})
    return directories


def printed(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> dict[str, Any]:
    """The JSON object that the command prints, with nothing else on standard output."""
    assert evaluate([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_what_makes_scores_doubtful_is_told(
    files: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tokenised = write(tmp_path / "tokenised.de", [f"{line.rstrip('.')} ." for line in OURS])
    assert evaluate(["--hypothesis", tokenised, "--reference", files["reference"], "--target-language", "de"]) == 0
    assert f"warning: {tokenised}: looks tokenised" in capsys.readouterr().err
    n_best = write(tmp_path / "n-best.de", [f"{i} ||| {line} ||| -1" for i, line in enumerate(OURS * 2)])
    with pytest.raises(UserError):
        evaluate(["--hypothesis", n_best, "--reference", files["reference"], "--target-language", "de"])
    assert f"warning: {n_best}: looks like an n-best list" in capsys.readouterr().err
    short = write(tmp_path / "short.de", ["Ja"] * 5)
    assert evaluate(["--hypothesis", short, "--reference", short, "--target-language", "de"]) == 0
    assert "warning: BLEU: no four words in a row are the same" in capsys.readouterr().err


def test_two_references_give_the_figures_of_sacrebleus_command_line(
    files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    streams = [files["reference"], files["other"]]
    result = printed(capsys, "--hypothesis", files["ours"], "--reference", *streams, "--target-language", "de")
    command = [sys.executable, "-m", "sacrebleu", *streams, "-i", files["ours"], "-m", "bleu", "chrf", "-w", "10"]
    theirs = json.loads(subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout)
    for ours, expected in zip(result["scores"], theirs):
        assert (ours["name"], ours["signature"]) == (expected["name"], expected["signature"])
        assert ours["value"] == pytest.approx(expected["score"], abs=1e-9)
        assert 0 < ours["value"] < 100
    assert result["lines"] == 5
    assert result["references"] == streams
    separately = printed(
        capsys, "--hypothesis", files["ours"], "--reference", streams[0], "--reference", streams[1],
        "--target-language", "de",
    )  # fmt: skip
    assert separately == result


def test_lower_cased_tokenised_bleu_stands_beside_with_lengths(
    files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--hypothesis", files["ours"], "--reference", files["reference"], "--target-language", "de"]
    cased, _, lower = printed(capsys, *given)["scores"]
    expected = lower_tokenised_bleu(OURS, [REFERENCE], "de")
    assert (lower["value"], lower["signature"]) == (expected.value, expected.signature)
    assert (cased["hypothesis_length"], cased["reference_length"]) == (4 + 6 + 6 + 4, 4 + 2 + 6 + 6 + 3)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (
            ["--beam", "3"],
            "--beam: for a model that translates, and --hypothesis is a file .*; leave it out",
        ),
        (
            ["--sample", "--threads", "1"],
            "--sample, --threads: for a model that translates, .*; leave them out",
        ),
    ],
)
def test_a_file_of_translations_has_no_search(files: dict[str, str], arguments: list[str], complaint: str) -> None:
    given = ["--hypothesis", files["ours"], "--reference", files["reference"], "--target-language", "de"]
    with pytest.raises(UserError, match=complaint):
        evaluate([*given, *arguments])


def test_the_report_says_which_bleu_is_which_and_its_significance_beside_it(
    files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--hypothesis", files["ours"], "--reference", files["reference"], "--target-language", "de"]
    assert evaluate([*given, "--baseline", files["theirs"]]) == 0
    heading, bleu, chrf, lower = capsys.readouterr().out.split("\n\n")
    assert heading == f"{files['ours']} against {files['reference']}: 5 lines"
    for block, score in zip((bleu, chrf, lower), corpus_scores(OURS, [REFERENCE], "de")):
        title, line, *tests = block.strip().split("\n    ")
        assert title.startswith(f"{score.name} {score.value:.2f}, ")
        assert line == str(score)
        assert len(tests) == (0 if score.name == "chrF2" else 1)
        assert all(f" of {files['theirs']}: p = " in test and "bs:1000|seed:12345" in test for test in tests)
    assert ("cased, detokenised" in bleu, "lower-cased" in bleu) == (True, False)
    assert "lower-cased and Moses-tokenised" in lower
    assert "ratio = " in bleu
    assert "ref_len = 21" in bleu


def test_each_baseline_is_tested_in_both_bleus(files: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--hypothesis", files["ours"], "--reference", files["reference"], "--target-language", "de"]
    comparisons = printed(capsys, *given, "--baseline", files["theirs"], files["ours"])["comparisons"]
    assert [comparison["baseline"] for comparison in comparisons] == [files["theirs"], files["ours"]]
    expected = [
        paired_bootstrap(THEIRS, OURS, [REFERENCE], "de"),
        paired_bootstrap(THEIRS, OURS, [REFERENCE], "de", metric="lower_tokenised_bleu"),
    ]
    for test, significance in zip(comparisons[0]["tests"], expected, strict=True):
        assert (test["name"], test["p_value"]) == (significance.name, significance.p_value)
        assert test["difference"] > 0
    assert [test["p_value"] for test in comparisons[1]["tests"]] == [1, 1]


def test_a_model_is_scored_by_what_it_translates(
    files: dict[str, str], models: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    search = BeamOptions(width=3, length_penalty=0.5, stop_early=True)
    translator = Translator.load(models[0], search)
    hypotheses = [each.text for each in translator.translate(SOURCE)]
    references = [f"{line} {'Hund' * (i % 2)}".strip() or "nichts" for i, line in enumerate(hypotheses)]
    reference, kept = write(tmp_path / "reference", references), tmp_path / "kept"

    options = ["--beam", "3", "--length-penalty", "0.5", "--output", kept]
    given = ["--model", models[0], "--source", files["source"], "--reference", reference]
    result = printed(capsys, *given, *options, "--baseline", *models)
    assert kept.read_text(encoding="utf-8").split("\n") == [*hypotheses, ""]
    assert (result["beam"], result["length_penalty"], result["target_language"]) == (3, 0.5, "de")
    expected = corpus_scores(hypotheses, [references], "de")
    assert [score["value"] for score in result["scores"]] == [score.value for score in expected]
    assert 0 < expected[0].value < 100

    again = printed(capsys, "--hypothesis", kept, "--reference", reference, "--target-language", "de")
    assert again["scores"] == result["scores"]
    same, other = result["comparisons"]
    assert [test["difference"] for test in same["tests"]] == [0, 0]
    assert all(test["difference"] > 0 for test in other["tests"])


def test_several_models_are_scored_by_what_they_translate_together(
    files: dict[str, str], models: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    ensemble = Translator.load(models[0], BeamOptions(stop_early=True), others=models[1:])
    hypotheses = [each.text for each in ensemble.translate(SOURCE)]
    result = printed(capsys, "--model", *models, "--source", files["source"], "--reference", files["reference"])
    assert result["translations"] == f"{models[0]} + {models[1]}"
    expected = corpus_scores(hypotheses, [REFERENCE], "de")
    assert [score["value"] for score in result["scores"]] == [score.value for score in expected]


def test_models_are_found_by_their_names_among_the_bundled_ones(
    files: dict[str, str], models: list[Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("translation.loading.MODELS", models[0].parent)
    monkeypatch.setattr("translation.evaluate.MODELS", models[0].parent)
    (models[0].parent / "second").symlink_to(models[1])
    given = ["--source", files["source"], "--reference", files["reference"]]
    by_name = printed(capsys, "--model", "first", *given, "--baseline", "second")
    by_path = printed(capsys, "--model", models[0], *given, "--baseline", models[1])
    assert by_name["scores"] == by_path["scores"]
    assert by_name["comparisons"][0]["tests"] == by_path["comparisons"][0]["tests"]
    assert (by_name["translations"], by_name["comparisons"][0]["baseline"]) == ("first", "second")


@pytest.mark.parametrize("options", [[], ["--beam", "1"], ["--length-penalty", "0", "--precision", "float32"]])
def test_a_model_translates_as_the_command_translate_does(
    options: list[str], files: dict[str, str], tiny_model: Path, tmp_path: Path
) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    given = ["--model", str(tiny_model), *options]
    texts = ["--source", files["source"], "--reference", files["reference"]]
    assert evaluate([*given, *texts, "--output", str(ours)]) == 0
    assert translate([*given, files["source"], "--output", str(theirs)]) == 0
    assert ours.read_bytes() == theirs.read_bytes()
    assert ours.read_text(encoding="utf-8").count("\n") == len(SOURCE)


@pytest.mark.parametrize("role", ["--source", "--hypothesis", "--baseline", "--reference"])
def test_counts_that_differ_are_told_before_a_model_is_loaded(role: str, files: dict[str, str], tmp_path: Path) -> None:
    short = write(tmp_path / "short", SOURCE[:4])
    given = ["--reference", files["reference"], "--source", files["source"], "--target-language", "de"]
    scored = [] if role == "--hypothesis" else ["--model", str(tmp_path / "no model")]
    with pytest.raises(UserError) as error:
        evaluate([*given, *scored, role, short])
    assert str(error.value).startswith(f"{short} has 4 lines but {files['reference']} has 5; ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--reference {reference}", "one of the arguments --model --hypothesis is required"),
        ("--hypothesis {ours} --target-language de", "required: --reference"),
        ("--model {model} --reference {reference}", "{model}: a model needs --source, the text to translate"),
        ("--model {new} --reference {reference}", "{new}: a model needs --source"),
        ("--model {new} --source {source} --reference {reference}", "{new}: no such directory"),
        (
            "--hypothesis {ours} --reference {reference} --target-language de --baseline {theirs} {model}",
            "{model}: a model needs --source, the text to translate",
        ),
        ("--hypothesis {ours} --reference {reference}", "--hypothesis needs --target-language"),
        ("--hypothesis {ours} --reference {reference} --target-language german", "'german' is not a language code"),
        (
            "--model {model} --source {source} --reference {reference} --target-language x --output {new}",
            "'x' is not a language code",
        ),
        ("--hypothesis {ours} --reference {new} --target-language de", "{new}: no such file"),
        ("--hypothesis {ours} --reference {empty} --target-language de", "{empty}: is empty"),
        ("--hypothesis {ours} --reference {reference} --target-language de --output {new}", "--output needs --model"),
        ("--model {model} --source {source} --reference {reference} --output {ours}", "{ours}: already exists"),
        ("--model {model} --source {source} --reference {reference} --output {source} --force", "{source}: is an inp"),
        (
            "--model {model} --source {source} --reference {reference} --target-language en --baseline {model}",
            "{model}: this model translates to de, but en is scored; choose another model",
        ),
        ("--model {folder} --source {source} --reference {reference}", "{folder}: is not a model directory"),
        ("--model {model} --source {source} --reference {reference} --beam 0", "'0' is not a whole number from 1"),
    ],
)  # fmt: skip
def test_mistakes_are_told_and_nothing_is_written(
    arguments: str, message: str, files: dict[str, str], models: list[Path], tmp_path: Path
) -> None:
    write(tmp_path / "empty", [])
    paths = {**files, "model": models[0], **{name: tmp_path / name for name in ("new", "empty", "folder")}}
    paths["folder"].mkdir()
    with pytest.raises(UserError) as error:
        evaluate(arguments.format(**paths).split(" "))
    assert message.format(**paths) in str(error.value)
    assert "\n" not in str(error.value)
    assert not paths["new"].exists()
    assert Path(files["source"]).read_text(encoding="utf-8").split("\n")[:-1] == SOURCE


def test_as_a_command_it_prints_results_alone_and_scores_files_without_torch(files: dict[str, str]) -> None:
    given = ["--hypothesis", "ours.txt", "--reference", "reference.txt", "--target-language", "de"]
    command = [sys.executable, "-X", "importtime", "-m", "translation.evaluate", *given]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    folder = Path(files["ours"]).parent
    done = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=folder, env=environment, check=False)
    assert done.returncode == 0
    assert done.stdout.startswith("ours.txt against reference.txt: 5 lines\n\nBLEU ")
    imported = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines()}
    assert "sacrebleu" in imported
    assert "torch" not in imported
