"""Classifiers and taggers that begin with the text encoder of another model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from labelling_fixtures import write_classifier_data, write_tagger_data
from translation_fixtures import tiny_model

from labelling.pretraining import Start
from labelling.recipe import ClassifierRecipe, TaggerRecipe
from labelling.train import build
from labelling.train_classifier import train
from s2s.cli import command
from s2s.config import load
from s2s.errors import UserError
from s2s.models.pretrained import ReadsText, load_reader
from s2s.text.tokens import PAD, UNK
from translation.model import TranslationModel

CPU = torch.device("cpu")


@pytest.fixture
def translator(tmp_path: Path) -> TranslationModel:
    """A small translator, which is stored in the folder `translator`."""
    tiny_model().save(tmp_path / "translator", {})
    return TranslationModel.load(tmp_path / "translator")


def test_a_classifier_begins_with_the_layers_and_the_word_vectors_of_a_translator(
    translator: TranslationModel, tmp_path: Path
) -> None:
    overrides = [f'start="{tmp_path}/translator"', "encoder.dim=8"]
    recipe = load(write_classifier_data(tmp_path), ClassifierRecipe, overrides, complete=Start().take_over)
    network = build(recipe, CPU).network
    encoder, other = network.get_submodule("encoder"), translator.text_encoder
    for name, values in other.layers.state_dict().items():
        assert torch.equal(encoder.get_submodule("layers").state_dict()[name], values.float())
    vectors = network.get_parameter("encoder.embedding.weight")
    assert not vectors[PAD].any()
    mean = other.embedding.weight[4:].float().mean(0)
    assert torch.allclose(vectors[UNK], mean)
    words = list(build(recipe, CPU).task.data.words.surfaces)  # type: ignore[attr-defined]
    for word in ("dog", "a"):
        ids = translator.source.encode(word)
        assert len(ids) > 1 or word == "a"
        expected = other.embedding.weight[ids].float().mean(0)
        assert torch.allclose(vectors[words.index(word)], expected), word


def test_a_tagger_takes_the_layers_that_both_have_and_learns_to_read_spellings(
    translator: TranslationModel, tmp_path: Path
) -> None:
    overrides = [f'start="{tmp_path}/translator"', "encoder.layers=2"]
    weights = build(load(write_tagger_data(tmp_path), TaggerRecipe, overrides, complete=Start().take_over), CPU).network
    own, other = weights.state_dict(), translator.text_encoder.layers.state_dict()
    wide, known = own["encoder.layers.back.0.weight_input"], other["back.0.weight_input"].float()
    assert wide.shape[1] == known.shape[1] + 8
    assert torch.equal(wide[:, : known.shape[1]], known)
    assert wide[:, known.shape[1] :].any()
    assert own["encoder.layers.ahead.1.weight_input"].any()


def test_a_recipe_takes_the_shape_of_the_model_it_begins_with() -> None:
    table: dict[str, Any] = {"start": "en-de", "encoder": {"word_dropout": 0.1}}  # a bundled model, by its name
    assert not list(Start().take_over(table))
    assert table["embedding_dim"] == table["encoder"]["dim"] == 256
    assert table["encoder"]["word_dropout"] == 0.1
    assert "embedding_dropout" not in table["encoder"]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["encoder.dim=5"], "translator: the recipe differs from this model in dim (5, the model has 8); change the"),
        (
            ["encoder.dim=8", "embedding_dim=5"],
            "translator: the recipe differs from this model in embedding_dim (5, the model has 8)",
        ),
    ],
)
def test_another_shape_is_told(
    overrides: list[str], message: str, translator: TranslationModel, tmp_path: Path
) -> None:
    overrides = [f'start="{tmp_path}/translator"', *overrides]
    recipe = load(write_classifier_data(tmp_path), ClassifierRecipe, overrides)
    with pytest.raises(UserError) as caught:
        build(recipe, CPU)
    assert message in str(caught.value)


def test_the_model_is_loaded_once(
    translator: TranslationModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = list[str]()

    def _load(model: Path | str) -> ReadsText:
        loaded.append(str(model))
        return load_reader(model)

    monkeypatch.setattr("labelling.pretraining.load_reader", _load)
    settings = [f'start="{tmp_path}/translator"', "encoder.dim=8", "training.epochs=1"]
    overrides = [word for setting in settings for word in ("--set", setting)]
    assert command.run(train, [str(write_classifier_data(tmp_path)), "--run", str(tmp_path / "run"), *overrides]) == 0
    assert loaded == [f"{tmp_path}/translator"]


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ("nowhere", "start: nowhere: no such directory, and no bundled model has this name; the bundled models are"),
        ("flickr8k", "flickr8k: has no text encoder to begin with; name a translator, such as en-de"),
    ],
)
def test_models_that_are_no_beginning_are_told(
    start: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_classifier_data(tmp_path)
    assert command.run(train, [str(path), "--run", str(tmp_path / "run"), "--set", f'start="{start}"']) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
