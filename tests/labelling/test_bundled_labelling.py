"""The classifier and the tagger that come along, in both engines."""

from __future__ import annotations

import pytest

from labelling import Classifier, Tagger
from labelling.loading import MODELS
from s2s.runtime.engine_options import EngineName
from s2s.storage.bundled import bundled_models

ENGINES: list[EngineName] = ["onnx", "torch"]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_bundled_classifier_tells_praise_from_blame(engine: EngineName) -> None:
    lines = ["A warm, funny and clever film.", "", "The plot makes no sense and the acting is worse."]
    found = Classifier.load(engine=engine).classify(lines)
    assert [each and each.label for each in found] == ["positive", None, "negative"]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_bundled_tagger_tells_parts_of_speech(engine: EngineName) -> None:
    (tagging,) = Tagger.load(engine=engine).tag([["The", "dog", "sleeps", "in", "Berlin", "."]])
    assert tagging.tags == ("DET", "NOUN", "VERB", "ADP", "PROPN", "PUNCT")


@pytest.mark.parametrize("kind", ["classifier", "tagger"])
def test_each_is_small_and_has_a_card(kind: str) -> None:
    (model,) = bundled_models(kind, MODELS / kind)
    assert model.megabytes < 6
    assert (model.directory / "README.md").is_file()
    assert (model.directory / "labels.onnx").is_file()
