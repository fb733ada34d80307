"""What is in a page: the model and the runtime, whole and once, and a policy that lets nothing in or out."""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
from pathlib import Path

import captioning_fixtures
import pytest
from language_fixtures import tiny_language_model
from translation_fixtures import tiny_model

from s2s.errors import UserError
from s2s.storage.light_form import write_light
from s2s.storage.model_directory import write_model
from serving.onnxruntime_web import BUNDLE, WASM
from serving.pages import PageModel, served_page, write_page

GRAPHS = {"encoder.onnx": b"\x08encoder", "step.onnx": b"step", "light.weights": bytes(range(256)) * 9}
RUNTIME = {BUNDLE: b"export {};", WASM: b"\0asm"}


@pytest.fixture
def translator(tmp_path: Path) -> Path:
    """A translator with a light form of graphs that are none: a page carries whatever they are."""
    tiny_model().save(folder := tmp_path / "tiny", {})
    write_light(folder, folder, GRAPHS, precision="int8", grid=None, verify=lambda _: None)
    return folder


@pytest.fixture
def captioner(tmp_path: Path) -> Path:
    """A captioner, likewise."""
    captioning_fixtures.model().save(folder := tmp_path / "squares", {})
    write_light(folder, folder, GRAPHS, precision="int8", grid=(2, 3), verify=lambda _: None)
    return folder


def element(page: str, name: str) -> str:
    """The text of the script element with this id."""
    found = re.search(rf'<script type="[\w/]+" id="{name}">(.*?)</script>', page, re.DOTALL)
    assert found, name
    return found[1]


def carried(page: str, name: str) -> bytes:
    """A file that the page carries."""
    return gzip.decompress(base64.b64decode(element(page, f"file-{name}")))


def test_the_page_of_a_translator_carries_all_that_it_needs(translator: Path, tmp_path: Path) -> None:
    write_page(translator, path := tmp_path / "page.html", RUNTIME)
    page = path.read_text(encoding="utf-8")
    settings = json.loads(element(page, "settings"))
    assert settings["engine"] == "local"
    assert settings["models"] == [{"kind": "translation", "name": "tiny", "source": "en", "target": "de"}]
    contents = {name: carried(page, name) for name in settings["files"]}
    data = json.loads(contents.pop("data"))
    assert contents == {
        "bundle": RUNTIME[BUNDLE],
        "wasm": RUNTIME[WASM],
        "encoder": GRAPHS["encoder.onnx"],
        "step": GRAPHS["step.onnx"],
        "weights": GRAPHS["light.weights"],
    }
    assert data["rules"]["model"]["max_source_length"] == 30
    assert "new Translator(" in element(page, "worker")


def test_the_page_of_a_captioner_knows_its_grid(captioner: Path, tmp_path: Path) -> None:
    write_page(captioner, path := tmp_path / "page.html", RUNTIME)
    page = path.read_text(encoding="utf-8")
    data = json.loads(carried(page, "data"))
    assert data["grid"] == [2, 3]
    assert data["preprocessing"]["size"] == captioning_fixtures.SIZE
    assert data["calibration"] is None
    assert "familiarity" not in json.loads(element(page, "settings"))["files"]


def test_the_page_of_a_language_model_has_no_encoder(tmp_path: Path) -> None:
    tiny_language_model("word").save(folder := tmp_path / "words", {})
    graphs = {name: content for name, content in GRAPHS.items() if name != "encoder.onnx"}
    write_light(folder, folder, graphs, precision="int8", grid=None, verify=lambda _: None)
    write_page(folder, path := tmp_path / "page.html", RUNTIME)
    page = path.read_text(encoding="utf-8")
    settings = json.loads(element(page, "settings"))
    (model,) = settings["models"]
    assert (model["kind"], model["name"], model["tokens"]) == ("language_model", "words", "words")
    assert model["defaults"] == {"temperature": 1.0, "top_k": None, "top_p": 1.0, "seed": 0, "length": 500}
    assert set(settings["files"]) == {"data", "bundle", "wasm", "step", "weights"}
    data = json.loads(carried(page, "data"))
    assert data["states"] == {"hidden.0": 8, "cell.0": 8, "hidden.1": 8, "cell.1": 8}
    assert "sleeping" in data["vocabulary"]["surfaces"]


def test_a_model_that_has_no_page_is_refused(tmp_path: Path) -> None:
    write_model(tmp_path / "model", kind="poetry", config={}, tensors={})
    with pytest.raises(UserError, match="kind 'poetry', which has no page; name a translator, a captioner"):
        write_page(tmp_path / "model", tmp_path / "page.html", RUNTIME)


def test_a_page_from_disk_may_not_reach_anything(translator: Path, tmp_path: Path) -> None:
    write_page(translator, path := tmp_path / "page.html", RUNTIME)
    page = path.read_text(encoding="utf-8")
    policy = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    assert policy
    rules = dict(rule.strip().split(" ", 1) for rule in html.unescape(policy[1]).split(";"))
    assert rules["default-src"] == "'none'"
    assert "connect-src" not in rules  # so that of default-src holds
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page)


def test_a_page_is_written_whole_or_not_at_all(translator: Path, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        write_page(translator, tmp_path / "nowhere" / "page.html", RUNTIME)
    assert not list(tmp_path.glob("*.html"))


def test_a_model_without_a_light_form_is_refused(tmp_path: Path) -> None:
    tiny_model().save(folder := tmp_path / "tiny", {})
    with pytest.raises(UserError, match=r"has no light form; make it with `s2s export"):
        write_page(folder, tmp_path / "page.html", RUNTIME)


def test_the_page_of_a_server_names_its_models() -> None:
    models = [PageModel("translation", "</script>", "en", "de"), PageModel("captioning", "flickr8k")]
    page = served_page(models, keyed=True)
    settings = json.loads(element(page, "settings"))
    assert settings["engine"] == "remote"
    assert settings["keyed"] is True
    assert [model["name"] for model in settings["models"]] == ["</script>", "flickr8k"]
    assert "connect-src" in page
    assert 'id="worker"' not in page
