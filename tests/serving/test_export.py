"""`s2s export` adds a light form that writes what PyTorch writes, or writes nothing and says why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import captioning_fixtures as world
import pytest
import torch
from labelling_fixtures import classifier
from PIL import Image
from translation_fixtures import LINES, tiny_model

from captioning.configuration import CaptioningConfig
from captioning.export import made_up_pictures
from captioning.model import CaptioningModel, build_network
from s2s.errors import UserError
from s2s.export import attention, cells, decoders
from s2s.models.label_configuration import LastReadingConfig
from s2s.nn.configuration import AdditiveConfig, LSTMConfig
from s2s.storage.light_form import has_light, read_light
from s2s.storage.model_directory import read_model, write_model
from s2s.vision.backbones import empty_backbone
from s2s.vision.images import Preprocessing
from serving import onnxruntime_web, pages
from serving.export import export
from translation.export import LINES as COMPARED
from translation.export import TranslationExporter
from translation.model import KIND
from translation.translator import Translator

FILES = {"encoder.onnx", "step.onnx", "light.weights"}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    tiny_model().save(tmp_path / "model", {})
    return tmp_path / "model"


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("precision", ["float32", "float16", "int8"])
def test_a_light_form_is_added_to_the_model(model: Path, capsys: pytest.CaptureFixture[str], precision: str) -> None:
    before = content(model)
    assert export([str(model), "--precision", precision]) == 0
    assert has_light(model)
    assert set(content(model)) == set(before) | FILES
    light = read_light(model, KIND)
    assert (light.precision, set(light.files)) == (precision, FILES)
    read_model(model)
    told = capsys.readouterr()
    assert told.out == f"{model}\n"
    assert f"written in {precision}: encoder.onnx, step.onnx, light.weights" in told.err
    assert "in float32 it writes the same as PyTorch for 200 lines\n" in told.err
    assert ("of these lines differ" in told.err) == (precision != "float32")


def test_both_engines_write_the_same_for_the_lines_of_a_file(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "lines.txt").write_text("\n".join([*LINES, "", LINES[0]]))
    export([str(model), "--precision", "float32", "--check", str(tmp_path / "lines.txt")])
    assert "the same as PyTorch for 4 lines" in capsys.readouterr().err
    engines = [Translator.load(model, engine=engine, precision="float32") for engine in ("onnx", "torch")]
    light, heavy = ([each.text for each in engine.translate(LINES)] for engine in engines)
    assert light == heavy
    assert any(light)


def test_exporting_again_replaces_the_light_form(model: Path) -> None:
    export([str(model), "--precision", "float32"])
    larger = (model / "light.weights").stat().st_size
    export([str(model)])
    assert read_light(model, KIND).precision == "int8"
    assert (model / "light.weights").stat().st_size < larger


def test_another_directory_is_written_without_the_tensors(model: Path, tmp_path: Path) -> None:
    before, output = content(model), tmp_path / "light"
    arguments = [str(model), "--output", str(output)]
    export(arguments)
    assert content(model) == before
    assert set(content(output)) == FILES | {"config.json", "source.vocabulary"}
    assert Translator.load(output).translate(LINES)[0].text
    with pytest.raises(UserError, match="already exists; choose another --output, or replace it with --force"):
        export(arguments)
    export([*arguments, "--force", "--precision", "float32"])
    assert read_light(output, KIND).precision == "float32"


def test_a_model_is_shrunk_before_its_light_form_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "wide"
    tiny_model(dim=64).save(model, {})
    before = (model / "model.safetensors").stat().st_size
    assert export([str(model), "--shrink"]) == 0
    assert (model / "model.safetensors").stat().st_size < before
    assert has_light(model)
    assert "MB in eight bits\nwritten in int8: " in capsys.readouterr().err


def test_what_is_no_model_is_not_replaced(model: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").touch()
    for output, message in {
        tmp_path / "mine": "is not a model directory",
        tmp_path / "none" / "light": "its folder does not exist",
        model: "is the model itself; leave --output out",
    }.items():
        with pytest.raises(UserError, match=message):
            export([str(model), "--output", str(output), "--force"])


def test_models_of_an_unknown_kind_are_refused(tmp_path: Path) -> None:
    write_model(tmp_path / "model", kind="poetry", config={}, tensors={})
    with pytest.raises(UserError, match="models of kind 'poetry' cannot be exported"):
        export([str(tmp_path / "model")])


def test_a_part_that_cannot_be_exported_is_named(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(attention.ATTENTIONS, AdditiveConfig)
    before = content(model)
    with pytest.raises(UserError, match=r"decoder\.attention\.kind = 'additive' cannot be exported"):
        export([str(model)])
    assert content(model) == before


def test_a_graph_that_computes_something_else_is_not_written(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = replace(cells.CELLS[LSTMConfig], gates=(0, 2, 1, 3))
    monkeypatch.setitem(cells.CELLS, LSTMConfig, wrong)
    before = content(model)
    with pytest.raises(UserError, match="the light form differs from the model: in float32 it writes lines 1"):
        export([str(model)])
    assert content(model) == before
    assert not list(model.parent.glob(".*"))


def test_a_captioner_gets_its_grid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shape = world.recipe()
    config = CaptioningConfig("efficientnet_lite0", "word", 9, Preprocessing(64, "pad"), shape.encoder, shape.decoder)
    words = world.vocabulary()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        network = build_network(config, empty_backbone(config.backbone), len(words)).eval()
    CaptioningModel(config, words, network).save(tmp_path / "model", {})
    picture = tmp_path / "picture.png"
    Image.new("RGB", (90, 30), "red").save(picture)
    assert export([str(tmp_path / "model"), "--check", str(picture)]) == 0
    assert read_light(tmp_path / "model", "captioning").grid == (2, 2)
    assert "in float32 it writes the same as PyTorch for 1 picture\n" in capsys.readouterr().err
    with pytest.raises(UserError, match=r"missing\.png: does not exist"):
        export([str(tmp_path / "model"), "--check", str(tmp_path / "missing.png")])


def test_made_up_pictures_are_always_the_same_and_of_many_shapes() -> None:
    first, second = (made_up_pictures(20) for _ in range(2))
    assert [picture.tobytes() for picture in first] == [picture.tobytes() for picture in second]
    assert len({picture.size for picture in first}) == 20


def test_a_page_is_made_of_the_light_form_that_is_there(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = {pages.BUNDLE: b"a bundle", pages.WASM: b"a program"}
    monkeypatch.setattr(onnxruntime_web, "browser_runtime", lambda archive: runtime)
    page = tmp_path / "page.html"
    export([str(model), "--page", str(page)])
    assert capsys.readouterr().out == f"{model}\n{page}\n"
    before = content(model)
    with pytest.raises(UserError, match=r"page\.html: already exists"):
        export([str(model), "--page", str(page)])
    export([str(model), "--page", str(page), "--force"])
    assert capsys.readouterr().out == f"{page}\n"
    assert content(model) == before
    assert page.read_text().startswith("<!doctype html>")


def test_a_model_that_has_no_page_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    classifier(LastReadingConfig()).save(folder := tmp_path / "classifier", {})
    before = content(folder)
    with pytest.raises(UserError, match="classifier: holds a model of kind 'classifier', which has no page; name a tr"):
        export([str(folder), "--shrink", "--page", str(tmp_path / "page.html")])
    assert content(folder) == before


def test_made_up_lines_are_always_the_same(model: Path) -> None:
    first, second = (TranslationExporter(model).samples([]) for _ in range(2))
    assert first == second
    assert len(set(first)) > 0.9 * COMPARED


def test_every_kind_of_decoder_has_its_graphs() -> None:
    from s2s.models.decoders import DECODERS

    assert decoders.DECODERS.keys() == DECODERS.keys()
