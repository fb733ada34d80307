"""`translate` and `caption` on exported models, whole and with their options, where torch cannot be imported."""

from __future__ import annotations

import json
from pathlib import Path
from subprocess import CompletedProcess

import light_fixtures
import pytest
from light_captioner import write_captioner
from light_fixtures import ROOT, S2S
from PIL import Image
from translation_fixtures import LINES, tiny_model

from s2s.decoding.search import BeamOptions
from s2s.export.graphs import build_graphs
from s2s.export.text_encoder import TEXT_ENCODERS
from s2s.storage.light_form import write_light
from s2s.storage.model_record import WEIGHTS
from translation.model import TranslationModel
from translation.translator import Translator


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A translator and a captioner, each with a light form and without the file of tensors."""
    folder = tmp_path_factory.mktemp("models")
    tiny_model().save(folder / "translator", {})
    model = TranslationModel.load(folder / "translator")  # with the rounded weights
    encode = TEXT_ENCODERS[type(model.config.encoder)]
    files = build_graphs(
        lambda graph: encode(graph, model.config.encoder, model.network.encoder),
        model.config.decoder,
        model.network.decoder,
        "float32",
    )
    write_light(folder / "translator", folder / "light", files, precision="float32", grid=None, verify=lambda _: None)
    (write_captioner(folder, "pad") / WEIGHTS).unlink()
    return folder


def s2s(*arguments: str | Path) -> CompletedProcess[str]:
    return light_fixtures.run_light(S2S, *arguments)


def test_translate_writes_what_pytorch_writes(models: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.en"
    text.write_text("\n".join([*LINES, "", "http://x.org/a", " ".join(LINES * 3)]) + "\n", encoding="utf-8")
    options = BeamOptions(5, stop_early=True)
    expected = Translator.load(models / "translator", options, engine="torch", device="cpu", precision="float32")
    lines = [each.text for each in expected.translate(text.read_text(encoding="utf-8").splitlines())]
    done = s2s("translate", text, "--model", models / "light")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == lines


def test_translate_with_its_options(models: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.en"
    text.write_text("\n".join(LINES) + "\n", encoding="utf-8")
    for page in (tmp_path / f"page.{suffix}" for suffix in ("json", "html", "png")):
        report, output = (page.with_name(f"{page.name}.{suffix}") for suffix in ("jsonl", "txt"))
        done = s2s(
            *("translate", text, "--model", models / "light", "--n-best", "2", "--beam", "3", "--threads", "1"),
            *("--attention", page, "--report", report, "--output", output, "--engine", "onnx"),
        )
        assert done.returncode == 0, done.stderr
        assert page.stat().st_size > 100
        assert len(output.read_text(encoding="utf-8").splitlines()) == 2 * len(LINES)
        assert [json.loads(line)["line"] for line in report.read_text(encoding="utf-8").splitlines()] == [1, 2]


def test_caption_with_its_options(models: Path, tmp_path: Path) -> None:
    for name, colour in (("a.png", "red"), ("b.jpg", "navy")):
        Image.new("RGB", (90, 60), colour).save(tmp_path / name)
    (tmp_path / "c.png").write_bytes(b"no picture")
    results, report, pages = tmp_path / "r.json", tmp_path / "r.jsonl", tmp_path / "pages"
    paths = [tmp_path / name for name in ("a.png", "b.jpg", "c.png")]
    done = s2s(
        *("caption", *paths, "--model", models / "model", "--json", results, "--report", report),
        *("--attention", pages, "--threads", "1"),
    )
    assert done.returncode == 1, done.stderr  # of the last picture
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == [str(path) for path in paths[:2]]
    assert "c.png: is text, not a picture" in done.stderr
    assert len(json.loads(results.read_text(encoding="utf-8"))) == 2
    assert len(report.read_text(encoding="utf-8").splitlines()) == 3
    assert (pages / "index.html").is_file()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--engine", "torch"], "translate needs PyTorch, which is not installed; run: pip install"),
        (["--device", "cuda"], "translate needs PyTorch, which is not installed; run: pip install"),
        (["--engine", "onnx", "--device", "cuda"], "--device cuda: the light form runs on processors only; use"),
        (["--engine", "onnx", "--precision", "bfloat16"], "--precision bfloat16: the light form of "),
    ],
)
def test_what_the_light_engine_cannot_do_is_told(models: Path, options: list[str], message: str) -> None:
    done = s2s("translate", ROOT / "translation/examples/street.en", "--model", models / "light", *options)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: s2s {message}" if "needs" in message else f"error: {message}")
    assert done.stderr.count("\n") == 1
