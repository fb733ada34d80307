"""The answerer that comes along, in both engines; it looks through the captioner `everyday`."""

from __future__ import annotations

from pathlib import Path

import pytest

from question_answering import Answerer
from question_answering.loading import MODELS
from s2s.runtime.engine_options import EngineName
from s2s.storage.bundled import bundled_models

CAT = Path(__file__).parents[2] / "captioning" / "examples" / "chelsea.jpg"
ENGINES: list[EngineName] = ["onnx", "torch"]


@pytest.mark.parametrize("engine", ENGINES)
def test_it_knows_a_cat(engine: EngineName) -> None:
    chosen = Answerer.load(engine=engine).answer([(CAT, "What animal is this?")], top=2, blind=True)
    assert [each.text for each in chosen] == ["cat"]
    assert chosen[0].hops is not None
    assert chosen[0].hops.shape == (2, 8, 8)


def test_it_is_small_and_has_a_card() -> None:
    (model,) = bundled_models("answerer", MODELS)
    assert model.megabytes < 8
    assert (model.directory / "README.md").is_file()
