"""The command scores a results file as pycocoevalcap would, and tells mistakes in one line."""

from __future__ import annotations

import json
import subprocess
import sys
import unicodedata
from itertools import starmap
from pathlib import Path
from typing import Any

import captioning_fixtures as world
import pytest
from model_fixtures import as_kind
from PIL import Image

from captioning.evaluate import evaluate
from captioning.metrics import java
from captioning.results import Result, write_results
from s2s.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
GOLDEN: dict[str, Any] = json.loads((Path(__file__).parents[1] / "data" / "caption_golden.json").read_text("utf-8"))


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Arguments: the golden captions as a results file, and COCO's annotations of their pictures."""
    captions: dict[int | str, str] = {int(picture): caption for picture, caption in GOLDEN["captions"].items()}
    write_results(tmp_path / "results.json", starmap(Result, captions.items()))
    images = [{"id": picture, "file_name": f"{picture}.jpg"} for picture in captions]
    texts = [(int(picture), text) for picture, raw in GOLDEN["raw"].items() for text in raw]
    annotations = [{"id": number, "image_id": picture, "caption": text} for number, (picture, text) in enumerate(texts)]
    references = tmp_path / "captions.json"
    references.write_text(json.dumps({"images": images, "annotations": annotations}))
    return ["--results", str(tmp_path / "results.json"), "--references", str(references)]


