"""Models that an earlier version wrote are loaded, and answer as they did."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import captioning_fixtures as world
import pytest

from captioning import model

DATA = Path(__file__).parents[2] / "data"
ANSWERS = json.loads((DATA / "stored" / "answers.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    """The script that wrote them."""
    spec = importlib.util.spec_from_file_location("make_stored_models", DATA / "make_stored_models.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def assert_answers(kind: str, answer: Callable[[Path], Any]) -> None:
    found = answer(DATA / "stored" / kind)
    assert [text for text, _ in found] == [text for text, _ in ANSWERS[kind]]
    assert [score for _, score in found] == pytest.approx([score for _, score in ANSWERS[kind]], abs=1e-3)
    assert len({text for text, _ in found}) > 1


def test_a_translator_answers_as_it_did(maker: ModuleType) -> None:
    assert_answers("translation", maker.translations)


def test_a_captioner_answers_as_it_did(maker: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "empty_backbone", lambda name: world.backbone())  # a real one has millions of weights
    assert_answers("captioning", maker.captions)


def test_a_classifier_and_a_tagger_answer_as_they_did(maker: ModuleType) -> None:
    assert_answers("classifier", maker.labels)
    assert_answers("tagger", maker.tags)


@pytest.mark.parametrize("name", ANSWERS["layout"])
def test_the_tensors_of_a_cnn_have_their_names_and_shapes(name: str, maker: ModuleType) -> None:
    assert maker.layout(name) == ANSWERS["layout"][name]
