"""Confidence of captions: its features, and a calibration that is fitted, stored and used by whoever captions."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from math import log
from pathlib import Path

import captioning_fixtures as world
import numpy as np
import pytest
from numpy.typing import NDArray

from captioning import calibration as calibration_module
from captioning import confidence, familiarity
from captioning.calibrate import calibrate
from captioning.calibration import calibrate_model, calibrate_trained
from captioning.caption import caption
from captioning.captioner import Captioner
from captioning.confidence import WORDS, features
from captioning.corpus import CaptionedImage
from captioning.familiarity import Impression
from captioning.model import CaptioningModel
from captioning.prepare import Example
from s2s.decoding.confidence import FILE, Calibration
from s2s.decoding.search import Hypothesis
from s2s.errors import UserError
from s2s.storage.model_directory import read_model
from s2s.vision.images import read_image

USUAL = {5: 0.1, 6: 0.2}
IMPRESSION = Impression(0.7, 0.3, {5: 0.5, 6: 0.1})


def hypothesis(tokens: list[int], attention: NDArray[np.float32] | None = None) -> Hypothesis:
    return Hypothesis(tokens, -2.0, -2.0 * (len(tokens) + 1), attention, finished=True)


def test_the_features_of_a_caption() -> None:
    found = features(hypothesis([5, 9]), IMPRESSION, USUAL)
    assert found["surprise"] == pytest.approx(log(2.05))
    assert (found["strangeness"], found["unfamiliar"]) == (0.7, 0.3)
    assert found["unnamed"] == pytest.approx(-0.3)
    assert found["misfit"] == pytest.approx(log(0.1 / 0.5))
    assert found["unexpected"] == pytest.approx(-log(0.5))
    assert (found["spread"], found["repetition"]) == (0, 0)
    assert set(found) == set(WORDS)


def test_words_that_such_a_picture_does_not_call_for_are_worse() -> None:
    fitting, other, silent = (features(hypothesis([token]), IMPRESSION, USUAL) for token in (5, 6, 9))
    assert fitting["misfit"] < other["misfit"]
    assert fitting["unexpected"] < other["unexpected"] < silent["unexpected"]


def test_attention_everywhere_and_repetition_are_worse() -> None:
    one_place, everywhere = np.eye(3, 4, dtype=np.float32), np.full((3, 4), np.float32(0.25))
    assert features(hypothesis([5, 6], one_place), IMPRESSION, USUAL)["spread"] == pytest.approx(0, abs=1e-6)
    assert features(hypothesis([5, 6], everywhere), IMPRESSION, USUAL)["spread"] == pytest.approx(1)
    assert features(hypothesis([5, 6, 5, 6, 5]), IMPRESSION, USUAL)["repetition"] == 0.5


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("captioning.model.empty_backbone", lambda _: world.backbone())
    world.model().save(tmp_path / "model", {"about": "it"})
    (tmp_path / "model" / "README.md").write_text("# A card")
    return tmp_path / "model"


Examples = Callable[[str], list[Example]]


@pytest.fixture
def pictures(tmp_path: Path, directory: Path) -> Examples:
    """Forty pictures of a name. The references of two of three are what the model writes: it is perfect at them."""

    def make(name: str) -> list[Example]:
        (tmp_path / name).mkdir()
        paths = [tmp_path / name / f"{number}.png" for number in range(40)]
        for number, path in enumerate(paths):
            colour = list(world.COLOURS.values())[number % 4]
            shade = tuple(max(0, value - 3 * number) for value in colour)
            world.photograph((8 + number, 12), shade).save(path)
        written = [each.text for each in Captioner.load(directory).caption(paths)]
        found = []
        for number, (path, text) in enumerate(zip(paths, written)):
            captions = (text if number % 3 else "the square", f"a thing {number}")
            found.append(Example(CaptionedImage(path, captions, "", path.name), captions))
        return found

    return make


def test_a_calibrated_model_says_how_sure_it_is(directory: Path, pictures: Examples) -> None:
    validation, before = pictures("validation"), read_model(directory)
    path = validation[0].picture.path
    assert Captioner.load(directory).caption([path])[0].confidence is None
    found = calibrate_model(directory, pictures("train"), validation)
    assert (found.ordinary.sum(), (~found.ordinary).sum()) == (40, 40)
    after = read_model(directory)
    assert after.assets.keys() - before.assets.keys() == {FILE, familiarity.FILE}
    assert after.about == before.about
    assert (directory / "README.md").read_text() == "# A card"
    [judged] = Captioner.load(directory).caption([path])
    assert judged.confidence is not None
    assert 0 <= judged.confidence <= 1
    assert set(judged.reasons) <= set(WORDS.values())


def test_the_confidence_does_not_depend_on_the_batch(directory: Path, pictures: Examples) -> None:
    paths = [each.picture.path for each in pictures("validation")]
    calibrate_model(directory, pictures("train"), pictures("more"))
    together = Captioner.load(directory, precision="float32").caption(paths)
    alone = Captioner.load(directory, precision="float32", batch=1).caption(paths)
    for one, other in zip(together, alone):
        assert one.confidence == pytest.approx(other.confidence, abs=1e-4)


def test_the_calibration_is_stored_with_the_model(directory: Path, pictures: Examples, tmp_path: Path) -> None:
    calibrate_model(directory, pictures("train"), pictures("validation"))
    model = CaptioningModel.load(directory)
    model.save(tmp_path / "copy", {})
    again = CaptioningModel.load(tmp_path / "copy")
    assert again.calibration == model.calibration
    assert again.familiarity is not None


def test_versions_of_a_photograph_are_judged_by_its_references_and_drawings_are_never_right(
    directory: Path, pictures: Examples, monkeypatch: pytest.MonkeyPatch
) -> None:
    validation = pictures("validation")
    monkeypatch.setattr(calibration_module, "spoiled", lambda image, number, _: (image, number % 2 == 0))
    found = calibrate_model(directory, pictures("train"), validation)
    usual, odd = found.acceptable[found.ordinary], found.acceptable[~found.ordinary]
    assert usual.any()
    assert (odd[::2] == usual[::2]).all()
    assert not odd[1::2].any()


def test_a_picture_that_cannot_be_read_is_left_out(directory: Path, pictures: Examples) -> None:
    train, validation = pictures("train"), pictures("validation")
    for examples in (train, validation):
        examples[5].picture.path.write_bytes(b"no picture")
    assert calibrate_model(directory, train, validation).ordinary.sum() == 39


def test_training_calibrates_once_and_never_fails_for_it(
    directory: Path, pictures: Examples, capsys: pytest.CaptureFixture[str]
) -> None:
    train, validation = pictures("train"), pictures("validation")
    calibrate_trained(directory, train, validation[:5], "cpu")
    assert "its confidence was not calibrated" in capsys.readouterr().err
    assert not (directory / FILE).exists()
    calibrate_trained(directory, train, validation, "cpu")
    content = (directory / FILE).read_bytes()
    calibrate_trained(directory, train, validation[:30], "cpu")
    assert (directory / FILE).read_bytes() == content


def test_what_training_pictures_look_like_is_needed_once(directory: Path, pictures: Examples) -> None:
    train, validation = pictures("train"), pictures("validation")
    with pytest.raises(UserError, match="name them with --train"):
        calibrate_model(directory, None, validation)
    calibrate_model(directory, train, validation)
    known = (directory / familiarity.FILE).read_bytes()
    calibrate_model(directory, None, validation[:30])
    assert (directory / familiarity.FILE).read_bytes() == known


def test_a_calibration_of_another_version_is_a_warning(
    directory: Path, pictures: Examples, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calibrate_model(directory, pictures("train"), pictures("validation"))
    monkeypatch.setattr("captioning.assets.WORDS", {"another": "of a later version"})
    assert CaptioningModel.load(directory).calibration is None
    assert "unknown to this version" in capsys.readouterr().err


def source(path: Path, examples: list[Example]) -> Path:
    lines = [json.dumps({"image": str(each.picture.path), "captions": each.captions}) for each in examples]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_the_command_calibrates_and_draws(
    directory: Path, pictures: Examples, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train = source(tmp_path / "train.jsonl", pictures("train"))
    validation = source(tmp_path / "val.jsonl", pictures("validation"))
    arguments = [str(directory), "--train", str(train), "--references", str(validation)]
    assert calibrate([*arguments, "--picture", str(tmp_path / "r.png")]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["pictures"], printed["spoiled_pictures"]) == (40, 40)
    assert printed["acceptable"] == "CIDEr-D of at least 30"
    assert read_image(tmp_path / "r.png").size[0] > 400
    with pytest.raises(UserError, match=r"must end in \.png"):
        calibrate([*arguments, "--picture", str(tmp_path / "r.jpg")])


def doubtful_about(directory: Path, threshold: float) -> None:
    """Store a calibration by which captions below this confidence are doubtful."""
    stored = Calibration.from_json((directory / FILE).read_bytes(), "x")
    model = CaptioningModel.load(directory)
    replace(model, calibration=replace(stored, threshold=threshold)).save(directory, {})


def test_the_command_tells_reports_and_marks_doubtful_captions(
    directory: Path, pictures: Examples, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    validation = pictures("validation")
    calibrate_model(directory, pictures("train"), validation)
    good, broken = validation[1].picture.path, tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    report, results = tmp_path / "report.jsonl", tmp_path / "results.json"

    def run(*more: str) -> tuple[str, str]:
        caption([str(good), str(broken), "--model", str(directory), *more])
        printed = capsys.readouterr()
        return printed.out, printed.err

    doubtful_about(directory, 0.0)
    assert "doubtful" not in run()[1]
    doubtful_about(directory, 1.0)
    out, err = run()
    assert "1 of 1 captions is doubtful; --report FILE says which and why\n" in err
    assert "[?]" not in out
    out, err = run("--unsure", "mark", "--report", str(report), "--json", str(results))
    assert f"{good}\t[?] " in out
    assert "1 of 1 captions is doubtful, marked with [?]\n" in err
    first, second = map(json.loads, report.read_text(encoding="utf-8").splitlines())
    assert (first["path"], first["doubtful"]) == (str(good), True)
    assert f"[?] {first['caption']}\n" in out
    assert 0 <= first["confidence"] <= 1
    assert second == {"path": str(broken), "image_id": "broken.png", "caption": None, "problem": second["problem"]}
    [entry] = json.loads(results.read_text(encoding="utf-8"))
    assert entry["confidence"] == first["confidence"]
    assert entry["reasons"] == first["reasons"]
    assert entry["caption"] == first["caption"]


def test_a_model_without_a_calibration_says_so(
    directory: Path, pictures: Examples, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, report = str(pictures("some")[0].picture.path), tmp_path / "report.jsonl"
    assert caption([path, "--model", str(directory), "--report", str(report)]) == 0
    assert "is not calibrated, so the confidence of all pictures is null" in capsys.readouterr().err
    found = json.loads(report.read_text(encoding="utf-8"))
    assert (found["confidence"], found["doubtful"]) == (None, None)
    assert "is not calibrated" in found["reasons"][0]
    with pytest.raises(UserError, match=r"--unsure mark: .* is not calibrated; calibrate it with `s2s calibrate"):
        caption([path, "--model", str(directory), "--unsure", "mark"])


def test_the_report_and_the_results_are_two_files(directory: Path, tmp_path: Path) -> None:
    same = str(tmp_path / "same")
    with pytest.raises(UserError, match="this is the file of --json too"):
        caption([str(tmp_path / "a.png"), "--model", str(directory), "--json", same, "--report", same])


def test_no_feature_is_nameless() -> None:
    assert all(confidence.WORDS.values())