def test_a_results_file_has_the_figures_of_pycocoevalcap(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate([*files, "--human", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["images"] == 12
    for row, golden in {"scores": GOLDEN["scores"], "human": GOLDEN["human"]}.items():
        assert found[row]["cider_d"] == pytest.approx(100 * golden["cider_d"])
        assert found[row]["rouge_l"] == pytest.approx(100 * golden["rouge_l"])
        assert found[row]["bleu_4"] == pytest.approx(100 * golden["bleu"][3])
    assert found["captions_alike"]["cider_d"] != found["scores"]["cider_d"]


def test_the_table_says_how_many_pictures_were_scored(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate(files) == 0
    head, row, variety = capsys.readouterr().out.splitlines()
    assert variety.startswith("captions: 61 different words, 12 distinct captions")
    assert head.split()[:2] == ["images", "BLEU-1"]
    assert row.split()[:4] == ["captions,", "5", "references", "12"]
    assert f"{100 * GOLDEN['scores']['cider_d']:.2f}" in row


def test_java_that_is_missing_is_told_and_costs_only_its_own(
    files: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(java, "find_spec", lambda name: None)
    assert evaluate([*files, "--java"]) == 0
    printed = capsys.readouterr()
    assert f"{100 * GOLDEN['scores']['cider_d']:.2f}" in printed.out
    assert [line[:20] for line in printed.err.splitlines()] == ["warning: no METEOR: ", "warning: no SPICE: p"]


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Arguments: a model that knows coloured squares."""
    monkeypatch.setattr("captioning.model.empty_backbone", lambda _: world.backbone())
    world.model().save(tmp_path / "model", {})
    return ["--model", str(tmp_path / "model"), "--precision", "float32"]


@pytest.mark.parametrize("ending", ["json", "csv", "jsonl"])
def test_what_output_keeps_results_reads(
    ending: str, model: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """COCO's ids are not in the names of its files; a disk may keep an accent otherwise than the references do."""
    files = [unicodedata.normalize("NFD", "café.png"), "red.png", "sub/COCO_val2014_000000000042.png"]
    (tmp_path / "sub").mkdir()
    for file in files:
        Image.new("RGB", (9, 9), "red").save(tmp_path / file)
    names = [unicodedata.normalize("NFC", file) for file in files]
    references = tmp_path / f"references.{ending}"
    if ending == "json":
        images = [{"id": 7 + i, "file_name": name} for i, name in enumerate(names)]
        annotations = [{"id": i, "image_id": 7 + i, "caption": "a red thing"} for i in range(3)]
        references.write_text(json.dumps({"images": images, "annotations": annotations}))
    elif ending == "csv":
        references.write_text("image,caption\n" + "".join(f"{name},a red thing\n" for name in names))
    else:
        references.write_text("".join(json.dumps({"image": name, "caption": "a red thing"}) + "\n" for name in names))
    of_references, results = ["--references", str(references), "--json"], str(tmp_path / "results.json")
    assert evaluate([*model, *of_references, "--output", results]) == 0
    assert evaluate(["--results", results, *of_references]) == 0
    with pytest.raises(UserError, match="is an input and would be overwritten"):
        evaluate([*model, *of_references, "--output", str(references), "--force"])
    with pytest.raises(UserError, match=r"red\.png: is an input and would be overwritten"):
        evaluate([*model, *of_references, "--output", str(tmp_path / "red.png"), "--force"])
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert first["scores"] == second["scores"]
    assert second["attention"] is None
    ids = [entry["image_id"] for entry in json.loads(Path(results).read_text("utf-8"))]
    assert ids == ([7, 8, 9] if ending == "json" else ["café.png", "red.png", 42])


@pytest.mark.parametrize("wiring", ["parallel", "show_and_tell"])
def test_where_words_looked_is_told_of_models_that_look(
    wiring: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("captioning.model.empty_backbone", lambda _: world.backbone())
    world.model(world.recipe(decoder=as_kind(world.recipe().decoder, wiring))).save(tmp_path / "model", {})
    Image.new("RGB", (9, 9), "red").save(tmp_path / "red.png")
    (tmp_path / "captions.csv").write_text("image,caption\nred.png,a red thing\n")
    arguments = ["--model", str(tmp_path / "model"), "--references", str(tmp_path / "captions.csv")]
    arguments += ["--precision", "float32"]
    assert evaluate(arguments) == evaluate([*arguments, "--json"]) == 0
    *table, figures = capsys.readouterr().out.splitlines()
    found = json.loads(figures)["attention"]
    assert table[3] == "found with beam 5, length penalty 1, float32"
    assert json.loads(figures)["search"] == "beam 5, length penalty 1, float32"
    if wiring == "show_and_tell":
        assert (found, len(table)) == (None, 4)
    else:
        assert found["highest"] == 2  # bits, of 4 cells
        assert 0 < found["entropy"] <= 2
        assert 0 <= found["variation"] <= 1
        assert table[-1].startswith(f"attention of a word: {found['entropy']:.2f} of at most 2.00 bits, ")


def test_two_pictures_of_one_name_are_told_before_any_is_captioned(model: list[str], tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "dog.png").touch()
    references = tmp_path / "references.csv"
    references.write_text("image,caption\na/dog.png,A dog.\nb/dog.png,A dog.\n")
    with pytest.raises(UserError, match=r"a/dog\.png and .*b/dog\.png are one name to COCO's results"):
        evaluate([*model, "--references", str(references), "--output", str(tmp_path / "results.json")])


def test_a_folder_of_pictures_beside_results_is_an_error(files: list[str], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--results, which needs no pictures; leave it out"):
        evaluate([*files, "--images", str(tmp_path)])


def test_captions_of_pictures_that_the_references_lack_are_an_error(files: list[str], tmp_path: Path) -> None:
    captions = {**{int(picture): "a" for picture in GOLDEN["captions"]}, "dog.jpg": "a dog"}
    write_results(tmp_path / "results.json", starmap(Result, captions.items()))
    with pytest.raises(UserError, match=r"1 picture \(dog\.jpg\) of the captions"):
        evaluate(files)
    write_results(tmp_path / "results.json", [Result(99053, "a")])
    with pytest.raises(UserError, match=r"11 pictures \(18575, 551780, 530836, \.\.\.\) of the references: no caption"):
        evaluate(files)


def test_as_a_command_mistakes_end_with_2_and_one_line(files: list[str], tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text("[")
    command = [sys.executable, "-m", "captioning.evaluate", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1
