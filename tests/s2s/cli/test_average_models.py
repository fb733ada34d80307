"""s2s.cli.average_models: one model from several that grew from one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import captioning_fixtures
import pytest
import torch
from plugin_fixtures import install

from s2s.cli.average_models import average_models
from s2s.decoding.confidence import FILE
from s2s.errors import UserError
from s2s.storage import model_directory
from s2s.storage.model_directory import read_model, write_asset, write_model
from tests.translation_fixtures import SHAPE, tiny_model
from translation.model import TranslationModel
from translation.translator import Translator


@pytest.fixture
def models(tmp_path: Path) -> list[str]:
    """Two that differ in their weights and in how long sources may be."""
    model = tiny_model()
    model.save(tmp_path / "a", {})
    with torch.no_grad():
        for parameter in model.network.parameters():
            parameter.add_(torch.randn_like(parameter) / 8)
    replace(model, config=replace(model.config, max_source_length=99)).save(tmp_path / "b", {})
    return [str(tmp_path / name) for name in "ab"]


def test_the_mean_is_a_model_and_one_named_twice_counts_twice(
    models: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "mean"
    assert average_models([*models, models[0], "--output", str(output)]) == 0
    assert capsys.readouterr().out == f"{output}\n"
    first, second, mean = (read_model(path) for path in (*models, output))
    for name, tensor in mean.tensors.items():
        expected = (2 * first.tensors[name].float() + second.tensors[name].float()) / 3
        torch.testing.assert_close(tensor.float(), expected, rtol=1e-3, atol=1e-4)
    assert mean.config == {**first.config, "max_source_length": 99} == second.config
    assert mean.about == {"mean_of": [*models, models[0]]}
    assert len(Translator.load(output).translate(["A man sleeps ."])) == 1


def test_a_calibration_of_confidence_is_not_averaged(models: list[str], tmp_path: Path) -> None:
    write_asset(models[0], FILE, b"of the first")
    assert average_models([*models, "--output", str(tmp_path / "mean")]) == 0
    assert FILE not in read_model(tmp_path / "mean").assets


def test_what_has_no_mean_is_told(models: list[str], tmp_path: Path) -> None:
    model = TranslationModel.load(models[0])
    attention = replace(model.config.decoder, attention="dot")
    other = replace(model, config=replace(model.config, decoder=attention))
    other.save(tmp_path / "dot", {})
    small = replace(SHAPE, vocabulary_kind="bpe")
    TranslationModel.fresh(small, model.source, model.target).save(tmp_path / "small", {})
    wrong = {
        "dot": r"dot: cannot be averaged with .*a: they differ in decoder\.attention; choose models that were",
        "small": r"differ in decoder\.dim",
        "none": "no such directory",
    }
    for name, message in wrong.items():
        with pytest.raises(UserError, match=message):
            average_models([models[0], str(tmp_path / name), "--output", str(tmp_path / "mean")])
    with pytest.raises(UserError, match="is the only model; name at least two"):
        average_models([models[0], "--output", str(tmp_path / "mean")])
    with pytest.raises(UserError, match="such: its folder does not exist; create it first"):
        average_models([models[0], models[0], "--output", str(tmp_path / "no" / "such")])
    with pytest.raises(UserError, match="b: already exists"):
        average_models([models[0], models[0], "--output", models[1]])
    assert not (tmp_path / "mean").exists()


def test_the_application_of_a_third_party_says_which_keys_are_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The module that registers the kind is named by an entry point, and is imported for it."""
    monkeypatch.setattr(model_directory, "_BUILDERS", dict(model_directory._BUILDERS))
    monkeypatch.setattr(model_directory, "_LIMITS", dict(model_directory._LIMITS))
    source = (
        "from s2s.storage.model_directory import register\n"
        "register('sums', lambda stored: None, limits=['longest', 'not there'])\n"
    )
    for number, longest in enumerate((3, 5, 4)):
        config = {"longest": longest, "width": 2}
        tensors = {"weight": torch.full((2,), float(number))}
        write_model(tmp_path / str(number), kind="sums", config=config, tensors=tensors)
    models = [str(tmp_path / str(number)) for number in range(3)]
    output = tmp_path / "mean"
    with pytest.raises(UserError, match=r"0: unknown kind of model 'sums'; .* are .*captioning, .*translation$"):
        average_models([*models, "--output", str(output)])
    install(tmp_path / "site", "sums", "[s2s.kinds]\nsums = sums_model\n", sums_model=source)
    monkeypatch.syspath_prepend(tmp_path / "site")
    assert average_models([*models, "--output", str(output)]) == 0
    mean = read_model(output)
    assert mean.config == {"longest": 5, "width": 2}
    assert mean.tensors["weight"].tolist() == [1, 1]
    write_model(tmp_path / "wide", kind="sums", config={"longest": 3, "width": 4}, tensors=dict(mean.tensors))
    with pytest.raises(UserError, match="they differ in width;"):
        average_models([models[0], str(tmp_path / "wide"), "--output", str(tmp_path / "other")])


def test_captioners_differ_in_the_longest_caption(tmp_path: Path) -> None:
    network = captioning_fixtures.model()
    for name, length in (("a", 7), ("b", 9)):
        model = replace(network, config=replace(network.config, max_caption_length=length))
        model.save(tmp_path / name, {})
    assert average_models([str(tmp_path / "a"), str(tmp_path / "b"), "--output", str(tmp_path / "mean")]) == 0
    assert read_model(tmp_path / "mean").config["max_caption_length"] == 9


def test_bundled_models_are_found_by_name(tmp_path: Path) -> None:
    output = tmp_path / "mean"
    assert average_models(["en-de", "en-de", "--output", str(output)]) == 0
    assert [Path(path).name for path in read_model(output).about["mean_of"]] == ["en-de", "en-de"]
