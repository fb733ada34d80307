"""A Transformer as a translator: trained and resumed by command, stored and loaded, in ensembles, by every search."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from translation_fixtures import LINES, TRANSFORMER_FORMS, transformer_model

from data_prep.toy import Split, sequences
from s2s.config import load
from s2s.decoding.search import BeamOptions, SamplingOptions
from s2s.errors import UserError
from s2s.export.exporting import export
from s2s.models.configuration import TransformerDecoderConfig, TransformerEncoderConfig
from s2s.models.pretrained import load_reader
from s2s.storage.training_state import read_state
from translation.export import TranslationExporter
from translation.model import TranslationModel
from translation.recipe import Recipe
from translation.recorded import Recorder
from translation.train import train
from translation.translator import Translator

RECIPE = """
[data]
train_source = ["train.source"]
train_target = ["train.reverse"]
validation_source = "val.source"
validation_target = "val.reverse"
source_language = "toy"
target_language = "toy"
[vocabulary]
kind = "word"
threshold = 1
[batch]
sentences = 8
[encoder]
kind = "transformer"
dim = 8
layers = 2
heads = 2
feedforward_dim = 12
[decoder]
kind = "transformer"
dim = 8
layers = 2
heads = 2
feedforward_dim = 12
[training]
epochs = 4
[training.averaging]
keep = 2
"""


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recipe of a small Transformer that reverses sequences, in the current directory."""
    monkeypatch.setenv("S2S_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    for name, drawn in sequences(1, {"train": Split(96, 3, 6), "val": Split(12, 3, 6)}).items():
        Path(f"{name}.source").write_text("".join(" ".join(words) + "\n" for words in drawn))
        Path(f"{name}.reverse").write_text("".join(" ".join(words[::-1]) + "\n" for words in drawn))
    Path("recipe.toml").write_text(RECIPE)
    return tmp_path


def weights(run: str) -> dict[str, torch.Tensor]:
    return read_state(Path(run) / "last")[0]


def test_resumed_it_ends_with_the_same_weights(toy: Path) -> None:
    train(["recipe.toml", "--run", "whole"])
    train(["recipe.toml", "--run", "parts", "--set", "training.epochs=2"])
    train(["recipe.toml", "--run", "parts", "--resume"])
    whole, parts = weights("whole"), weights("parts")
    assert whole.keys() == parts.keys()
    assert all(tensor.equal(parts[name]) for name, tensor in whole.items())


def test_training_goes_on_from_it_by_minimum_risk(toy: Path) -> None:
    train(["recipe.toml", "--run", "first", "--set", "training.epochs=1"])
    short = Path("recipe.toml").read_text().partition("[encoder]")[0] + "[minimum_risk]\nwidth = 3\n"
    Path("risk.toml").write_text('start = "first/best"\n' + short + "[training]\nepochs = 1\n")
    train(["risk.toml", "--run", "second"])
    before, after = (TranslationModel.load(f"{run}/best") for run in ("first", "second"))
    assert after.config == before.config
    assert after.config.decoder.kind == "transformer"
    changed = [not torch.equal(a, b) for a, b in zip(before.network.parameters(), after.network.parameters())]
    assert any(changed)


@pytest.mark.parametrize("form", TRANSFORMER_FORMS)
def test_a_stored_model_loads_and_writes_the_same(form: str, tmp_path: Path) -> None:
    one = transformer_model(form)
    one.save(tmp_path / "model", {})
    again = TranslationModel.load(tmp_path / "model")
    assert again.config == one.config
    translated = [Translator(each.engine("float32"), BeamOptions(3)).translate(LINES) for each in (one, again)]
    assert [each.text for each in translated[0]] == [each.text for each in translated[1]]
    assert any(each.text for each in translated[0])


def test_it_translates_with_an_lstm_by_every_search(tmp_path: Path, tiny_model: Path) -> None:
    """Over one vocabulary: that of the tiny model."""
    path = tmp_path / "transformer"
    transformer_model().save(path, {})
    for options in (BeamOptions(1), BeamOptions(4, n_best=2), SamplingOptions(draws=2, n_best=2)):
        alone = Translator.load(path, options, device="cpu", precision="float32").translate(LINES)
        together = Translator.load(path, options, others=[tiny_model], device="cpu", precision="float32")
        for found, own in zip(together.translate(LINES), alone, strict=True):
            assert found.attention is not None
            assert own.attention is not None
            np.testing.assert_allclose(found.attention.sum(-1), 1, rtol=1e-4)
            assert found.score != own.score


@pytest.mark.parametrize("form", TRANSFORMER_FORMS)
def test_the_light_form_translates_as_torch_does(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In ONNX Runtime, and in NumPy where that is missing; `export` itself compares made-up lines."""
    monkeypatch.setattr("translation.export.LINES", 10)
    transformer_model(form).save(tmp_path / "model", {})
    export(TranslationExporter(tmp_path / "model"), tmp_path / "model", tmp_path / "light", "float32")
    options = BeamOptions(3)
    expected = Translator.load(tmp_path / "model", options, device="cpu", precision="float32", engine="torch")
    for numpy in (False, True):
        if numpy:
            monkeypatch.setattr("s2s.runtime.graph.find_spec", lambda name: None)
        found = Translator.load(tmp_path / "light", options, engine="onnx")
        for one, other in zip(found.translate(LINES), expected.translate(LINES), strict=True):
            assert one.text == other.text
            assert one.score == pytest.approx(other.score, abs=1e-4)


@pytest.mark.parametrize("form", TRANSFORMER_FORMS)
def test_it_has_no_cells_to_look_into(form: str) -> None:
    with pytest.raises(UserError, match="no recurrent cells to look into; see what its heads look at with"):
        Recorder(transformer_model(form), 1)


def test_no_labeller_begins_with_it(tmp_path: Path) -> None:
    transformer_model().save(tmp_path / "model", {})
    with pytest.raises(UserError, match="its encoder is a Transformer, and a labeller begins with a recurrent one"):
        load_reader(tmp_path / "model")


def test_the_recipe_has_the_sizes_of_the_tiny_one_of_the_paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path(__file__).resolve().parents[2] / "translation" / "recipes" / "multi30k-transformer.toml"
    monkeypatch.chdir(tmp_path)
    for name in ("train.en", "train.de", "val.en", "val.de"):
        (tmp_path / "data/multi30k").mkdir(parents=True, exist_ok=True)
        (tmp_path / "data/multi30k" / name).touch()
    recipe = load(path, Recipe)
    for side in (recipe.encoder, recipe.decoder):
        assert isinstance(side, TransformerEncoderConfig | TransformerDecoderConfig)
        assert (side.layers, side.dim, side.feedforward_dim, side.heads) == (4, 128, 256, 4)
        assert side.dropout.residual == side.dropout.embedding == 0.2  # with 0.3 it is short of weights
    assert recipe.label_smoothing == 0.1
    assert (recipe.training.schedule.name, recipe.training.schedule.warmup_steps) == ("cosine", 2000)
    assert recipe.training.averaging.keep == 10
