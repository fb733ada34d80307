"""s2s.cli.average_models: one model from several that grew from one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from s2s.cli.average_models import average_models
from s2s.errors import UserError
from s2s.storage.model_directory import read_model
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


def test_what_has_no_mean_is_told(models: list[str], tmp_path: Path) -> None:
    model = TranslationModel.load(models[0])
    attention = replace(model.config.decoder, attention="dot")
    other = replace(model, config=replace(model.config, decoder=attention))
    other.save(tmp_path / "dot", {})
    small = replace(SHAPE, vocabulary_kind="bpe")
    TranslationModel.fresh(small, model.source, model.target).save(tmp_path / "small", {})
    wrong = {
        "dot": r"dot: has no mean with .*a: they differ in decoder\.attention; take models that went on from one",
        "small": r"differ in decoder\.dim",
        "none": "no such directory",
    }
    for name, message in wrong.items():
        with pytest.raises(UserError, match=message):
            average_models([models[0], str(tmp_path / name), "--output", str(tmp_path / "mean")])
    with pytest.raises(UserError, match="is the mean of itself"):
        average_models([models[0], "--output", str(tmp_path / "mean")])
    with pytest.raises(UserError, match="such: its folder does not exist; create it first"):
        average_models([models[0], models[0], "--output", str(tmp_path / "no" / "such")])
    with pytest.raises(UserError, match="b: exists already"):
        average_models([models[0], models[0], "--output", models[1]])
    assert not (tmp_path / "mean").exists()
