"""Calibration: fitted on text, stored in the model directory, and used by whoever translates with the model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from s2s.decoding.confidence import FILE, Calibration
from s2s.errors import UserError
from s2s.storage.model_directory import read_model
from tests.translation_fixtures import LINES, tiny_model
from translation import calibration
from translation.calibrate import calibrate
from translation.calibration import calibrate_model, calibrate_trained
from translation.corpus import ParallelText
from translation.model import TranslationModel
from translation.translator import Translator

WORDS = [word for line in LINES for word in line.split() if word.isalpha()]
SOURCES = [" ".join(WORDS[i % 13 : i % 13 + 3 + i % 5]) for i in range(40)]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    tiny_model().save(tmp_path / "model", {"about": "it"})
    (tmp_path / "model" / "README.md").write_text("# A card")
    return tmp_path / "model"


@pytest.fixture
def text(directory: Path) -> ParallelText:
    """The references of two lines of three are what the model writes: it is a perfect translator of them."""
    written = [each.text for each in Translator.load(directory).translate(SOURCES)]
    targets = [text if i % 3 else "something else" for i, text in enumerate(written)]
    return ParallelText(SOURCES, targets, range(1, len(SOURCES) + 1))


def test_a_calibrated_model_says_how_sure_it_is(directory: Path, text: ParallelText) -> None:
    before = read_model(directory)
    found = calibrate_model(directory, text)
    assert found.ordinary.sum() == len(SOURCES) == (~found.ordinary).sum()
    after = read_model(directory)
    assert (after.config, after.about) == (before.config, before.about)
    assert {name: after.assets[name] for name in before.assets} == before.assets
    assert (directory / "README.md").read_text() == "# A card"
    translator = Translator.load(directory)
    assert translator.calibration == found.calibration
    [translation, blank] = translator.translate([SOURCES[0], ""])
    assert 0 < (translation.confidence or 0) < 1
    assert translation.doubtful == (translation.confidence < found.calibration.threshold)  # type: ignore[operator]
    assert (blank.confidence, blank.doubtful, blank.reasons) == (None, False, ())


def test_without_a_calibration_there_is_no_confidence(directory: Path) -> None:
    [translation] = Translator.load(directory).translate(SOURCES[:1])
    assert (translation.confidence, translation.doubtful, translation.reasons) == (None, False, ())


def test_an_ensemble_is_not_calibrated_by_one_of_its_models(directory: Path, text: ParallelText) -> None:
    calibrate_model(directory, text)
    assert Translator.load(directory, others=[directory]).calibration is None


def test_a_calibration_is_saved_with_its_model(directory: Path, text: ParallelText, tmp_path: Path) -> None:
    calibrate_model(directory, text)
    model = TranslationModel.load(directory)
    model.save(tmp_path / "copy", {})
    assert TranslationModel.load(tmp_path / "copy").calibration == model.calibration != None  # noqa: E711


def test_a_calibration_of_another_version_is_left_out_with_a_warning(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from s2s.storage.model_directory import write_asset

    other = Calibration(("colour",), (0.0,), (1.0,), (1.0,), 0.0, 0.5, "x", 100, 0.0)
    write_asset(directory, FILE, other.to_json())
    assert TranslationModel.load(directory).calibration is None
    assert "its feature 'colour' is unknown to this version; run `s2s calibrate` again" in capsys.readouterr().err
    write_asset(directory, FILE, b"{}")
    with pytest.raises(UserError, match=r"confidence\.json.*missing key"):
        TranslationModel.load(directory)


def test_training_goes_on_where_nothing_can_be_learned(
    directory: Path, text: ParallelText, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    calibrate_trained(directory, text.pick(range(3)), "cpu")
    assert "its confidence was not calibrated" in capsys.readouterr().err
    assert not (directory / FILE).exists()
    calibrate_trained(directory, text, "cpu")
    assert (directory / FILE).exists()
    monkeypatch.setattr(calibration, "calibrate_model", None)  # a training that had ended does not calibrate again
    calibrate_trained(directory, text, "cpu")


def test_the_command_calibrates_and_draws(
    directory: Path, text: ParallelText, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = tmp_path / "text.en", tmp_path / "text.de"
    for path, lines in zip(paths, (text.source, text.target)):
        path.write_text("".join(f"{line}\n" for line in lines))
    arguments = [str(directory), "--source", str(paths[0]), "--reference", str(paths[1])]
    picture = tmp_path / "reliability.png"
    assert calibrate([*arguments, "--picture", str(picture)]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["lines"], report["spoiled_lines"]) == (40, 40)
    assert report["acceptable_share"] > 0.6
    assert Image.open(picture).width > 400
    assert TranslationModel.load(directory).calibration
    for wrong, message in {str(picture): "already exists", str(tmp_path / "x.gif"): "must end in .png"}.items():
        with pytest.raises(UserError, match=message):
            calibrate([*arguments, "--picture", wrong])
