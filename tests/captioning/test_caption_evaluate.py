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
from captioning.results import Result, match_results, write_results
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
    head, row, variety, note = capsys.readouterr().out.splitlines()
    assert note.startswith("note: CIDEr-D weighs words")
    assert "with 12 of them, fewer than 20" in note
    assert variety.startswith("captions: 61 different words, 12 distinct captions")
    assert head.split()[:2] == ["images", "BLEU-1"]
    assert row.split()[:4] == ["captions,", "5", "references", "12"]
    assert f"{100 * GOLDEN['scores']['cider_d']:.2f}" in row


@pytest.mark.parametrize("form", ["{}", "{:012d}", "{:012d}.jpg", "COCO_val2014_{:012d}.jpg", "val2017/{:012d}.png"])
def test_ids_may_be_texts_padded_or_names_of_files(form: str, files: list[str], tmp_path: Path, capsys: Any) -> None:
    results = tmp_path / "results.json"
    entries = json.loads(results.read_text())
    assert evaluate([*files, "--json"]) == 0
    expected = capsys.readouterr().out
    results.write_text(json.dumps([{**each, "image_id": form.format(each["image_id"])} for each in entries]))
    assert evaluate([*files, "--json"]) == 0
    assert capsys.readouterr().out == expected
    lines = tmp_path / "results.jsonl"
    lines.write_text("".join(f"{json.dumps(each)}\n" for each in entries))
    assert evaluate(["--results", str(lines), *files[2:], "--json"]) == 0
    assert capsys.readouterr().out == expected


def test_what_no_name_fits_is_told_with_what_both_sides_have(files: list[str], tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    results.write_text(json.dumps([{"image_id": "dog.jpg", "caption": "a dog"}]))
    with pytest.raises(UserError, match=r"have no such picture \(here the text 'dog\.jpg', there the number \d+\)"):
        evaluate(files)
    with pytest.raises(UserError, match="none of its captions is of a picture"):
        evaluate([*files, "--subset"])


def test_names_that_fit_several_pictures_or_one_twice_are_refused(tmp_path: Path) -> None:
    references = {"a/dog.jpg": ("x",), "b/dog.jpg": ("y",), 7: ("z",)}
    source = tmp_path / "r.json"
    with pytest.raises(UserError, match=r"image_id 'dog\.jpg' may be any of 'a/dog\.jpg', 'b/dog\.jpg'"):
        match_results({"dog.jpg": "a dog"}, references, source)
    with pytest.raises(UserError, match="image_id 7 and '007' are both picture 7; keep one"):
        match_results({7: "a", "007": "b"}, references, source)
    assert match_results({"b/dog.jpg": "a", "7": "b"}, references, source) == {"b/dog.jpg": "a", 7: "b"}


def test_a_subset_is_scored_and_says_how_many_of_how_many(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "results.json"
    results.write_text(json.dumps(json.loads(results.read_text())[:3]))
    with pytest.raises(UserError, match=r"9 pictures .* no caption; caption them, or score the others .* --subset"):
        evaluate(files)
    assert evaluate([*files, "--subset"]) == 0
    assert "note: scored 3 of 12 pictures\n" in capsys.readouterr().out
    assert evaluate([*files, "--subset", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["images"], found["of"], len(found["notes"])) == (3, 12, 2)


def test_what_has_no_partner_is_left_out_of_a_subset_and_told(tmp_path: Path, capsys: Any) -> None:
    rows = ["a.jpg,a dog runs", "b.jpg,", "c.jpg,two cats", "d.jpg,a man"]
    (tmp_path / "references.csv").write_text("\n".join(["image,caption", *rows]) + "\n")
    said = {"a.jpg": "a dog runs", "b.jpg": "a bird", "c.jpg": None, "e.jpg": "a fish"}
    entries = [{"image_id": name, "caption": caption} for name, caption in said.items()]
    (tmp_path / "results.json").write_text(json.dumps(entries))
    files = ["--results", str(tmp_path / "results.json"), "--references", str(tmp_path / "references.csv")]
    with pytest.raises(UserError, match=r"1 picture \(e\.jpg\) of the captions: the references have no such picture"):
        evaluate(files)
    capsys.readouterr()
    assert evaluate([*files, "--subset"]) == 0
    told = capsys.readouterr()
    assert "note: scored 1 of 4 pictures" in told.out
    for line in (
        "references.csv: left out the empty captions of line 3 of references.csv",
        "results.json: left out image_id c.jpg: no caption (null)",
        "results.json: left out 1 picture (e.jpg): no such picture in the references",
        "references.csv: left out 1 picture (b.jpg): no reference",
    ):
        assert line in told.err


def test_a_broken_picture_costs_only_itself(model: list[str], tmp_path: Path, capsys: Any) -> None:
    for number in range(3):
        world.photograph((9, 9), (0, 200, 90 * number)).save(tmp_path / f"{number}.png")
    (tmp_path / "1.png").write_bytes(b"no picture")
    (tmp_path / "r.csv").write_text("image,caption\n" + "".join(f"{number}.png,a thing\n" for number in range(3)))
    output = tmp_path / "out.json"
    arguments = [*model, "--references", str(tmp_path / "r.csv"), "--output", str(output)]
    assert evaluate(arguments) == 1
    printed = capsys.readouterr()
    assert f"left out: {tmp_path / '1.png'}: is text, not a picture" in printed.err
    assert "1 of 3 pictures could not be read; the scores are those of the others" in printed.err
    assert "note: scored 2 of 3 pictures" in printed.out
    assert [each["image_id"] for each in json.loads(output.read_text())] == ["0.png", "2.png"]


def test_a_warning_stands_on_a_line_of_its_own_on_a_terminal(
    model: list[str], tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    world.photograph((9, 9), (0, 200, 90)).save(tmp_path / "0.png")
    (tmp_path / "1.png").write_bytes(b"no picture")
    (tmp_path / "r.csv").write_text("image,caption\n0.png,a thing\n1.png,a thing\n")
    assert evaluate([*model, "--references", str(tmp_path / "r.csv")]) == 1
    shown = capsys.readouterr().err
    assert "1 of 2 pictures" in shown
    assert "\r\x1b[Kwarning: left out: " in shown


def test_names_that_are_not_utf8_or_have_control_characters_cost_nothing(
    model: list[str], tmp_path: Path, capsys: Any
) -> None:
    folder, output = tmp_path / "set", tmp_path / "out.json"
    folder.mkdir()
    for number, name in enumerate(("p\udce9_7", "a\x1b[31m")):
        world.photograph((9, 9), (0, 200, 90 * number)).save(folder / f"{name}.png")
        (folder / f"{name}.txt").write_text("a thing\n")
    (folder / "bad\x1b[2J.png").write_bytes(b"no picture")
    (folder / "bad\x1b[2J.txt").write_text("a thing\n")
    (folder / "alone\x1b[3J.txt").write_text("a thing\n")
    assert evaluate([*model, "--references", str(folder), "--output", str(output)]) == 1
    printed = capsys.readouterr()
    assert "\x1b" not in printed.out + printed.err
    assert "alone\\x1b[3J" in printed.err
    assert b"\\udce9_7.png" in output.read_bytes()
    assert {each["image_id"] for each in json.loads(output.read_text())} == {"p\udce9_7.png", "a\x1b[31m.png"}


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
        assert (found, len(table)) == (None, 5)
    else:
        assert found["highest"] == 2  # bits, of 4 cells
        assert 0 < found["entropy"] <= 2
        assert 0 <= found["variation"] <= 1
        assert table[-2].startswith(f"attention of a word: {found['entropy']:.2f} of at most 2.00 bits, ")


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
